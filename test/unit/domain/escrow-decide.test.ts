import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  decide,
  type Command,
  type EscrowCase,
  type Milestone,
} from "../../../src/domain/escrow/decide.ts";
import { balanceOf, type Entry } from "../../../src/domain/escrow/ledger.ts";
import {
  ACTIVE_STATES,
  MAY,
  MILESTONE_EVENTS,
  TRANSACTION_EVENTS,
  TRANSACTION_STATES,
  type EscrowEvent,
  type Role,
} from "../../../src/domain/escrow/states.ts";

const DAY_MS = 86_400_000;
const EVERYBODY: readonly Role[] = ["buyer", "seller", "shop"];

function newCase(amounts: readonly number[]): EscrowCase {
  return {
    transaction: {
      id: "t",
      buyerId: 1,
      sellerId: 2,
      title: "Deal",
      amountMinor: amounts.reduce((total, amount) => total + amount, 0),
      currency: "USD",
      state: "pending_funding",
      version: 1,
      createdAt: 0,
      updatedAt: 0,
      remindAt: 0,
      requestKey: null,
    },
    milestones: amounts.map((amountMinor, index): Milestone => ({
      transactionId: "t",
      number: index + 1,
      title: `Part ${index + 1}`,
      amountMinor,
      state: "pending",
      sellerId: 2,
      pendingSince: null,
      remindAt: null,
      rejectReason: null,
    })),
  };
}

/** A case and its book, moved on by commands as the database moves them. */
class Play {
  found: EscrowCase;
  entries: Entry[] = [];

  constructor(amounts: readonly number[]) {
    this.found = newCase(amounts);
  }

  /** @returns what it led to, or why it was refused */
  do(event: EscrowEvent, milestone: number | null = null, roles = EVERYBODY, now = 0): string {
    const command: Command = { event, milestone, detail: "because" };
    const decision = decide(this.found, roles, command, now);
    if (decision.kind === "refused") return decision.code;
    const changed = new Map(decision.milestones.map((each) => [each.number, each]));
    this.found = {
      transaction: { ...this.found.transaction, state: decision.state },
      milestones: this.found.milestones.map((each) => changed.get(each.number) ?? each),
    };
    if (decision.entry !== null) this.entries.push(decision.entry);
    return decision.notification;
  }
}

const amounts = fc.array(fc.integer({ min: 1, max: 99_999_999 }), { minLength: 1, maxLength: 6 });
const steps = fc.array(
  fc.record({
    event: fc.constantFrom<EscrowEvent>(...TRANSACTION_EVENTS, ...MILESTONE_EVENTS),
    milestone: fc.integer({ min: 1, max: 6 }),
    roles: fc.subarray([...EVERYBODY]),
  }),
  { maxLength: 60 },
);

/** Plays a sequence with a look at it after every step. */
function play(
  parts: readonly number[],
  sequence: readonly { event: EscrowEvent; milestone: number; roles: Role[] }[],
  look: (game: Play, before: EscrowCase) => void,
): void {
  const game = new Play(parts);
  // A lot of a random sequence is refused: begun well it gets further.
  const opening = [
    { event: "fund", milestone: 1, roles: EVERYBODY },
    { event: "start", milestone: 1, roles: EVERYBODY },
  ] as const;
  for (const { event, milestone, roles } of [...opening.slice(sequence.length % 3), ...sequence]) {
    const before = game.found;
    const isOfMilestone = MILESTONE_EVENTS.some((each) => each === event);
    game.do(event, isOfMilestone ? milestone : null, roles);
    look(game, before);
  }
}

it("whatever is done, funded = held + released + refunded, and nothing is negative", () => {
  fc.assert(
    fc.property(amounts, steps, (parts, sequence) => {
      play(parts, sequence, ({ entries, found: { transaction, milestones } }) => {
        const { fundedMinor, heldMinor, releasedMinor, refundedMinor } = balanceOf(entries);
        expect(fundedMinor).toBe(heldMinor + releasedMinor + refundedMinor);
        expect([0, transaction.amountMinor]).toContain(fundedMinor);
        expect(Math.min(heldMinor, releasedMinor, refundedMinor)).toBeGreaterThanOrEqual(0);
        expect(new Set(entries.map(({ what }) => what)).size).toBe(entries.length);
        for (const { amountMinor } of entries) expect(amountMinor).toBeGreaterThan(0);
        const paid = milestones.filter(({ state }) => state === "released");
        expect(releasedMinor).toBe(paid.reduce((sum, { amountMinor }) => sum + amountMinor, 0));
      });
    }),
  );
});

it("whatever is done, money is held exactly while a transaction is between funding and its end", () => {
  fc.assert(
    fc.property(amounts, steps, (parts, sequence) => {
      play(parts, sequence, ({ entries, found: { transaction } }) => {
        const isHeld = ["funded", "in_progress", "disputed"].includes(transaction.state);
        expect(balanceOf(entries).heldMinor > 0).toBe(isHeld);
      });
    }),
  );
});

it("whatever is done, no state goes back, and what is final stays", () => {
  fc.assert(
    fc.property(amounts, steps, (parts, sequence) => {
      play(parts, sequence, ({ found }, before) => {
        const from = before.transaction.state;
        const rank = (state: typeof from) => TRANSACTION_STATES.indexOf(state);
        expect(rank(found.transaction.state)).toBeGreaterThanOrEqual(rank(from));
        if (!ACTIVE_STATES.some((each) => each === from)) expect(found).toBe(before);
      });
    }),
  );
});

it("whatever is done, a milestone's clock runs exactly while its seller can deliver it", () => {
  fc.assert(
    fc.property(amounts, steps, (parts, sequence) => {
      play(parts, sequence, ({ found: { transaction, milestones } }) => {
        const canDeliver = ["funded", "in_progress"].includes(transaction.state);
        for (const { state, pendingSince, remindAt } of milestones) {
          const runs = canDeliver && state === "pending";
          expect([pendingSince !== null, remindAt !== null]).toEqual([runs, runs]);
        }
      });
    }),
  );
});

it("nobody does what isn't for their side, in any state", () => {
  fc.assert(
    fc.property(amounts, steps, (parts, sequence) => {
      play(parts, sequence, ({ found }) => {
        for (const [event, may] of Object.entries(MAY) as [EscrowEvent, readonly Role[]][]) {
          const others = EVERYBODY.filter((role) => !may.includes(role));
          const command = { event, milestone: 1, detail: null };
          expect(decide(found, others, command, 0)).toEqual({
            kind: "refused",
            code: "not_allowed",
          });
        }
      });
    }),
    { numRuns: 20 },
  );
});

it("the last approval completes the transaction", () => {
  const game = new Play([100, 200]);
  const told = [
    game.do("fund"),
    game.do("start"),
    game.do("submit", 1),
    game.do("submit", 2),
    game.do("approve", 2),
    game.do("approve", 1),
  ];
  expect(told).toEqual([
    "funded",
    "in_progress",
    "milestone_submitted",
    "milestone_submitted",
    "milestone_approved",
    "completed",
  ]);
  expect(game.found.transaction.state).toBe("completed");
  expect(balanceOf(game.entries)).toEqual({
    fundedMinor: 300,
    heldMinor: 0,
    releasedMinor: 300,
    refundedMinor: 0,
  });
});

it.each([
  ["refund", "refunded", "closed", { heldMinor: 0, releasedMinor: 100, refundedMinor: 500 }],
  ["release", "completed", "released", { heldMinor: 0, releasedMinor: 600, refundedMinor: 0 }],
] as const)("a dispute ends with a %s of what is still held", (event, state, last, balance) => {
  const game = new Play([100, 200, 300]);
  for (const [name, number] of [
    ["fund", null],
    ["start", null],
    ["submit", 1],
    ["submit", 2],
    ["approve", 1],
    ["dispute", null],
  ] as const) {
    game.do(name, number);
  }
  expect(game.do(event)).toBe(state);
  expect(game.found.milestones.map((each) => each.state)).toEqual(["released", last, last]);
  expect(balanceOf(game.entries)).toMatchObject(balance);
});

it("in a dispute no milestone moves", () => {
  const game = new Play([100, 200]);
  for (const event of ["fund", "start"] as const) game.do(event);
  game.do("submit", 1);
  game.do("dispute");
  const answers = MILESTONE_EVENTS.map((event) => game.do(event, event === "submit" ? 2 : 1));
  expect(answers).toEqual(["wrong_state", "wrong_state", "wrong_state"]);
});

it("sent back, a milestone is owed anew, from then on, with the reason", () => {
  const game = new Play([100]);
  game.do("fund");
  game.do("start");
  game.do("submit", 1);
  expect(game.do("reject", 1, EVERYBODY, DAY_MS)).toBe("milestone_rejected");
  expect(game.found.milestones[0]).toMatchObject({
    state: "pending",
    pendingSince: DAY_MS,
    remindAt: 15 * DAY_MS + 1,
    rejectReason: "because",
  });
});

it.each([0, 2, 1.5])("there is no milestone %d of one", (number) => {
  const game = new Play([100]);
  game.do("fund");
  game.do("start");
  expect(game.do("submit", number)).toBe("no_milestone");
});
