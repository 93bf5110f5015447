import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import {
  decideVerification,
  findAccount,
  findCase,
  submitVerification,
  type Actor,
  type Command,
} from "#domain/escrow";
import { MILESTONE_EVENTS, TRANSACTION_EVENTS } from "../../../src/domain/escrow/states.ts";
import { addUsers, buyer, createEscrow, emptyEscrow, seller, shopActor } from "./escrow.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { rows } from "./shop.ts";

beforeEach(async () => {
  await emptyEscrow();
  await addUsers(1, 2, 3);
});

const stateOf = async (id: string) =>
  (await findCase(drizzle(env.DB), id))?.transaction.state ?? null;

/** Changes of a transaction, each with the notification it set off. */
const changesOf = (id: string) =>
  rows<{ number: number; event: string; notification: string; task_id: string }>(
    "SELECT number, event, notification, task_id FROM escrow_events WHERE subject = ? ORDER BY number",
    id,
  );

it("a new transaction, its milestones, its history and its notification are there together", async () => {
  const escrow = createEscrow();
  const id = await escrow.created([10_000, 5_000]);
  await escrow.settled();
  const found = await findCase(escrow.db, id);
  expect(found).toMatchObject({
    transaction: { state: "pending_funding", amountMinor: 15_000, version: 1 },
    milestones: [
      { number: 1, state: "pending", amountMinor: 10_000, pendingSince: null },
      { number: 2, state: "pending", amountMinor: 5_000, remindAt: null },
    ],
  });
  const [change] = await changesOf(id);
  expect(change).toMatchObject({ number: 1, event: "create", notification: "created" });
  const task = escrow.ledger.taken.get(change?.task_id ?? "");
  expect(task?.name).toBe("send_transaction_notification");
  expect(JSON.parse(task?.kwargs ?? "")).toEqual({
    transaction_id: id,
    notification_type: "created",
    change: 1,
  });
});

it("the whole way: funded, started, delivered, sent back, delivered again, approved, completed", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created([10_000, 5_000]);
  const steps: [Actor, Command["event"], number | null][] = [
    [shopActor, "fund", null],
    [seller, "start", null],
    [seller, "submit", 1],
    [buyer, "reject", 1],
    [seller, "submit", 1],
    [buyer, "approve", 1],
    [seller, "submit", 2],
    [buyer, "approve", 2],
  ];
  for (const [actor, event, milestone] of steps) {
    expect(await escrow.change(actor, id, { event, milestone, detail: "x" })).toMatchObject({
      kind: "changed",
    });
  }
  expect((await changesOf(id)).map(({ notification }) => notification)).toEqual([
    ...["created", "funded", "in_progress", "milestone_submitted", "milestone_rejected"],
    ...["milestone_submitted", "milestone_approved", "milestone_submitted", "completed"],
  ]);
  const { balance } = await findAccount(escrow.db, id);
  expect(balance).toEqual({
    fundedMinor: 15_000,
    heldMinor: 0,
    releasedMinor: 15_000,
    refundedMinor: 0,
  });
  await escrow.settled();
  // Each change set off one task; two are of the verification.
  expect(escrow.ledger.taken.size).toBe(9 + 2);
  expect(await rows("SELECT id FROM outbox")).toEqual([]);
});

it("a notification waits in the outbox while the ledger is out of reach; of a change that lost there is none", async () => {
  const escrow = createEscrow();
  escrow.ledger.gate = () => Promise.reject(new Error("out of reach"));
  const id = await escrow.created();
  const answers = await Promise.all([
    escrow.change(buyer, id, { event: "cancel" }),
    escrow.change(seller, id, { event: "cancel" }),
  ]);
  await escrow.settled();
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["changed", "same"]);
  const waiting = await rows<{ id: string }>("SELECT id FROM outbox ORDER BY id");
  const told = (await changesOf(id)).map((change) => change.task_id);
  expect(waiting.map((task) => task.id)).toEqual(told.sort());
  expect(told).toHaveLength(2);
});

it("an unverified seller's transaction is not funded", async () => {
  const escrow = createEscrow();
  const id = await escrow.created();
  const fund = () => escrow.change(shopActor, id, { event: "fund", detail: "p-1" });
  expect(await fund()).toEqual({ kind: "refused", code: "not_verified" });
  await escrow.verify();
  expect(await fund()).toMatchObject({ kind: "changed" });
});

it("a verification that is withdrawn while a funding is being written stops it", async () => {
  const calm = createEscrow();
  await calm.verify();
  const id = await calm.created();
  // The withdrawal comes between the funding's last look and its batch.
  const database = new Proxy(env.DB, {
    get(target, property) {
      if (property !== "batch") {
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (statements: D1PreparedStatement[]) => {
        if (statements.length > 3) {
          await decideVerification(calm.parts, shopActor, 2, {
            isVerified: false,
            reason: "Fraud",
          });
        }
        return target.batch(statements);
      };
    },
  });
  const escrow = createEscrow({ database });
  const answer = await escrow.change(shopActor, id, { event: "fund", detail: "p-1" });
  expect(answer).toEqual({ kind: "refused", code: "not_verified" });
  expect(await stateOf(id)).toBe("pending_funding");
  expect(await rows("SELECT * FROM escrow_entries")).toEqual([]);
  expect((await changesOf(id)).map(({ event }) => event)).toEqual(["create"]);
});

it("a payment funds one transaction, also when two are funded with it at once", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const ids = await Promise.all([escrow.created(), escrow.created()]);
  const fund = (id: string) => escrow.change(shopActor, id, { event: "fund", detail: "p-1" });
  const answers = await Promise.all(ids.map(fund));
  expect(answers.map((answer) => ("code" in answer ? answer.code : answer.kind)).sort()).toEqual([
    "changed",
    "reference_used",
  ]);
  expect(await rows("SELECT reference FROM escrow_entries")).toEqual([{ reference: "p-1" }]);
});

it("a funding repeated with its payment is the same; with another it is refused", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created();
  const fund = (detail: string) => escrow.change(shopActor, id, { event: "fund", detail });
  const answers = await Promise.all([fund("p-1"), fund("p-1"), fund("p-1")]);
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["changed", "same", "same"]);
  await escrow.change(seller, id, { event: "start" });
  expect(await fund("p-1")).toMatchObject({ kind: "same" });
  expect(await fund("p-2")).toEqual({ kind: "refused", code: "wrong_state" });
});

it("of an approval of the last milestone and a dispute at once, one takes effect, wholly", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  for (let run = 0; run < 10; run += 1) {
    const id = await escrow.created([10_000]);
    await escrow.start(id);
    await escrow.change(seller, id, { event: "submit", milestone: 1 });
    const dispute = () => escrow.change(seller, id, { event: "dispute", detail: "He is late" });
    const approve = () => escrow.change(buyer, id, { event: "approve", milestone: 1 });
    const both = run % 2 === 0 ? [approve(), dispute()] : [dispute(), approve()];
    const answers = await Promise.all(both);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(["changed", "refused"]);
    const state = await stateOf(id);
    const [, last] = (await changesOf(id)).slice(3);
    expect(last).toMatchObject({ number: 5, notification: state });
    const { balance } = await findAccount(escrow.db, id);
    expect(balance.releasedMinor).toBe(state === "completed" ? 10_000 : 0);
    await escrow.settled();
    const told = [...escrow.ledger.taken.values()].filter(({ kwargs }) => kwargs.includes(id));
    expect(told).toHaveLength(5);
  }
});

it("changes that don't exclude each other both take effect when they come at once", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created([100, 200, 300, 400]);
  await escrow.start(id);
  const submit = (milestone: number) => escrow.change(seller, id, { event: "submit", milestone });
  const answers = await Promise.all([1, 2, 3, 4].map(submit));
  expect(answers.map(({ kind }) => kind)).toEqual(Array(4).fill("changed"));
  expect((await changesOf(id)).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it("a break at any call leaves all of a change or nothing, and a repeat mends it", async () => {
  const calm = createEscrow();
  await calm.verify();
  let struck = 0;
  for (const when of ["before", "after"] as const) {
    for (let at = 1; at <= 6; at += 1) {
      const id = await calm.created([10_000]);
      await calm.start(id);
      await calm.change(seller, id, { event: "submit", milestone: 1 });
      await calm.settled();
      const faults = new Faults({ at, when });
      const shaky = createEscrow({ database: faultyDatabase(env.DB, faults) });
      const approve = (escrow: typeof shaky) =>
        escrow.change(buyer, id, { event: "approve", milestone: 1 });
      await approve(shaky).catch(() => null);
      await shaky.settled();
      if (faults.struck) struck += 1;
      const isDone = (await stateOf(id)) === "completed";
      const { balance } = await findAccount(calm.db, id);
      expect(balance.releasedMinor).toBe(isDone ? 10_000 : 0);
      expect(await changesOf(id)).toHaveLength(isDone ? 5 : 4);
      await approve(calm);
      await calm.settled();
      await calm.outbox.sweep();
      expect(await stateOf(id)).toBe("completed");
      expect(await changesOf(id)).toHaveLength(5);
    }
  }
  expect(struck).toBeGreaterThanOrEqual(6);
});

it("an answer that got lost after the commit is the answer of the change", async () => {
  const calm = createEscrow();
  const id = await calm.created();
  // Calls: the case, then the batch of the change.
  const database = faultyDatabase(env.DB, new Faults({ at: 2, when: "after" }));
  const answer = await createEscrow({ database }).change(buyer, id, { event: "cancel" });
  expect(answer).toMatchObject({
    kind: "changed",
    found: { transaction: { state: "cancelled", version: 2 } },
  });
  expect(await changesOf(id)).toHaveLength(2);
});

it("what the database holds is what the rules say, for random sequences", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const commands = fc.array(
    fc.record({
      event: fc.constantFrom(...TRANSACTION_EVENTS, ...MILESTONE_EVENTS),
      milestone: fc.integer({ min: 1, max: 2 }),
    }),
    { maxLength: 12 },
  );
  const everybody: Actor[] = [buyer, seller, shopActor];
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const id = await escrow.created([10_000, 5_000]);
      if (sequence.length % 3 > 0) await escrow.start(id);
      for (const { event, milestone } of sequence) {
        const isOfMilestone = MILESTONE_EVENTS.some((each) => each === event);
        for (const actor of everybody) {
          await escrow.change(actor, id, {
            event,
            milestone: isOfMilestone ? milestone : null,
            detail: `of ${id}`,
          });
        }
      }
      const found = await findCase(escrow.db, id);
      const { balance, changes } = await findAccount(escrow.db, id);
      const { fundedMinor, heldMinor, releasedMinor, refundedMinor } = balance;
      expect(fundedMinor).toBe(heldMinor + releasedMinor + refundedMinor);
      const paid = found?.milestones.filter(({ state }) => state === "released") ?? [];
      expect(releasedMinor).toBe(paid.reduce((sum, { amountMinor }) => sum + amountMinor, 0));
      expect(changes).toHaveLength(found?.transaction.version ?? 0);
      expect(changes[0]?.number).toBe(found?.transaction.version);
    }),
    { numRuns: 15 },
  );
});

it("who is no side of it finds nothing", async () => {
  const escrow = createEscrow();
  const id = await escrow.created();
  const stranger = { owner: "user:3", userId: 3, isShop: false };
  const nobody = { owner: "x", userId: null, isShop: false };
  for (const actor of [stranger, nobody]) {
    expect(await escrow.change(actor, id, { event: "cancel" })).toEqual({
      kind: "refused",
      code: "not_found",
    });
  }
  expect(await escrow.change(buyer, id, { event: "start" })).toEqual({
    kind: "refused",
    code: "not_allowed",
  });
});

it("a transaction needs a buyer and a seller that exist", async () => {
  const escrow = createEscrow();
  expect(await escrow.create([1], { buyerId: 99 })).toEqual({ kind: "no_buyer" });
  expect(await escrow.create([1], { sellerId: 99 })).toEqual({ kind: "no_seller" });
  expect(await rows("SELECT id FROM escrow_transactions")).toEqual([]);
});

it("the same key of a buyer is one transaction, however many ask at once; with other content it is refused", async () => {
  const escrow = createEscrow();
  const again = () => escrow.create([100], { requestKey: "k" });
  const answers = await Promise.all([again(), again(), again()]);
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["created", "same", "same"]);
  expect(await rows("SELECT count(*) AS n FROM escrow_transactions")).toEqual([{ n: 1 }]);
  expect(await rows("SELECT count(*) AS n FROM escrow_milestones")).toEqual([{ n: 1 }]);
  await escrow.settled();
  expect(escrow.ledger.taken.size).toBe(1);
  expect(await escrow.create([200], { requestKey: "k" })).toEqual({ kind: "key_reused" });
  const other = await escrow.create([200], { requestKey: "k", buyerId: 3 });
  expect(other.kind).toBe("created");
});

it("a creation whose answer got lost is one transaction", async () => {
  // Calls: the users, then the batch.
  const database = faultyDatabase(env.DB, new Faults({ at: 2, when: "after" }));
  const answer = await createEscrow({ database }).create();
  expect(answer.kind).toBe("created");
  expect(await rows("SELECT count(*) AS n FROM escrow_transactions")).toEqual([{ n: 1 }]);
});

it("a seller's verification: submitted, decided, withdrawn, submitted again", async () => {
  const { parts, ledger, settled } = createEscrow();
  const submission = { legalName: "Seller Ltd", country: "DE", details: "HRB 1" };
  const submit = (details = "HRB 1") =>
    submitVerification(parts, seller, 2, { ...submission, details });
  const decide = (isVerified: boolean, reason: string | null = null) =>
    decideVerification(parts, shopActor, 2, { isVerified, reason });
  const kinds = [
    await decide(true),
    await submit(),
    await submit(),
    await submit("HRB 2"),
    await decide(true),
    await decide(true),
    await submit("HRB 2"),
    await decide(false, "Complaints"),
    await submit("HRB 2"),
  ].map((answer) =>
    "verification" in answer ? `${answer.kind} ${answer.verification.status}` : answer.kind,
  );
  expect(kinds).toEqual([
    "wrong_state",
    "changed PENDING",
    "same PENDING",
    "wrong_state",
    "changed VERIFIED",
    "same VERIFIED",
    "wrong_state",
    "changed REJECTED",
    "changed PENDING",
  ]);
  await settled();
  const told = [...ledger.taken.values()].map(({ kwargs }) => JSON.parse(kwargs) as object);
  expect(told).toEqual(
    ["PENDING", "VERIFIED", "REJECTED", "PENDING"].map((verification_status, index) => ({
      user_id: 2,
      verification_status,
      change: index + 1,
    })),
  );
});

it("of two decisions over a seller at once the second is decided on the first", async () => {
  const { parts } = createEscrow();
  await submitVerification(parts, seller, 2, { legalName: "S", country: "DE", details: "x" });
  const answers = await Promise.all(
    [true, false].map((isVerified) =>
      decideVerification(parts, shopActor, 2, { isVerified, reason: null }),
    ),
  );
  const kinds = answers.map(({ kind }) => kind);
  const [found] = await rows<{ status: string; version: number }>(
    "SELECT status, version FROM seller_verifications",
  );
  // A rejection may follow a verification, not the other way round.
  expect(found?.status).toBe("REJECTED");
  expect(kinds.filter((kind) => kind === "changed")).toHaveLength((found?.version ?? 0) - 1);
});

it("of too many changes at once each takes effect wholly or can be asked for again", async () => {
  const escrow = createEscrow();
  await escrow.verify();
  const id = await escrow.created(Array.from({ length: 25 }, () => 100));
  await escrow.start(id);
  const submit = (milestone: number) => escrow.change(seller, id, { event: "submit", milestone });
  const numbers = Array.from({ length: 25 }, (_, index) => index + 1);
  const answers = await Promise.allSettled(numbers.map(submit));
  const late = answers.filter((answer) => answer.status === "rejected");
  for (const { reason } of late) {
    expect(reason).toMatchObject({ code: "escrow_busy", retryable: true });
  }
  for (const number of numbers) await submit(number);
  expect(
    await rows("SELECT count(*) AS n FROM escrow_milestones WHERE state = 'submitted'"),
  ).toEqual([{ n: 25 }]);
  const events = "SELECT count(*) AS n FROM escrow_events WHERE subject = ? AND event = 'submit'";
  expect(await rows(events, id)).toEqual([{ n: 25 }]);
});
