import { hasMail, rowOf, same, type Scene, type Stage } from "./scene.ts";
import type { Row } from "./view.ts";

/** The simulated gateway goes by the last two digits of an amount. */
const AMOUNTS: readonly (readonly [amount: number, note: string])[] = [
  [150, ""],
  [89.9, ""],
  [42.01, "declined"],
  [75.02, "no answer"],
  [64.03, "fails twice"],
  [12, ""],
];

interface Person {
  readonly id: number;
  readonly token: string;
  readonly email: string;
}

const nameOf = (role: string, { run }: Stage) => `${role}-${run}`;
const emailOf = (role: string, stage: Stage) => `${nameOf(role, stage)}@example.com`;

/** Buyer and seller are registered by the first scene and needed by the others. */
const people = new Map<string, Person>();

function person(role: string): Person {
  const known = people.get(role);
  if (known === undefined) throw new Error(`Nobody is registered as ${role}.`);
  return known;
}

async function register(stage: Stage, role: string): Promise<void> {
  const email = emailOf(role, stage);
  const answer = await stage.client.post<{ user_id: number; token: string }>("/api/register/", {
    username: nameOf(role, stage),
    email,
    password: `a long one for ${stage.run}`,
    first_name: role === "buyer" ? "Anna" : "Boris",
    last_name: "Demo",
  });
  people.set(role, { id: answer.user_id, token: answer.token, email });
}

export const registration: Scene = {
  title: "Two people register",
  async play(stage) {
    const { client } = stage;
    const since = new Date();
    await register(stage, "buyer");
    await register(stage, "seller");
    const ids = await client.find("send_welcome_email", since, 2);
    return {
      rows: ids.map((id, index) => rowOf(`account ${index + 1}`, [["send_welcome_email", id]])),
      checks: async () => [
        await hasMail(client, person("buyer").email, "welcome"),
        await hasMail(client, person("seller").email, "welcome"),
        same(
          "GET /api/protected/ with the buyer's token",
          (await client.as(person("buyer").token).get<{ user: string }>("/api/protected/")).user,
          nameOf("buyer", stage),
        ),
      ],
    };
  },
};

/** Creates an order and answers its row. */
async function placeOrder(
  { client }: Stage,
  label: string,
  order: { readonly orderId: string; readonly totalAmount: number },
  more: object = {},
): Promise<Row> {
  const body = { userId: 1, customerEmail: "customer@example.com", ...order, ...more };
  const { data } = await client.post<{ data: { tasks: Record<string, string> } }>(
    "/api/create-order/",
    body,
  );
  return rowOf(label, Object.entries(data.tasks));
}

export const orders: Scene = {
  title: "Orders, with their mails, payments and word to the seller",
  async play(stage) {
    const { client, run } = stage;
    const seller = person("seller");
    const idOf = (index: number) => `demo-${run}-${index + 1}`;
    const sold = {
      customerEmail: person("buyer").email,
      items: [{ name: "Lamp", quantity: 2, unitPrice: 40.5, sellerId: seller.id }],
      locale: "ru",
    };
    const rows = await Promise.all([
      ...AMOUNTS.map(([totalAmount, note], index) =>
        placeOrder(stage, `#${index + 1} ${totalAmount.toFixed(2)} ${note}`.trimEnd(), {
          orderId: idOf(index),
          totalAmount,
        }),
      ),
      placeOrder(stage, "two lamps", { orderId: `demo-${run}-lamps`, totalAmount: 81 }, sold),
    ]);
    const stateOf = async (id: string) =>
      (await client.get<{ state: string }>(`/api/orders/${id}/`)).state;
    return {
      rows,
      checks: async () => [
        same("order of 150.00", await stateOf(idOf(0)), "paid"),
        same("order of 42.01, whose card is declined", await stateOf(idOf(2)), "payment_failed"),
        same("order of 75.02, charged without an answer", await stateOf(idOf(3)), "paid"),
        await hasMail(client, person("buyer").email, "order_confirmation"),
        await hasMail(client, seller.email, "seller_notification"),
      ],
    };
  },
};

export const escrow: Scene = {
  title: "An escrow transaction from its beginning to its end",
  async play(stage) {
    const { client } = stage;
    const [buyer, seller] = [person("buyer"), person("seller")];
    const [asBuyer, asSeller] = [client.as(buyer.token), client.as(seller.token)];
    const since = new Date();
    await asSeller.post("/api/escrow/verification/", {
      ...{ legal_name: "Boris Demo & Co", country: "DE", details: "HRB 12345" },
    });
    await client.post(`/api/escrow/verification/${seller.id}/decide/`, { status: "VERIFIED" });
    const { transaction_id: id } = await asBuyer.post<{ transaction_id: string }>(
      "/api/escrow/transactions/",
      {
        ...{ seller_id: seller.id, title: "A web shop", amount: 900 },
        milestones: [
          { title: "Design", amount: 300 },
          { title: "Shop", amount: 600 },
        ],
      },
    );
    const path = `/api/escrow/transactions/${id}`;
    await client.post(`${path}/fund/`, { reference: `demo-${stage.run}` });
    await asSeller.post(`${path}/start/`, {});
    for (const milestone of [1, 2]) {
      await asSeller.post(`${path}/milestones/${milestone}/submit/`, {});
      await asBuyer.post(`${path}/milestones/${milestone}/approve/`, {});
    }
    const told = [
      [
        "send_verification_notification",
        await client.find("send_verification_notification", since, 2),
      ],
      [
        "send_transaction_notification",
        await client.find("send_transaction_notification", since, 7),
      ],
    ] as const;
    return {
      rows: told.flatMap(([name, ids]) =>
        ids.map((task, index) => rowOf(`word ${index + 1}`, [[name, task]])),
      ),
      checks: async () => {
        const found = await asSeller.get<{ state: string; balance: unknown }>(`${path}/`);
        return [
          same("the transaction", found.state, "completed"),
          same("its money", found.balance, { funded: 900, held: 0, released: 900, refunded: 0 }),
        ];
      },
    };
  },
};
