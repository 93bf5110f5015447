import type { TaskRecord } from "#engine";
import { listEmails, type StoredEmail } from "#domain/mail";
import {
  findItems,
  findOrder,
  mailKeyOf,
  ORDER_STATES,
  searchOrders,
  type Order,
} from "#domain/orders";
import { findPayment, type Payment } from "#domain/payments";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { orderToSee } from "../../api/shop/order-access.ts";
import { filledIn } from "../shell/index.ts";
import { listPage } from "./list-page.tsx";
import { orderPage, type OrderTask } from "./order-page.tsx";

const PLACE = "/dashboard/orders";
const PAGE = 50;
const MAX_EMAILS = 50;
/** When the last one of a page was created, and its id. */
const CURSOR = /^\d{1,15} [\w.:-]{1,64}$/;

/** The orders of all owners. */
export function orderPages(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const search = reader.text("search", 320)?.trim() ?? "";
        const state = reader.oneOf("state", ORDER_STATES) ?? null;
        const cursor = reader.cursor("cursor", CURSOR);
        reader.check();
        const [createdAt, id = ""] = cursor?.split(" ") ?? [];
        const after = cursor === null ? null : { createdAt: Number(createdAt), id };
        const shown = { search, state, cursor };
        if (search !== "" && !search.includes("@")) {
          const order = await findOrder(parts.shop.db, search);
          const orders = order !== null && (state === null || order.state === state) ? [order] : [];
          return listPage(call, { ...shown, orders, next: null });
        }
        const query = { state, email: search === "" ? null : search };
        const { orders, next } = await searchOrders(parts.shop.db, query, { limit: PAGE, after });
        const place = next === null ? null : `${next.createdAt} ${next.id}`;
        return listPage(call, { ...shown, orders, next: place });
      },
    },
    {
      method: "GET",
      path: `${PLACE}/:id`,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        new QueryReader(filledIn(call.query)).check();
        const order = await orderToSee(parts, call.caller, call.params["id"]);
        const { db } = parts.shop;
        const [payment, items, ...mails] = await Promise.all([
          findPayment(db, order.id),
          findItems(db, [order.id]),
          ...[order.emailTaskId, mailKeyOf(order.id)].map((taskId) =>
            listEmails(db, { taskId, limit: MAX_EMAILS }),
          ),
        ]);
        const emails = mails.flat();
        const tasks = await tasksOf(parts, order, payment, emails);
        const lines = items.get(order.id) ?? [];
        return orderPage(call, { order, payment, items: lines, emails, tasks });
      },
    },
  ];
}

/** The tasks that work on an order, as far as its rows know them. */
async function tasksOf(
  { tasks }: ApiParts,
  order: Order,
  payment: Payment | null,
  emails: readonly StoredEmail[],
): Promise<OrderTask[]> {
  const known: [string, string | null][] = [
    ["confirmation by mail", order.emailTaskId],
    ["payment", order.paymentTaskId],
    ["notification of sellers", order.sellerTaskId],
    ["payment, last asked by", payment?.taskId ?? null],
    ...emails.map((mail): [string, string] => [`mail ${mail.template}`, mail.taskId]),
  ];
  const byId = new Map<string, string>();
  for (const [what, id] of known) {
    if (id !== null && /^[0-9a-f-]{36}$/.test(id) && !byId.has(id)) byId.set(id, what);
  }
  return Promise.all(
    [...byId].map(async ([id, what]) => {
      const task: TaskRecord | null = await tasks.get(id);
      return { id, what, task };
    }),
  );
}
