import { expect, it } from "vitest";
import { describeError, NO_CONTROLS, type Outcome, type Settlement } from "#engine";
import type { TaskRow } from "#platform/ledger/rows.ts";
import { World } from "../../../src/testing/world.ts";
import { Rig, success } from "./rig.ts";

const QUEUES = ["default", "other"] as const;
const LIMITED = "limited";
const STEPS = 100;

/** A ledger to which anything happens, beside a look through all rows of its table. */
class History {
  readonly #rig = new Rig();
  readonly #chance: World;
  #running: (readonly [id: string, token: number])[] = [];
  /** What was claimed as a suspect. */
  readonly #alone = new Set<string>();
  #limitsVersion = 0;
  #isLimited = false;
  #isBroken = false;

  constructor(seed: number) {
    this.#chance = new World(seed);
    this.#rig.ledger.stats();
    this.#rig.sql.setHooks({
      around: (sql, run) => {
        if (this.#isBroken && sql === "COMMIT") throw new Error("out of order");
        return run();
      },
      committed: () => undefined,
    });
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      await this.#step();
      this.#isBroken = false;
      if (this.#chance.chance(0.05)) this.#rig.ledger = this.#rig.create();
      this.#claim(
        this.#pick(QUEUES),
        this.#chance.chance(0.5) ? 1_000 : this.#chance.between(1, 4),
      );
    }
  }

  async #step(): Promise<void> {
    const rig = this.#rig;
    const { ledger } = rig;
    this.#isBroken = this.#chance.chance(0.05);
    const waiting = this.#rows().filter(({ id }) => !this.#isHeld(id));
    const task = waiting.length > 0 ? this.#pick(waiting) : undefined;
    try {
      switch (this.#chance.between(0, 11)) {
        case 0:
        case 1:
          await ledger.submit(
            Array.from({ length: this.#chance.between(1, 6) }, () => this.#spec()),
          );
          break;
        case 2:
          await this.#submitUnique();
          break;
        case 3:
        case 4:
        case 5:
          this.#settle();
          break;
        case 6:
          if (task !== undefined) ledger.revoke(task.id, false);
          break;
        case 7:
          if (task !== undefined) this.#reschedule(task.id);
          break;
        case 8: {
          const event = { name: "go", payload: "1", key: null };
          if (task !== undefined) ledger.sendEvent(task.id, event);
          break;
        }
        case 9:
          this.#limitsVersion += 1;
          this.#setLimit(this.#chance.chance(0.5));
          break;
        case 10:
          this.#claimIdle(this.#pick(QUEUES));
          break;
        default:
          await rig.pass(this.#pick([1, 50, 1_000, 31_000]));
      }
    } catch (error) {
      expect(String(error)).toContain("out of order");
    }
  }

  #spec() {
    const { now } = this.#rig;
    return this.#rig.spec({
      name: this.#pick(["task", LIMITED]),
      queue: this.#pick(QUEUES),
      priority: this.#pick([0, 0, 5]),
      key: this.#pick([null, null, null, "k"]),
      dueAt: this.#pick([null, now + 1, now + 1, now + 50, now + 2_000]),
    });
  }

  async #submitUnique(): Promise<void> {
    const debounce = { waitMs: this.#pick([0, 1, 50]), maxMs: null };
    const rule = { key: "u", isHeldOpen: true, holdMs: 0, keep: "replace" as const, debounce };
    const spec = { ...this.#spec(), name: "task" };
    await this.#rig.ledger.submit([{ ...spec, options: { unique_key: "u" }, unique: rule }]);
  }

  #settle(): void {
    const settlements: Settlement[] = this.#running
      .filter(() => this.#chance.chance(0.5))
      .map(([id, token]) => ({ ...success(id, token), outcome: this.#outcome() }));
    this.#rig.claim(0, { queue: this.#pick(QUEUES), settlements });
  }

  #outcome(): Outcome {
    const { now } = this.#rig;
    const delayMs = this.#pick([0, 0, 1, 50]);
    const wakeAt = this.#pick([null, now, now + 50]);
    return this.#pick<Outcome>([
      { kind: "success", result: "1" },
      { kind: "retry", error: describeError(new Error("once more")), delayMs },
      { kind: "retry", error: describeError(new Error("once more")), delayMs },
      { kind: "suspend", wakeAt, events: ["go"], steps: [] },
    ]);
  }

  #reschedule(id: string): void {
    const { now } = this.#rig;
    this.#rig.ledger.reschedule(id, {
      dueAt: this.#pick([now, now + 1, now + 50]),
      priority: this.#pick([0, 5]),
      queue: this.#pick(QUEUES),
    });
  }

  #setLimit(isLimited: boolean): void {
    const rateLimits = isLimited ? { [LIMITED]: "1/h" } : {};
    this.#rig.ledger.configure({ ...NO_CONTROLS, version: this.#limitsVersion, rateLimits });
    this.#isLimited = isLimited;
  }

  /** What is claimed is what a look through all rows finds. */
  #claim(queue: string, limit: number): void {
    const rig = this.#rig;
    rig.ledger.tick();
    const wanted = this.#waiting(queue)
      .filter((row) => row.is_suspect === 0)
      .toSorted((a, b) => b.priority - a.priority || a.due_at - b.due_at);
    const { tasks, token } = rig.claim(limit, { queue, isIdle: false });
    const byId = new Map(wanted.map((row) => [row.id, row]));
    const taken = tasks.map(({ id }) => byId.get(id));
    const rank = (row: TaskRow | undefined) => [row?.priority, row?.due_at];
    expect(taken).toHaveLength(Math.min(limit, wanted.length));
    expect(new Set(taken).size).toBe(taken.length);
    // Keys take turns.
    const isKeyed = wanted.some(({ gate }) => gate.includes("\n"));
    const ranks = wanted.slice(0, taken.length).map(rank);
    if (isKeyed) expect(taken).not.toContain(undefined);
    else expect(taken.map(rank)).toEqual(ranks);
    this.#took({ tasks, token });
  }

  /** Whoever is idle gets a suspect too, alone; while none runs one may start. */
  #claimIdle(queue: string): void {
    const isNoneAlone = ![...this.#alone].some((id) => this.#isHeld(id));
    const isThere = this.#waiting(queue).length > 0;
    const { tasks, token, isSolo } = this.#rig.claim(1, { queue });
    if (isSolo) for (const { id } of tasks) this.#alone.add(id);
    if (isNoneAlone) expect(tasks).toHaveLength(isThere ? 1 : 0);
    this.#took({ tasks, token });
  }

  /** Tasks of a queue that may start, suspects too. */
  #waiting(queue: string): TaskRow[] {
    const { now } = this.#rig;
    return this.#rows()
      .filter((row) => row.queue === queue && row.due_at <= now)
      .filter(({ id, name }) => !(this.#isLimited && name === LIMITED) && !this.#isHeld(id));
  }

  #took({ tasks, token }: { tasks: readonly { id: string }[]; token: number }): void {
    this.#running = this.#running.filter(([id]) => this.#isHeld(id));
    this.#running.push(...tasks.map(({ id }) => [id, token] as const));
  }

  #rows(): TaskRow[] {
    return [...this.#rig.sql.exec<TaskRow>("SELECT * FROM tasks")];
  }

  #isHeld(id: string): boolean {
    return this.#rig.ledger.get(id)?.state === "STARTED";
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#chance.between(0, from.length - 1)] as T;
  }
}

it("whatever happens to tasks, a claim finds all that wait and nothing that runs", async () => {
  for (let seed = 0; seed < 6; seed += 1) await new History(seed).run();
});
