import * as z from "zod";
import { findReachable, findUsers } from "#domain/accounts";
import {
  CartBusyError,
  changeCart,
  checkOutCart,
  findCart,
  MAX_LINES,
  MAX_QUANTITY,
  priced,
  withLine,
  withoutLine,
  type CartKey,
  type CartLine,
  type PricedCart,
  type StoredCart,
} from "#domain/carts";
import { findProducts } from "#domain/catalog";
import { isCustomer, type Caller } from "../callers/access.ts";
import { isoTimeOrNull } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, invalid, Problem } from "../http/problems.ts";
import { userId as userIdParam, type QueryOf } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import {
  amount,
  decimalOf,
  emailAddress,
  locale,
  missingMethod,
  paymentMethod,
  shopId,
} from "./fields.ts";
import { orderView, startedOrderAnswer, tasksView } from "./order-views.ts";
import { mayAsk } from "./people.ts";

const lineSchema = z.strictObject({ quantity: z.int().min(1).max(MAX_QUANTITY) });

const checkoutSchema = z.strictObject({
  orderId: shopId,
  expectedTotal: amount,
  customerEmail: emailAddress.optional(),
  locale: locale.optional(),
  paymentMethod: paymentMethod.optional(),
});

const TAG = "carts";
const whose = {
  user_id: userIdParam("Whose cart it is: for API keys; people have their own."),
};
const CHANGES = { 409: ["cart_busy", "cart_full"] };

const cartAnswer = z
  .strictObject({
    items: z.array(
      z.strictObject({
        sku: z.string(),
        name: z.string(),
        quantity: z.int(),
        unitPrice: z.number(),
        currency: z.string(),
        amount: z.number(),
      }),
    ),
    totals: z.array(z.strictObject({ currency: z.string(), amount: z.number() })),
    updatedAt: isoTimeOrNull,
  })
  .meta({ id: "Cart" });

/** Carts: people have one of their own; API keys have one for each user they name by `?user_id=`. */
export function cartRoutes(parts: ApiParts): Route[] {
  async function change(
    key: CartKey,
    edit: (lines: readonly CartLine[]) => readonly CartLine[] | null,
  ): Promise<Response> {
    const { db, clock } = parts.shop;
    let cart: StoredCart | null;
    try {
      cart = await changeCart(db, key, clock.now(), edit);
    } catch (error) {
      if (error instanceof CartBusyError) throw conflict("cart_busy", error.message);
      throw error;
    }
    if (cart === null) throw conflict("cart_full", `A cart has ${MAX_LINES} lines at most.`);
    return Response.json(cartView(await priced(db, cart)));
  }

  return [
    operation({
      method: "GET",
      path: "/api/cart",
      scope: "orders:write",
      rate: "read",
      tag: TAG,
      summary: "Show the cart",
      query: whose,
      answers: { 200: cartAnswer },
      handle: async (call) => {
        const cart = await findCart(parts.shop.db, cartKeyOf(call));
        return Response.json(cartView(await priced(parts.shop.db, cart)));
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/cart",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Empty the cart",
      query: whose,
      answers: { 200: cartAnswer },
      problems: CHANGES,
      handle: (call) => change(cartKeyOf(call), () => []),
    }),
    operation({
      method: "PUT",
      path: "/api/cart/items/:sku",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Put so many of a product into the cart",
      params: { sku: shopId },
      query: whose,
      body: lineSchema,
      example: { quantity: 2 },
      answers: { 200: cartAnswer },
      problems: CHANGES,
      handle: async (call) => {
        const key = cartKeyOf(call);
        const { sku = "" } = call.params;
        const { quantity } = call.body;
        if (!(await findProducts(parts.shop.db, [sku])).has(sku)) {
          throw invalid([{ field: "sku", message: "There is no such product." }]);
        }
        return change(key, (lines) => withLine(lines, { sku, quantity }));
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/cart/items/:sku",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Take a product out of the cart",
      params: { sku: shopId },
      query: whose,
      answers: { 200: cartAnswer },
      problems: CHANGES,
      handle: (call) => {
        const { sku = "" } = call.params;
        return change(cartKeyOf(call), (lines) => withoutLine(lines, sku));
      },
    }),
    operation({
      method: "POST",
      path: "/api/cart/checkout",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Order what is in the cart",
      description:
        "At the prices of the catalog. If the total is not what was expected, nothing is ordered, and the problem has the `cart` as it is.",
      query: whose,
      body: checkoutSchema,
      example: { orderId: "5-1", expectedTotal: 25 },
      answers: { 200: startedOrderAnswer },
      problems: {
        409: ["order_exists", "cart_empty", "currencies_mixed", "cart_changed"],
        429: ["too_many_tries"],
      },
      handle: async (call) => {
        const key = cartKeyOf(call);
        const { body } = call;
        checkNumber(call, body.orderId);
        const errors = missingMethod(parts.shop.gateway, body.paymentMethod);
        if (errors.length > 0) throw invalid(errors);
        const customerEmail = await recipientOf(parts, call, key.userId, body.customerEmail);
        await mayAsk(parts, call.caller, "mailing");
        const answer = await checkOutCart(
          { ...parts.shop, background: call.background },
          parts.lovageFor(key.owner),
          key,
          {
            orderId: body.orderId,
            customerEmail,
            expectedMinor: body.expectedTotal,
            locale: body.locale ?? null,
            paymentMethod: body.paymentMethod,
          },
        );
        switch (answer.kind) {
          case "created":
          case "same": {
            const { order } = answer;
            return Response.json({ ...orderView(order), tasks: tasksView(order) });
          }
          case "conflict":
            throw conflict("order_exists", `Order #${body.orderId} exists with other content.`);
          case "empty":
            throw conflict("cart_empty", "There is nothing in the cart.");
          case "mixed":
            throw conflict("currencies_mixed", "An order has one currency; the cart has several.");
          case "changed":
            throw new Problem(
              409,
              "cart_changed",
              "The cart is not what was expected; here it is as it is now.",
              { members: { cart: cartView(answer.cart) } },
            );
        }
      },
    }),
  ];
}

/** Whose cart a request means. @throws Problem 422 */
function cartKeyOf({
  caller,
  query,
}: {
  readonly caller: Caller;
  readonly query: QueryOf<typeof whose>;
}): CartKey {
  const { owner, userId } = caller;
  const { user_id: named } = query;
  if (userId !== null) {
    if (named === undefined || named === userId) return { owner, userId };
    throw invalid([{ field: "user_id", message: "Your cart is your own." }]);
  }
  if (named !== undefined) return { owner, userId: named };
  throw invalid([{ field: "user_id", message: "Say whose cart it is." }]);
}

/**
 * People number their orders under their own id: no number that the shop or somebody else is about to use
 * can be taken from them, and nobody learns which there are. @throws Problem 422
 */
function checkNumber({ caller }: { readonly caller: Caller }, orderId: string): void {
  const { userId } = caller;
  if (!isCustomer(caller) || orderId.startsWith(`${userId}-`)) return;
  throw invalid([{ field: "orderId", message: `Must begin with ${userId}-, your user id.` }]);
}

/** Where the order's mails go. For people that is their account's address: they write to nobody else by us. */
async function recipientOf(
  parts: ApiParts,
  { caller }: { readonly caller: Caller },
  userId: number,
  given: string | undefined,
): Promise<string> {
  if (!isCustomer(caller) && given !== undefined) return given;
  // People are not told whether their address is another account's.
  const find = caller.userId === null ? findReachable : findUsers;
  const user = (await find(parts.shop.db, [userId])).get(userId);
  if (user === undefined) {
    const message = "Is needed: the account has no address of its own.";
    throw invalid([{ field: "customerEmail", message }]);
  }
  if (given !== undefined && given.toLowerCase() !== user.email.toLowerCase()) {
    throw invalid([{ field: "customerEmail", message: "Must be your account's address." }]);
  }
  return user.email;
}

function cartView({ items, totals, updatedAt }: PricedCart): z.output<typeof cartAnswer> {
  return {
    items: items.map(({ product: { sku, name, priceMinor, currency }, quantity }) => ({
      ...{ sku, name, quantity, unitPrice: decimalOf(priceMinor), currency },
      amount: decimalOf(priceMinor * quantity),
    })),
    totals: Array.from(totals, ([currency, minor]) => ({ currency, amount: decimalOf(minor) })),
    updatedAt: updatedAt === null ? null : new Date(updatedAt).toISOString(),
  };
}
