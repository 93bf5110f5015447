import { expect, it } from "vitest";
import {
  declareSchedule,
  DEFAULT_SETTINGS,
  describeTiming,
  type ScheduleSettings,
  type Timing,
} from "#engine";
import { shopSchedules } from "../../../src/domain/index.ts";
import { beatMeter } from "#platform/beat/beat-meter.ts";
import type { RunAnswer } from "#platform/beat/run-records.ts";
import { ScheduleStore } from "#platform/beat/schedule-store.ts";
import { TaskBeat } from "#platform/beat/task-beat.ts";
import type { PlannedRun } from "#platform/beat/tick-plan.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { World } from "../../../src/testing/world.ts";

const DAY = 86_400_000;

/** A Beat, its ledger (ids by key) and an alarm. */
class Rig {
  readonly world = new World(1, Date.parse("2026-11-01T00:00:00Z"));
  readonly sql = new SimSql();
  /** Tasks by their key, as a ledger knows them: the same key is the same task. */
  readonly tasks = new Map<string, { readonly slot: number; isDone: boolean }>();
  submits = 0;
  wakes = 0;
  isLedgerDown = false;
  /** Their calls can't be made. */
  areRefused = false;
  isDown: (run: PlannedRun) => boolean = () => false;
  /** It becomes a task, and nobody is told. */
  isAnswerLost: (run: PlannedRun) => boolean = () => false;
  beforeAnswer: () => Promise<void> = async () => undefined;
  /** Runs of one submit, at most. */
  largest = 0;
  /** Dies after the submit, before it is recorded. */
  diesAfterSubmit = false;
  beat = this.#create();

  #create(): TaskBeat {
    return new TaskBeat({
      clock: this.world,
      sql: this.sql,
      submit: async (runs) => this.#submit(runs),
      isUnfinished: async (taskId) => {
        if (this.isLedgerDown) throw new Error("the shard can't be reached");
        return this.tasks.get(taskId)?.isDone === false;
      },
      log: () => undefined,
    });
  }

  restart(): void {
    this.beat = this.#create();
  }

  async #submit(runs: readonly PlannedRun[]): Promise<RunAnswer[]> {
    this.submits += 1;
    this.largest = Math.max(this.largest, runs.length);
    if (this.isLedgerDown) return runs.map(() => null);
    if (this.areRefused) return runs.map(() => ({ refused: "days: expected a number" }));
    for (const run of runs) {
      const { key, slot } = run;
      if (!this.isDown(run) && !this.tasks.has(key)) this.tasks.set(key, { slot, isDone: true });
    }
    await this.beforeAnswer();
    if (this.diesAfterSubmit) throw new Error("the object was evicted");
    const isUnknown = (run: PlannedRun) => this.isDown(run) || this.isAnswerLost(run);
    return runs.map((run) => (isUnknown(run) ? null : { taskId: run.key }));
  }

  /** Lets time pass, with an alarm at what is next. */
  async pass(ms: number): Promise<void> {
    const until = this.world.now() + ms;
    for (;;) {
      const at = this.beat.nextAt;
      if (at === null || at > until) break;
      await this.world.run(Math.max(at, this.world.now()));
      this.wakes += 1;
      await this.beat.tick();
    }
    await this.world.run(until);
  }

  change(name: string, to: ScheduleSettings): void {
    this.beat.update(name, to, this.beat.get(name)?.version ?? 0);
  }

  get meter() {
    return beatMeter(this.sql, new ScheduleStore(this.sql), this.world.now());
  }

  get slots(): string[] {
    const slots = Array.from(this.tasks.values(), ({ slot }) => slot).toSorted((a, b) => a - b);
    return slots.map((slot) => new Date(slot).toISOString().slice(5, 19));
  }
}

const every = (n: number, period: "seconds" | "minutes" | "hours" = "minutes"): Timing => ({
  kind: "interval",
  every: n,
  period,
  anchor: Date.parse("2026-11-01T00:00:00Z"),
});
const cron = (minute: string, hour: string, timezone = "UTC"): Timing => ({
  kind: "crontab",
  minute,
  hour,
  day_of_month: "*",
  month_of_year: "*",
  day_of_week: "*",
  timezone,
});
const settings = (timing: Timing, over: Partial<ScheduleSettings> = {}): ScheduleSettings => ({
  ...DEFAULT_SETTINGS,
  task: "t",
  timing,
  ...over,
});

it("fires each slot once and wakes no more often than its next slot", async () => {
  const rig = new Rig();
  rig.beat.create("hourly", "h", settings(cron("0", "*")));
  rig.beat.create("nightly", "n", settings(cron("30", "3", "Europe/Paris")));
  await rig.pass(7 * DAY);
  expect(rig.tasks.size).toBe(7 * 24 + 7);
  expect(rig.wakes).toBe(7 * 24 + 7);
  expect(rig.beat.get("hourly")).toMatchObject({ totalRunCount: 168, enabled: true });
  expect(rig.beat.runs("nightly", 100)).toHaveLength(7);
});

it("ticks at once, twice, late and from the past make no second task", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1)));
  await rig.world.run(rig.world.now() + 60_000);
  await Promise.all([rig.beat.tick(), rig.beat.tick(), rig.beat.tick()]);
  await rig.beat.tick();
  expect([rig.tasks.size, rig.beat.get("s")?.totalRunCount]).toEqual([1, 1]);
});

it("a tick that comes while another submits waits for it: it sees what that has started", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1), { overlap: "skip" }));
  const answered = Promise.withResolvers<void>();
  rig.beforeAnswer = () => {
    for (const task of rig.tasks.values()) task.isDone = false;
    return answered.promise;
  };
  await rig.world.run(rig.world.now() + 60_000);
  const first = rig.beat.tick();
  await rig.world.run(rig.world.now() + 60_000);
  const second = rig.beat.tick();
  answered.resolve();
  await Promise.all([first, second]);
  expect(rig.slots).toEqual(["11-01T00:01:00"]);
  expect(rig.beat.runs("s", 10)).toMatchObject([{ task_id: null }, { note: null }]);
});

it("a crash between the submit and its record fires no slot twice, and records it after", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(10)));
  await rig.world.run(rig.world.now() + 600_000);
  rig.diesAfterSubmit = true;
  await expect(rig.beat.tick()).rejects.toThrow("evicted");
  rig.restart();
  rig.diesAfterSubmit = false;
  await rig.pass(1_200_000);
  expect(rig.slots).toEqual(["11-01T00:10:00", "11-01T00:20:00", "11-01T00:30:00"]);
  expect(rig.beat.get("s")?.totalRunCount).toBe(3);
});

it.each([
  ["skip", { policy: "skip" } as const, ["12:00:00"]],
  ["once", { policy: "once" } as const, ["11:00:00", "12:00:00"]],
  ["all", { policy: "all", limit: 3 } as const, ["09:00:00", "10:00:00", "11:00:00", "12:00:00"]],
])("after an outage: %s", async (_name, missed, wanted) => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1, "hours"), { missed }));
  // Nobody is there from midnight to 11:30.
  await rig.world.run(rig.world.now() + 11.5 * 3_600_000);
  rig.restart();
  await rig.beat.tick();
  await rig.pass(3_600_000 / 2);
  expect(rig.slots).toEqual(wanted.map((time) => `11-01T${time}`));
});

it("a ledger that is down for minutes gets what is due when it is back", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1, "hours")));
  rig.isLedgerDown = true;
  await rig.pass(3_600_000 + 20_000);
  expect(rig.submits).toBeLessThan(30);
  rig.isLedgerDown = false;
  await rig.pass(10_000);
  expect(rig.slots).toEqual(["11-01T01:00:00"]);
});

it.each([
  ["allow", 6, 0],
  ["skip", 1, 5],
  ["queue", 2, 4],
] as const)("while the last run is unfinished: %s", async (overlap, fired, skipped) => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1), { overlap }));
  await rig.pass(60_000);
  for (const task of rig.tasks.values()) task.isDone = false;
  await rig.pass(5 * 60_000);
  const first = [...rig.tasks.values()][0];
  if (first !== undefined) first.isDone = true;
  await rig.pass(10_000);
  const runs = rig.beat.runs("s", 100);
  expect(rig.tasks.size).toBe(fired);
  expect(runs.filter(({ note }) => note !== null)).toHaveLength(skipped);
  // The one that waited is the last: it stands for those before it.
  if (overlap === "queue") expect(rig.slots.at(-1)).toBe("11-01T00:06:00");
});

it.each(["skip", "queue"] as const)(
  "while nobody knows whether the last run has ended its schedule waits, and leaves no slot out: %s (G12)",
  async (overlap) => {
    const rig = new Rig();
    rig.beat.create("nightly", "n", settings(cron("0", "3"), { overlap }));
    await rig.pass(DAY);
    await rig.pass(3 * 3_600_000 - 1_000);
    rig.isLedgerDown = true;
    await rig.pass(10 * 60_000);
    expect(rig.wakes).toBeLessThan(25);
    expect(rig.meter.overdueMs).toBeGreaterThan(5 * 60_000);
    rig.isLedgerDown = false;
    await rig.pass(60_000);
    expect(rig.slots).toEqual(["11-01T03:00:00", "11-02T03:00:00"]);
    expect(rig.beat.runs("nightly", 10).map(({ note }) => note)).toEqual([null, null]);
  },
);

it.each(["skip", "queue"] as const)(
  "a run that nobody heard of goes before the next, and is in the history: %s (G12)",
  async (overlap) => {
    const rig = new Rig();
    rig.beat.create("s", "s", settings(every(1), { overlap }));
    const first = rig.world.now() + 60_000;
    rig.isAnswerLost = ({ slot }) => slot === first && rig.world.now() < first + 200_000;
    await rig.pass(60_000);
    for (const task of rig.tasks.values()) task.isDone = false;
    await rig.pass(300_000);
    expect(rig.slots).toEqual(["11-01T00:01:00"]);
    expect(rig.beat.runs("s", 100).at(-1)).toMatchObject({ slot: first, note: null });
    for (const task of rig.tasks.values()) task.isDone = true;
    await rig.pass(60_000);
    expect(rig.slots).toHaveLength(2 + (overlap === "queue" ? 1 : 0));
    const fired = rig.beat.runs("s", 100).filter(({ task_id: id }) => id !== null);
    expect(fired).toHaveLength(rig.tasks.size);
    expect(rig.beat.get("s")).toMatchObject({ totalRunCount: rig.tasks.size });
  },
);

it("a schedule that an older version kept goes on", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1), { overlap: "skip" }));
  for (const _row of rig.sql.exec("UPDATE schedules SET body = json_remove(body, '$.askedSlot')"));
  await rig.pass(120_000);
  expect(rig.slots).toEqual(["11-01T00:01:00", "11-01T00:02:00"]);
});

it("one_off, clocked, start_time and expires", async () => {
  const rig = new Rig();
  const start = rig.world.now();
  rig.beat.create("once", "o", settings(every(10), { oneOff: true }));
  rig.beat.create(
    "clocked",
    "c",
    settings({ kind: "clocked", at: start + 25 * 60_000 }, { oneOff: true }),
  );
  rig.beat.create(
    "window",
    "w",
    settings(every(10), { startTime: start + 1_500_000, expires: start + 3_000_000 }),
  );
  await rig.pass(DAY);
  const byName = (name: string) =>
    rig.beat.runs(name, 10).map(({ slot }) => (slot - start) / 60_000);
  expect([byName("once"), byName("clocked"), byName("window")]).toEqual([[10], [25], [50, 40, 30]]);
  expect(["once", "clocked"].map((name) => rig.beat.get(name)?.enabled)).toEqual([false, false]);
  expect(rig.beat.nextAt).toBeNull();
});

it("a change fires nothing that is past; a disabled time is not made up for", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1, "hours"), { missed: { policy: "all", limit: 50 } }));
  await rig.pass(2 * 3_600_000 + 60_000);
  rig.change("s", settings(every(1, "hours"), { enabled: false }));
  await rig.pass(5 * 3_600_000);
  rig.change("s", settings(every(30), { missed: { policy: "all", limit: 50 } }));
  await rig.pass(30 * 60_000);
  expect(rig.slots).toEqual(["11-01T01:00:00", "11-01T02:00:00", "11-01T07:30:00"]);
});

it("a clock that goes back fires no slot again; one that jumps ahead is an outage", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1)));
  await rig.pass(180_000);
  const now = rig.world.now();
  const back = { now: () => now - 3_600_000 };
  const ports = {
    clock: back,
    sql: rig.sql,
    submit: async () => [],
    isUnfinished: async () => false,
    log: () => undefined,
  };
  const turned = new TaskBeat(ports);
  await turned.tick();
  expect(turned.nextAt).toBe(now + 60_000);
  await rig.world.run(now + DAY);
  await rig.beat.tick();
  // The last that was missed, or the one that is on time.
  expect(rig.tasks.size).toBe(4);
});

it("what the code declares follows the code, unless an admin changed it; what it drops is retired", async () => {
  const rig = new Rig();
  const call = { task: "t", args: [], kwargs: {} } as never;
  const declare = (hour: string) => [declareSchedule("report", call, cron("0", hour))];
  const idOf = (name: string) => `code:${name}`;
  rig.beat.declare(declare("1"), idOf);
  rig.beat.declare(declare("2"), idOf);
  expect(rig.beat.get("report")?.timing).toMatchObject({ hour: "2" });
  const { id } = rig.beat.get("report") ?? {};
  rig.change("report", settings(cron("0", "5"), { enabled: false }));
  rig.beat.declare(declare("3"), idOf);
  expect(rig.beat.get("report")).toMatchObject({
    id,
    timing: { hour: "5" },
    enabled: false,
    origin: "code",
  });
  rig.beat.declare([], idOf);
  expect(rig.beat.get("report")).toMatchObject({ origin: "retired", enabled: false, nextAt: null });
  await rig.pass(DAY);
  expect(rig.tasks.size).toBe(0);
  rig.beat.declare(declare("4"), idOf);
  expect(rig.beat.get("report")).toMatchObject({
    origin: "code",
    enabled: true,
    timing: { hour: "4" },
  });
});

it("runs now and backfills: a slot that was fired is not fired again", async () => {
  const rig = new Rig();
  const start = rig.world.now();
  rig.beat.create("s", "s", settings(cron("0", "*")));
  await rig.pass(3 * 3_600_000);
  expect(await rig.beat.run("s", "key")).toMatchObject({ kind: "manual" });
  await rig.world.run(rig.world.now() + 1_000);
  await rig.beat.run("s", "key");
  expect(rig.tasks.size).toBe(4);
  const runs = await rig.beat.backfill("s", start - 2 * 3_600_000, start + 3 * 3_600_000);
  // Three more were fired by themselves.
  expect(runs).toHaveLength(3);
  expect(rig.tasks.size).toBe(7);
  expect(rig.beat.runs("s", 10).filter(({ kind }) => kind === "manual")).toHaveLength(1);
  // Also where the ledger has forgotten them.
  rig.tasks.clear();
  expect(await rig.beat.backfill("s", start - 2 * 3_600_000, start + 3 * 3_600_000)).toEqual([]);
  await expect(rig.beat.backfill("s", 0, start)).rejects.toThrow("more than 1000 slots");
  expect(await rig.beat.run("nothing", "key")).toBeNull();
});

it("a schedule that can't be read keeps no other back, and a tick that fails is not repeated at once", async () => {
  const rig = new Rig();
  rig.beat.create("broken", "b", settings(cron("0", "*")));
  rig.beat.create("good", "g", settings(cron("0", "*")));
  const gone =
    "UPDATE schedules SET body = replace(body, '\"UTC\"', '\"Mars/Olympus\"') WHERE name = 'broken'";
  for (const _row of rig.sql.exec(gone));
  rig.beat.create("corrupt", "c", settings(cron("0", "*")));
  for (const _row of rig.sql.exec("UPDATE schedules SET body = '{' WHERE name = 'corrupt'"));
  await rig.pass(3 * 3_600_000);
  expect(rig.beat.runs("good", 10)).toHaveLength(3);
  expect(rig.wakes).toBeLessThan(10);
  rig.diesAfterSubmit = true;
  await rig.world.run(rig.world.now() + 3_600_000);
  await expect(rig.beat.tick()).rejects.toThrow("evicted");
  expect((rig.beat.nextAt ?? 0) - rig.world.now()).toBe(1_000);
});

it("a schedule that is changed while a tick submits fires no past slot of what it says then", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1, "hours")));
  await rig.world.run(rig.world.now() + 3_600_000);
  const tick = rig.beat.tick();
  await rig.world.run(rig.world.now() + 1_800_000);
  rig.change("s", settings(every(10)));
  await tick;
  expect(rig.beat.nextAt).toBe(rig.world.now() + 600_000);
  expect(rig.beat.get("s")?.totalRunCount).toBe(1);
});

it("ten thousand schedules, a thousand of them due in one minute", async () => {
  const rig = new Rig();
  for (let n = 0; n < 10_000; n += 1) {
    const timing = n < 1_000 ? cron("5", "0") : cron("0", "12");
    rig.beat.create(`s${n}`, `s${n}`, settings(timing));
  }
  await rig.pass(10 * 60_000);
  expect([rig.tasks.size, rig.wakes]).toEqual([1_000, 1]);
});

it.each([
  [cron("0", "8", "Europe/Paris"), "At 08:00, Europe/Paris"],
  [
    { ...cron("0", "8", "Europe/Paris"), day_of_week: "mon-fri" },
    "At 08:00, Monday through Friday, Europe/Paris",
  ],
  [
    { ...cron("*/15", "*"), day_of_week: "fri-mon" },
    "Every 15 minutes, only on Sunday, Monday, Friday, and Saturday, UTC",
  ],
  [
    { ...cron("0", "8"), day_of_month: "1-7", day_of_week: "mon" },
    "At 08:00, between day 1 and 7 of the month, only on Monday, UTC",
  ],
  [every(90, "seconds"), "Every 90 seconds"],
  [every(1, "hours"), "Every hour"],
  [{ kind: "clocked", at: 0 } as const, "Once, at 1970-01-01T00:00:00.000Z"],
])("in words: %#", (timing, words) => {
  expect(describeTiming(timing)).toBe(words);
});

it("a week of the shop's schedules, over a change of clocks, fires exactly what it should", async () => {
  const rig = new Rig();
  // Clocks go forward on Sunday 28 March 2027 at 02:00.
  await rig.world.run(Date.parse("2027-03-24T23:00:00Z"));
  const zone = "Europe/Paris";
  rig.beat.declare(shopSchedules(zone), (name) => `code:${name}`);
  // In the middle of it the object is evicted again and again.
  for (let hour = 0; hour < 7 * 24 - 1; hour += 1) {
    await rig.pass(3_600_000);
    rig.restart();
    rig.beat.declare(shopSchedules(zone), (name) => `code:${name}`);
  }
  const fired = (name: string) =>
    rig.beat
      .runs(name, 1_000)
      .map(({ slot }) => new Date(slot).toISOString().slice(0, 16))
      .toReversed();
  expect(rig.beat.get("send_pending_emails")?.totalRunCount).toBe((7 * 24 - 1) * 4);
  const days = ["25", "26", "27", "28", "29", "30", "31"];
  // Before and after the change, as UTC has them.
  const daily = (before: string, after: string) =>
    days.map((day) => `2027-03-${day}T${Number(day) < 28 ? before : after}`);
  expect(fired("send_daily_transaction_summary")).toEqual([
    "2027-03-25T07:00",
    "2027-03-26T07:00",
    "2027-03-27T07:00",
    ...daily("", "06:00").slice(3),
  ]);
  expect(fired("cleanup_old_carts")).toEqual(daily("02:00", "01:00"));
  // 02:00 is skipped on the 28th: it runs at 03:00, which is 01:00 in UTC.
  expect(fired("cleanup_old_pending_transactions")).toEqual([
    ...daily("01:00", "").slice(0, 3),
    "2027-03-28T01:00",
    "2027-03-29T00:00",
    "2027-03-30T00:00",
    "2027-03-31T00:00",
  ]);
  expect(fired("check_overdue_milestones")).toEqual(["2027-03-29T08:00"]);
  expect(fired("generate_daily_report")).toEqual([
    ...["25", "26", "27"].map((day) => `2027-03-${day}T23:00`),
    // The day of the change is an hour shorter.
    ...["28", "29", "30", "31"].map((day) => `2027-03-${day}T22:00`),
  ]);
  expect(fired("process_api_analytics")).toEqual(["2027-03-28T23:30"]);
  expect(fired("backup_database")).toEqual(daily("03:00", "02:00"));
  expect(fired("cleanup_expired_tokens")).toHaveLength(7 * 24 - 1);
});

it("a schedule that is retired, disabled or made again while a tick submits is not touched by it", async () => {
  for (const how of ["retired", "disabled", "made again"]) {
    const rig = new Rig();
    const call = { task: "t", args: [], kwargs: {} } as never;
    const idOf = (name: string) => `code:${name}`;
    rig.beat.declare([declareSchedule("s", call, every(10), { overlap: "queue" })], idOf);
    await rig.pass(600_000);
    for (const task of rig.tasks.values()) task.isDone = false;
    await rig.world.run(rig.world.now() + 600_000);
    const tick = rig.beat.tick();
    if (how === "retired") rig.beat.declare([], idOf);
    else if (how === "disabled") rig.change("s", settings(every(10), { enabled: false }));
    else {
      rig.beat.remove("s");
      rig.beat.create("s", "other", settings(every(10), { enabled: false }));
    }
    await tick;
    expect(rig.beat.get("s"), how).toMatchObject({
      enabled: false,
      nextAt: null,
      queuedSlot: null,
    });
    const { length } = [...rig.tasks];
    await rig.pass(DAY);
    expect(rig.tasks.size, how).toBe(length);
    if (how === "made again") expect(rig.beat.runs("s", 10)).toEqual([]);
  }
});

it("a change of what was changed meanwhile is refused", () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1)));
  const version = rig.beat.get("s")?.version ?? 0;
  rig.beat.update("s", settings(every(2)), version);
  expect(() => rig.beat.update("s", settings(every(3)), version)).toThrow("changed meanwhile");
});

it("schedules whose shard is out of reach keep no others waiting", async () => {
  const rig = new Rig();
  const stuck = new Set<string>();
  for (let n = 0; n < 1_500; n += 1) {
    rig.beat.create(`stuck${n}`, `stuck${n}`, settings(cron("5", "*")));
    stuck.add(`stuck${n}`);
  }
  rig.beat.create("well", "well", settings(cron("6", "*")));
  rig.isDown = (run) => stuck.has(run.schedule.name);
  await rig.pass(10 * 60_000);
  expect(rig.beat.runs("well", 10)).toHaveLength(1);
  rig.isDown = () => false;
  await rig.pass(10 * 60_000);
  expect(rig.tasks.size).toBe(1_501);
});

it("a tick submits in slices, whatever there is to make up for", async () => {
  const rig = new Rig();
  const all = { missed: { policy: "all", limit: 100 } as const };
  for (let n = 0; n < 100; n += 1) rig.beat.create(`s${n}`, `s${n}`, settings(every(1), all));
  await rig.world.run(rig.world.now() + 6 * 3_600_000);
  await rig.beat.tick();
  expect(rig.tasks.size).toBe(100 * 101);
  expect(rig.largest).toBeLessThanOrEqual(1_200);
});

it("the history of runs is bounded, whatever kind they are", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1), { overlap: "skip" }));
  await rig.pass(60_000);
  for (const task of rig.tasks.values()) task.isDone = false;
  await rig.pass(2 * DAY);
  expect(rig.beat.runs("s", 10_000).length).toBeLessThanOrEqual(1_001);
  expect(rig.beat.get("s")).toMatchObject({ totalRunCount: 1 });
  // Nobody knows any more what was fired then; before it was made nothing was.
  const { createdAt = 0 } = rig.beat.get("s") ?? {};
  await expect(rig.beat.backfill("s", createdAt, createdAt + 600_000)).rejects.toThrow(
    "known since",
  );
});

it("a backfill keeps to the schedule's own time", async () => {
  const rig = new Rig();
  const start = rig.world.now();
  const [startTime, expires] = [start + 3_600_000, start + 3 * 3_600_000];
  rig.beat.create("s", "s", settings(every(1, "hours"), { startTime, expires, enabled: false }));
  await rig.pass(DAY);
  expect(await rig.beat.backfill("s", start, start + DAY)).toHaveLength(3);
});

it("a backfill that was refused can be made again, and is fired once then", async () => {
  const rig = new Rig();
  const start = rig.world.now();
  rig.beat.create("s", "s", settings(every(1, "hours"), { enabled: false }));
  await rig.pass(3 * 3_600_000);
  rig.areRefused = true;
  await rig.beat.backfill("s", start, start + 3 * 3_600_000);
  rig.areRefused = false;
  expect(await rig.beat.backfill("s", start, start + 3 * 3_600_000)).toHaveLength(4);
  const runs = rig.beat.runs("s", 10);
  expect(runs.map(({ note }) => note)).toEqual([null, null, null, null]);
  expect(new Set(runs.map(({ task_id: id }) => id))).toEqual(new Set(rig.tasks.keys()));
  expect(rig.beat.get("s")).toMatchObject({ keptRuns: 4 });
  // Also where the ledger has forgotten them.
  rig.tasks.clear();
  expect(await rig.beat.backfill("s", start, start + 3 * 3_600_000)).toEqual([]);
});

it("a one-off that is edited while its run is submitted has run once all the same", async () => {
  for (const how of ["described", "another time", "goes on"]) {
    const rig = new Rig();
    rig.beat.create("s", "s", settings(every(10), { oneOff: true }));
    await rig.world.run(rig.world.now() + 600_000);
    const tick = rig.beat.tick();
    const description = "for the month";
    if (how === "described") rig.change("s", settings(every(10), { oneOff: true, description }));
    else if (how === "goes on") rig.change("s", settings(every(10), { description }));
    else rig.change("s", settings(every(7), { oneOff: true }));
    await tick;
    await rig.pass(3_600_000);
    const runs = { described: 1, "another time": 2, "goes on": 7 }[how];
    expect(rig.tasks.size, how).toBe(runs);
    expect(rig.beat.get("s"), how).toMatchObject({ enabled: how === "goes on" });
  }
});

it("a change that changes nothing leaves what waits, and what is due, as it is", async () => {
  const rig = new Rig();
  const given = settings(every(10), { overlap: "queue" });
  rig.beat.create("s", "s", given);
  await rig.pass(600_000);
  for (const task of rig.tasks.values()) task.isDone = false;
  await rig.pass(600_000);
  rig.change("s", { ...given });
  for (const task of rig.tasks.values()) task.isDone = true;
  await rig.pass(60_000);
  expect(rig.slots).toEqual(["11-01T00:10:00", "11-01T00:20:00"]);
  // Just before the tick comes for it.
  await rig.world.run(Date.parse("2026-11-01T00:30:00Z"));
  rig.change("s", { ...given });
  await rig.pass(60_000);
  expect(rig.slots).toHaveLength(3);
});

it("a slot writes its schedule and its run, each once", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(1)));
  const written: string[] = [];
  rig.sql.setHooks({
    around: (sql, run) => {
      const [, table] = /^INSERT OR REPLACE INTO (\w+)/.exec(sql) ?? [];
      if (table !== undefined) written.push(table);
      return run();
    },
    committed: () => undefined,
  });
  await rig.pass(60_000);
  expect(written).toEqual(["runs", "schedules"]);
});

it("one_off waits for its turn, and can be made one that goes on", async () => {
  const rig = new Rig();
  rig.beat.create("other", "o", settings(every(5), { overlap: "skip" }));
  await rig.pass(300_000);
  for (const task of rig.tasks.values()) task.isDone = false;
  rig.change("other", settings(every(5), { overlap: "skip", oneOff: true }));
  await rig.pass(600_000);
  expect(rig.beat.get("other")).toMatchObject({ enabled: true });
  for (const task of rig.tasks.values()) task.isDone = true;
  await rig.pass(600_000);
  expect(rig.beat.get("other")).toMatchObject({ enabled: false, totalRunCount: 2 });
});

it("a one-off of the code that has run follows the code again; an admin's of that name stays theirs", async () => {
  const rig = new Rig();
  const call = { task: "t", args: [], kwargs: {} } as never;
  const idOf = (name: string) => `code:${name}`;
  const at = rig.world.now() + 60_000;
  const once = (time: number) => [
    declareSchedule("once", call, { kind: "clocked", at: time }, { oneOff: true }),
    declareSchedule("mine", call, every(5)),
  ];
  rig.beat.create("mine", "mine", settings(cron("0", "0")));
  rig.beat.declare(once(at), idOf);
  await rig.pass(120_000);
  rig.beat.declare(once(at + 300_000), idOf);
  await rig.pass(600_000);
  expect(rig.beat.get("once")).toMatchObject({ totalRunCount: 2, enabled: false });
  rig.beat.declare([], idOf);
  expect(rig.beat.get("mine")).toMatchObject({ origin: "admin", enabled: true });
});

it("a one-off of the code that has run runs no second time because its description changes", async () => {
  const rig = new Rig();
  const once = (description: string, minutes: number, more = {}) => {
    const all = { oneOff: true, description, ...more };
    rig.beat.declare([declareSchedule("once", CALL, every(minutes), all)], (name) => name);
  };
  once("moves the books", 5);
  await rig.pass(DAY);
  once("moves all the books", 5);
  await rig.pass(DAY);
  expect(rig.beat.get("once")).toMatchObject({
    description: "moves all the books",
    enabled: false,
    totalRunCount: 1,
  });
  once("moves the books again", 7);
  await rig.pass(DAY);
  expect(rig.tasks.size).toBe(2);
  once("moves the books daily", 7, { oneOff: false, expires: rig.world.now() + 15 * 60_000 });
  await rig.pass(DAY);
  expect(rig.tasks.size).toBe(4);
});

it("its meter says how late the newest slot was, and for how long one is overdue", async () => {
  const rig = new Rig();
  expect(rig.meter).toEqual({ lateMs: null, overdueMs: 0 });
  rig.beat.create("s", "s", settings(every(5)));
  await rig.pass(300_000);
  expect(rig.meter).toEqual({ lateMs: 0, overdueMs: 0 });
  await rig.world.run(rig.world.now() + 307_000);
  expect(rig.meter).toEqual({ lateMs: 0, overdueMs: 7_000 });
  await rig.beat.tick();
  expect(rig.meter).toEqual({ lateMs: 7_000, overdueMs: 0 });
});

it("a slot that can't be submitted is overdue, though it is put off", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(5)));
  rig.isLedgerDown = true;
  await rig.pass(420_000);
  expect(rig.meter).toEqual({ lateMs: null, overdueMs: 120_000 });
});

it("runs that are asked for at once are all in the history", async () => {
  const rig = new Rig();
  rig.beat.create("s", "s", settings(every(10)));
  const runs = await Promise.all(["a", "b", "c", "a"].map((key) => rig.beat.run("s", key)));
  const ids = (of: readonly ({ task_id: string | null } | null)[]) =>
    new Set(of.map((run) => run?.task_id));
  expect(ids(rig.beat.runs("s", 10))).toEqual(ids(runs));
  expect(rig.beat.runs("s", 10)).toHaveLength(3);
});

it("a slot that waits for a run of days is looked at once a minute, and follows it", async () => {
  const rig = new Rig();
  rig.beat.create("nightly", "n", settings(cron("0", "3"), { overlap: "queue" }));
  await rig.pass(DAY);
  for (const task of rig.tasks.values()) task.isDone = false;
  await rig.pass(DAY);
  rig.wakes = 0;
  await rig.pass(3_600_000);
  expect(rig.wakes).toBe(60);
  for (const task of rig.tasks.values()) task.isDone = true;
  await rig.pass(60_000);
  expect(rig.slots).toEqual(["11-01T03:00:00", "11-02T03:00:00"]);
});

const CALL = { task: "t", args: [], kwargs: {} } as never;

it("a declared schedule whose timing can't be keeps no other back", () => {
  const rig = new Rig();
  const good = declareSchedule("good", CALL, every(5));
  const timing = cron("61", "0");
  const bad = { name: "bad", settings: { ...good.settings, timing } };
  rig.beat.declare([bad, good], (name) => name);
  expect(rig.beat.page("", 10).map(({ name }) => name)).toEqual(["good"]);
});

it.each<{ timing: Timing }>([
  { timing: every(0) },
  { timing: every(-1) },
  { timing: every(1e308) },
  { timing: cron("61", "0") },
  { timing: cron("1", "0", "Europe/Pariss") },
])("the timing of $timing can't be declared", ({ timing }) => {
  expect(() => declareSchedule("bad", CALL, timing)).toThrow(/every|minute|zone/);
});
