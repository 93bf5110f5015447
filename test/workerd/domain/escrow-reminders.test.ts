import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { remindOfFunding } from "../../../src/domain/escrow/funding-reminders.ts";
import { remindOfMilestones } from "../../../src/domain/escrow/overdue-milestones.ts";
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

const REMIND = "cleanup_old_pending_transactions";
const CHECK = "check_overdue_milestones";
const HOUR_MS = 3_600_000;

beforeEach(async () => {
  await emptyEscrow();
  await addUsers(1, 2, 3);
});

/** Transactions that were created at `BEGIN`, each of a buyer of its own (ids from 1000). */
async function addUnfunded(count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => 1_000 + index);
  await addUsers(...ids);
  await env.DB.prepare(
    `INSERT INTO escrow_transactions SELECT printf('t%06d', value), value, 2, 'Deal ' || value,
       10000, 'USD', 'pending_funding', 1, ?1, ?1, ?2, NULL FROM json_each(?3)`,
  )
    .bind(BEGIN, BEGIN + 7 * DAY_MS + 1, JSON.stringify(ids))
    .run();
}

/** How many mails of a template each address has; of all addresses the distinct counts. */
async function mailCounts(template: string): Promise<number[]> {
  const counts = await rows<{ n: number }>(
    "SELECT DISTINCT n FROM (SELECT count(*) AS n FROM emails WHERE template = ? GROUP BY to_address)",
    template,
  );
  return counts.map(({ n }) => n);
}

const remindersOf = () => mailsOf("escrow_funding_reminder");
const overdueMails = () => mailsOf("escrow_overdue_milestones");

it.each([
  [7 * DAY_MS - 1, 0],
  [7 * DAY_MS, 0],
  [7 * DAY_MS + 1, 1],
])("%d ms after its creation an unfunded transaction has %d reminders", async (age, count) => {
  const escrow = createEscrow();
  await escrow.created();
  escrow.time.now += age;
  expect(await escrow.run(REMIND)).toEqual({ count, mails: count, is_done: true });
  expect(await remindersOf()).toHaveLength(count);
});

it("the buyer is reminded, in their language, and the mail goes out with the run", async () => {
  const escrow = createEscrow({ services: { locale: "ru" } });
  const id = await escrow.created([10_000], { buyerId: 2, sellerId: 1 });
  escrow.time.now += 8 * DAY_MS;
  await escrow.run(REMIND);
  expect(await remindersOf()).toEqual([
    {
      to_address: "user2@example.com",
      subject: "Безопасная сделка «Deal» ждёт оплаты",
      text_body: `Продавец приступит к работе, как только деньги поступят. Если сделка больше не нужна, пожалуйста, отмените её.\n\nСделка: ${id}\nСумма: 100,00 USD\nДней с момента создания: 8`,
      state: "sent",
    },
  ]);
});

it("over a month of daily runs, some repeated, some late, a transaction is reminded of once a week", async () => {
  const escrow = createEscrow();
  escrow.time.now = BEGIN - 14 * HOUR_MS;
  await escrow.created();
  const days: number[] = [];
  for (let day = 0; day <= 31; day += 1) {
    // Runs start some seconds apart from the second, by turns; some come twice.
    escrow.time.now = BEGIN + day * DAY_MS + ((day * 7) % 5) * 1_000;
    for (let run = 0; run <= day % 3; run += 1) {
      const { mails } = await escrow.run(REMIND);
      if (Number(mails) > 0) days.push(day);
    }
  }
  expect(days).toEqual([7, 14, 21, 28]);
  expect(await remindersOf()).toHaveLength(4);
});

it("two runs at once send one reminder", async () => {
  const runs = [createEscrow(), createEscrow(), createEscrow()];
  await runs[0]?.created();
  for (const [index, { time }] of runs.entries()) time.now += 8 * DAY_MS + index;
  await Promise.all(runs.map((escrow) => escrow.run(REMIND)));
  expect(await remindersOf()).toHaveLength(1);
});

it("what is funded or cancelled is not reminded of", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const [funded, cancelled] = [await escrow.created(), await escrow.created()];
  await escrow.change(shopActor, funded, { event: "fund", detail: "p" });
  await escrow.change(buyer, cancelled, { event: "cancel" });
  escrow.time.now += 30 * DAY_MS;
  expect(await escrow.run(REMIND)).toEqual({ count: 0, mails: 0, is_done: true });
});

it("500 old transactions are reminded of in small batches, each once", async () => {
  await addUnfunded(500);
  const escrow = createEscrow();
  escrow.time.now = BEGIN + 8 * DAY_MS;
  const counts: number[] = [];
  for (let next: number | null = 0; next !== null;) {
    const round = await remindOfFunding(escrow.services, 70);
    counts.push(round.count);
    next = round.next;
  }
  expect(counts).toEqual([70, 70, 70, 70, 70, 70, 70, 10]);
  expect(await mailCounts("escrow_funding_reminder")).toEqual([1]);
  expect(await remindersOf()).toHaveLength(500);
});

it("a run that breaks at any call, repeated, reminds of each transaction once", async () => {
  await addUnfunded(30);
  for (const when of ["before", "after"] as const) {
    for (let at = 1; at <= 8; at += 1) {
      await env.DB.batch([
        env.DB.prepare("DELETE FROM emails"),
        env.DB.prepare("UPDATE escrow_transactions SET remind_at = ?").bind(BEGIN),
      ]);
      const faults = new Faults({ at, when });
      const shaky = createEscrow({ database: faultyDatabase(env.DB, faults) });
      const twoRounds = async (services: typeof shaky.services) => {
        for (let round = 0; round < 3; round += 1) await remindOfFunding(services, 12);
      };
      await twoRounds(shaky.services).catch(() => null);
      expect(faults.struck).toBe(true);
      await twoRounds(createEscrow().services);
      expect(await mailCounts("escrow_funding_reminder")).toEqual([1]);
      expect(await remindersOf()).toHaveLength(30);
    }
  }
});

it("when more is left than a run does, it calls itself, once however often it is repeated", async () => {
  await addUnfunded(4_001);
  const escrow = createEscrow();
  escrow.time.now = BEGIN + 8 * DAY_MS;
  const result = await escrow.run(REMIND, {}, "run");
  expect(result).toEqual({ count: 4_000, mails: 4_000, is_done: false });
  const [next] = [...escrow.ledger.taken.values()];
  expect(next).toMatchObject({ name: REMIND, kwargs: '{"after":0}' });
  const states = await rows("SELECT state, count(*) AS n FROM emails GROUP BY state");
  expect(states).toEqual([
    { state: "pending", n: 2_000 },
    { state: "sent", n: 2_000 },
  ]);
  await escrow.run(REMIND, {}, next?.id);
  expect(await remindersOf()).toHaveLength(4_001);
  expect(escrow.ledger.taken.size).toBe(1);
});

it.each([
  [14 * DAY_MS - 1, 0],
  [14 * DAY_MS, 0],
  [14 * DAY_MS + 1, 1],
])("%d ms after the funding the seller has %d mails of what is overdue", async (age, count) => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created();
  // Before its funding a transaction's milestones don't grow old.
  escrow.time.now += 30 * DAY_MS;
  await escrow.change(shopActor, id, { event: "fund", detail: "p" });
  escrow.time.now += age;
  expect(await escrow.run(CHECK)).toEqual({ count: 2 * count, mails: count, is_done: true });
  expect(await overdueMails()).toHaveLength(count);
});

it("one mail lists what a seller owes, over all transactions, the oldest first", async () => {
  const escrow = createEscrow({ services: { locale: "ru" } });
  await escrow.verify(1);
  await escrow.verify(2);
  await escrow.start(await escrow.created([100, 200]));
  escrow.time.now += DAY_MS;
  await escrow.start(await escrow.created([300], { title: "Second" }));
  await escrow.start(await escrow.created([400], { buyerId: 2, sellerId: 1 }));
  escrow.time.now += 15 * DAY_MS;
  expect(await escrow.run(CHECK)).toEqual({ count: 4, mails: 2, is_done: true });
  expect(await overdueMails()).toMatchObject([
    {
      to_address: "user1@example.com",
      subject: "Milestones that you have not delivered yet",
      text_body:
        "Buyers are waiting for these milestones:\n\n- “Deal”: “Part 1” (days: 15)\n\nPlease submit them, or return the money to the buyer.",
    },
    {
      to_address: "user2@example.com",
      text_body:
        "Покупатели ждут эти этапы:\n\n- «Deal»: «Part 1» (дней: 16)\n- «Deal»: «Part 2» (дней: 16)\n- «Second»: «Part 1» (дней: 15)\n\nПожалуйста, сдайте их или верните деньги покупателю.",
    },
  ]);
});

it("what is delivered, disputed or over is not overdue; what was sent back is, 14 days later", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const [sentBack, disputed, refunded] = [
    await escrow.created([100, 200]),
    await escrow.created([300]),
    await escrow.created([400]),
  ];
  for (const id of [sentBack, disputed, refunded]) await escrow.start(id);
  for (const milestone of [1, 2]) {
    await escrow.change(seller, sentBack, { event: "submit", milestone });
  }
  await escrow.change(buyer, disputed, { event: "dispute", detail: "x" });
  await escrow.change(seller, refunded, { event: "refund" });
  escrow.time.now += 20 * DAY_MS;
  await escrow.change(buyer, sentBack, { event: "reject", milestone: 2, detail: "x" });
  escrow.time.now += 14 * DAY_MS;
  expect(await escrow.run(CHECK)).toMatchObject({ count: 0 });
  escrow.time.now += 1;
  expect(await escrow.run(CHECK)).toMatchObject({ count: 1, mails: 1 });
});

it("over three months of Mondays by the wall clock, some repeated, each Monday has one mail", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  await escrow.start(await escrow.created([100]));
  const weeks: number[] = [];
  for (let week = 0; week <= 12; week += 1) {
    // Clocks go forward in the seventh week, and runs start some seconds earlier or later.
    const jitter = (week % 3) * 1_000 - (week >= 7 ? HOUR_MS : 0);
    escrow.time.now = BEGIN + 8 * HOUR_MS + week * 7 * DAY_MS + jitter;
    for (let run = 0; run <= week % 2; run += 1) {
      const { mails } = await escrow.run(CHECK);
      if (Number(mails) > 0) weeks.push(week);
    }
  }
  expect(weeks).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(await overdueMails()).toHaveLength(11);
});

/** Sellers from 2000 on who owe `each` milestones since `BEGIN`. */
async function addOverdue(sellers: number, each: number): Promise<void> {
  await addUnfunded(0);
  const ids = Array.from({ length: sellers }, (_, index) => 2_000 + index);
  await addUsers(...ids);
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO escrow_transactions SELECT 's' || value, 1, value, 'Deal', 10000, 'USD', 'funded',
         2, ?1, ?1, 0, NULL FROM json_each(?2)`,
    ).bind(BEGIN, JSON.stringify(ids)),
    env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO escrow_milestones SELECT 's' || value, i, 'Part ' || i, 100, 'pending', value,
         ?2, ?3, NULL FROM json_each(?4), n`,
    ).bind(each, BEGIN, BEGIN + 14 * DAY_MS + 1, JSON.stringify(ids)),
  ]);
}

it("100 sellers with 7 milestones each get one mail each, in batches that split no seller", async () => {
  await addOverdue(100, 7);
  const escrow = createEscrow();
  escrow.time.now = BEGIN + 15 * DAY_MS;
  const counts: number[] = [];
  for (let next: number | null = 0; next !== null;) {
    const round = await remindOfMilestones(escrow.services, next, 150);
    counts.push(round.count);
    next = round.next;
  }
  expect(counts).toEqual([147, 147, 147, 147, 112]);
  expect(await overdueMails()).toHaveLength(100);
  expect(await mailCounts("escrow_overdue_milestones")).toEqual([1]);
});

it("a mail lists twenty of the milestones and says how many more there are", async () => {
  await addOverdue(1, 33);
  const escrow = createEscrow();
  escrow.time.now = BEGIN + 15 * DAY_MS;
  await escrow.run(CHECK);
  const [mail] = await overdueMails();
  expect(mail?.text_body.match(/“Part \d+”/g)).toHaveLength(20);
  expect(mail?.text_body).toContain("and more of them: 13");
});

it("a check that breaks at any call, repeated, tells each seller once", async () => {
  await addOverdue(6, 3);
  for (const when of ["before", "after"] as const) {
    for (let at = 1; at <= 6; at += 1) {
      await env.DB.batch([
        env.DB.prepare("DELETE FROM emails"),
        env.DB.prepare("UPDATE escrow_milestones SET remind_at = ?").bind(BEGIN),
      ]);
      const all = async (services: Parameters<typeof remindOfMilestones>[0]) => {
        for (let next: number | null = 0; next !== null;) {
          ({ next } = await remindOfMilestones(services, next, 9));
        }
      };
      const faults = new Faults({ at, when });
      const shaky = createEscrow({ database: faultyDatabase(env.DB, faults) });
      await all(shaky.services).catch(() => null);
      expect(faults.struck).toBe(true);
      await all(createEscrow().services);
      expect(await overdueMails()).toHaveLength(6);
      expect(await mailCounts("escrow_overdue_milestones")).toEqual([1]);
    }
  }
});
