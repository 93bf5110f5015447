import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { summarize } from "../../../src/domain/escrow/daily-summary.ts";
import {
  addUsers,
  BEGIN,
  buyer,
  createEscrow,
  DAY_MS,
  emptyEscrow,
  mailsOf,
  seller,
  shopActor,
} from "./escrow.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { rows } from "./shop.ts";

const SUMMARIZE = "send_daily_transaction_summary";
const summaries = () => mailsOf("escrow_daily_summary");

beforeEach(async () => {
  await emptyEscrow();
  await addUsers(1, 2, 3, 4);
});

it("everybody in an active transaction gets one mail, with what they buy and sell", async () => {
  const escrow = createEscrow({ services: { locale: "ru" } });
  await escrow.verify(1);
  await escrow.verify(2);
  await escrow.created([10_000]);
  await escrow.created([2_550]);
  await escrow.start(await escrow.created([700]));
  const disputed = await escrow.created([500], { buyerId: 2, sellerId: 1 });
  await escrow.start(disputed);
  await escrow.change({ ...buyer, userId: 2 }, disputed, { event: "dispute", detail: "x" });
  // User 3 takes part in what is over only, user 4 in nothing.
  const over = await escrow.created([900], { buyerId: 3 });
  await escrow.change({ ...buyer, userId: 3 }, over, { event: "cancel" });
  expect(await escrow.run(SUMMARIZE)).toEqual({ count: 2, mails: 2, is_done: true });
  expect(await summaries()).toEqual([
    {
      to_address: "user1@example.com",
      subject: "Your escrow transactions on 2027-01-04",
      text_body:
        "You are buying:\n\nWaiting for your payment: 2 (125.50 USD)\nIn progress: 1 (7.00 USD)\n\nYou are selling:\n\nIn dispute: 1 (5.00 USD)",
      state: "sent",
    },
    {
      to_address: "user2@example.com",
      subject: "Ваши безопасные сделки на 2027-01-04",
      text_body:
        "Вы покупаете:\n\nОткрыт спор: 1 (5,00 USD)\n\nВы продаёте:\n\nОжидают оплаты покупателем: 2 (125,50 USD)\nВ работе: 1 (7,00 USD)",
      state: "sent",
    },
  ]);
});

it("sums of two currencies stay apart", async () => {
  const escrow = createEscrow();
  await escrow.created([100]);
  const euros = await escrow.created([200]);
  await env.DB.prepare("UPDATE escrow_transactions SET currency = 'EUR' WHERE id = ?")
    .bind(euros)
    .run();
  await escrow.run(SUMMARIZE);
  const [mail] = await summaries();
  expect(mail?.text_body).toBe(
    "You are buying:\n\nWaiting for your payment: 1 (2.00 EUR)\nWaiting for your payment: 1 (1.00 USD)",
  );
});

it("a day has one summary, however often and however many at once it is made; the next has its own", async () => {
  const escrow = createEscrow();
  await escrow.created();
  await Promise.all([escrow.run(SUMMARIZE), escrow.run(SUMMARIZE)]);
  escrow.time.now += DAY_MS / 2;
  await escrow.run(SUMMARIZE);
  expect(await summaries()).toHaveLength(2);
  escrow.time.now += DAY_MS / 2;
  await escrow.run(SUMMARIZE);
  expect(await summaries()).toHaveLength(4);
});

it("a run that is repeated after midnight sends nobody another one", async () => {
  const escrow = createEscrow();
  await escrow.created();
  await escrow.run(SUMMARIZE, {}, "run");
  escrow.time.now += DAY_MS;
  await escrow.run(SUMMARIZE, {}, "run");
  expect((await summaries()).map(({ subject }) => subject)).toEqual(
    Array.from({ length: 2 }, () => "Your escrow transactions on 2027-01-04"),
  );
});

it("the day is that of the deployment's zone", async () => {
  const escrow = createEscrow({ services: { timezone: "Pacific/Kiritimati" } });
  escrow.time.now = BEGIN + 10 * 3_600_000;
  await escrow.created();
  await escrow.run(SUMMARIZE);
  const [mail] = await summaries();
  expect(mail?.subject).toBe("Your escrow transactions on 2027-01-05");
});

/** Active transactions between buyers (ids from 1000) and sellers (ids from 500). */
async function addActive(count: number, buyers: number, sellers: number): Promise<void> {
  const people = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);
  await addUsers(...people(1_000, buyers), ...people(500, sellers));
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     INSERT INTO escrow_transactions SELECT printf('t%07d', i), 1000 + i % ?2, 500 + i % ?3, 'Deal',
       100, 'USD', 'in_progress', 3, 0, 0, 0, NULL FROM n`,
  )
    .bind(count, buyers, sellers)
    .run();
}

it("5,000 active transactions of 300 people, in batches of 40: one mail each, every transaction counted", async () => {
  await addActive(5_000, 250, 50);
  const escrow = createEscrow();
  const counts: number[] = [];
  for (let next: number | null = 0; next !== null;) {
    const round = await summarize(escrow.services, "2027-01-04", next, 40);
    counts.push(round.mails);
    next = round.next;
  }
  expect(counts).toEqual([40, 40, 40, 40, 40, 40, 40, 20]);
  const mails = await summaries();
  expect(new Set(mails.map(({ to_address: to }) => to)).size).toBe(300);
  const counted = mails.reduce((sum, { text_body: text }) => {
    return sum + Number(/In progress: (\d+)/.exec(text)?.[1]);
  }, 0);
  expect(counted).toBe(2 * 5_000);
});

it("a run does 2,000 people and calls itself for the rest, on the same day", async () => {
  await addActive(2_100, 2_100, 1);
  const escrow = createEscrow();
  const first = await escrow.run(SUMMARIZE, {}, "run");
  expect(first).toEqual({ count: 2_000, mails: 2_000, is_done: false });
  expect(await escrow.run(SUMMARIZE, {}, "run")).toEqual(first);
  expect(escrow.ledger.taken.size).toBe(1);
  const [next] = [...escrow.ledger.taken.values()];
  expect(JSON.parse(next?.kwargs ?? "")).toEqual({ date: "2027-01-04", after: 2_998 });
  escrow.time.now += DAY_MS;
  const rest = await escrow.run(SUMMARIZE, JSON.parse(next?.kwargs ?? "") as object, next?.id);
  expect(rest).toEqual({ count: 101, mails: 101, is_done: true });
  const keys = await rows("SELECT DISTINCT task_id FROM emails");
  expect(keys).toEqual([{ task_id: "escrow-summary:2027-01-04" }]);
});

it("a run that breaks at any call, repeated, sends each summary once", async () => {
  const calm = createEscrow();
  await calm.verify();
  await calm.start(await calm.created());
  await calm.created([100], { buyerId: 3, sellerId: 4 });
  await calm.change(seller, await calm.created([100]), { event: "cancel" });
  await calm.change(shopActor, await calm.created([100], { buyerId: 4 }), { event: "cancel" });
  const all = async (services: Parameters<typeof summarize>[0]) => {
    for (let next: number | null = 0; next !== null;) {
      ({ next } = await summarize(services, "2027-01-04", next, 2));
    }
  };
  for (const when of ["before", "after"] as const) {
    for (let at = 1; at <= 8; at += 1) {
      await env.DB.prepare("DELETE FROM emails").run();
      const faults = new Faults({ at, when });
      const shaky = createEscrow({ database: faultyDatabase(env.DB, faults) });
      await all(shaky.services).catch(() => null);
      expect(faults.struck).toBe(true);
      await all(calm.services);
      expect((await summaries()).map(({ to_address: to }) => to).sort()).toEqual(
        [1, 2, 3, 4].map((id) => `user${id}@example.com`),
      );
    }
  }
});
