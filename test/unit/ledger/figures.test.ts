import { expect, it } from "vitest";
import { endedOf, MAX_COUNTED, OTHER_TASKS, type FiguresByTask } from "#engine";
import { FiguresReader, type CountingShard } from "#platform/ledger/figures/figures-reader.ts";
import { Rig, success } from "./rig.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

it("a task is counted as soon as it has ended, by name and queue", async () => {
  const rig = new Rig();
  await finish(rig, 2);
  await finish(rig, 1, "other");
  expect(counts(rig.ledger.questions.figuresTotal())).toEqual({
    "default\ntask": 2,
    "default\nother": 1,
  });
});

it("counting costs no row, whatever is counted", async () => {
  const rig = new Rig();
  await finish(rig, 1);
  await finish(rig, 30);
  expect(rig.sql.peek("SELECT minute FROM figures")).toEqual([]);
  expect(rig.sql.peek("SELECT slot FROM finished")).toHaveLength(1);
});

it("a restart at any time counts nothing twice and loses nothing", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 5; minute += 1) {
    await finish(rig, 1);
    rig.ledger = rig.create();
    await rig.pass(MINUTE);
    if (minute % 2 === 0) rig.ledger.tidy(30);
    rig.ledger = rig.create();
    rig.ledger.tick();
    rig.ledger = rig.create();
  }
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(5);
  expect(minutes(rig).map(([, count]) => count)).toEqual([1, 1, 1, 1, 1]);
});

it("a minute that could not be put away stays as it was, and is put away later, once", async () => {
  const rig = new Rig();
  await finish(rig, 3);
  await rig.pass(MINUTE);
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql === "COMMIT") throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  expect(() => {
    rig.ledger.tidy(30);
  }).toThrow("the disk failed");
  rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
  expect(rig.sql.peek("SELECT minute FROM figures")).toEqual([]);
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(3);
  rig.ledger.tidy(30);
  rig.ledger.tidy(30);
  expect(rig.sql.peek("SELECT minute FROM figures")).toHaveLength(1);
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(3);
});

it("what a failed command had counted is not counted", async () => {
  const rig = new Rig();
  await finish(rig, 1);
  await rig.ledger.submit([rig.spec()]);
  const { tasks, token } = rig.claim();
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql === "COMMIT") throw new Error("the disk failed");
      return run();
    },
    committed: () => undefined,
  });
  const settlements = tasks.map(({ id }) => success(id, token));
  expect(() => rig.claim(0, { settlements })).toThrow("the disk failed");
  rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(1);
  rig.claim(0, { settlements });
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(2);
});

it("a minute that is not over is not put away: it would be written again and again", async () => {
  const rig = new Rig();
  await finish(rig, 1);
  rig.ledger.tidy(30);
  expect(rig.sql.peek("SELECT minute FROM figures")).toEqual([]);
});

it("putting a minute away writes one row", async () => {
  const rig = new Rig();
  await finish(rig, 5);
  await finish(rig, 5, "other");
  await rig.pass(MINUTE);
  let written = 0;
  rig.sql.setHooks({
    around: (_sql, run) => {
      const answer = run();
      written += (answer as { rowsWritten?: number } | undefined)?.rowsWritten ?? 0;
      return answer;
    },
    committed: () => undefined,
  });
  rig.ledger.tidy(30);
  expect(written).toBe(1);
  rig.ledger.tidy(30);
  expect(written).toBe(1);
});

it("a clock that goes back after a restart counts in no minute that is over", async () => {
  let skew = 0;
  const rig = new Rig();
  const clock = { now: () => rig.now + skew };
  rig.ledger = rig.create({ clock });
  await finish(rig, 1);
  await rig.pass(MINUTE);
  rig.ledger.tidy(30);
  rig.ledger.tick();
  skew = -10 * MINUTE;
  rig.ledger = rig.create({ clock });
  await finish(rig, 2);
  rig.ledger.tidy(30);
  expect(minutes(rig).map(([, count]) => count)).toEqual([1, 2]);
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(3);
});

it("where nobody tidies up, what finishing tasks write stays small and nothing is lost", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 60; minute += 1) {
    await finish(rig, 1);
    await rig.pass(MINUTE);
  }
  const [row] = rig.sql.peek<{ figures: string }>(
    "SELECT figures FROM finished ORDER BY seq DESC LIMIT 1",
  );
  expect(row?.figures.length).toBeLessThan(4_000);
  rig.ledger = rig.create();
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(60);
});

it("of many names the minutes that nobody puts away are put together sooner", async () => {
  const rig = new Rig();
  const names = Array.from({ length: 200 }, (_, at) => `task_${at}`);
  for (let minute = 0; minute < 6; minute += 1) {
    await rig.ledger.submit(names.map((name) => rig.spec({ name })));
    const { tasks, token } = rig.claim(200);
    rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
    await rig.pass(MINUTE);
  }
  const rows = rig.sql.peek<{ length: number }>("SELECT length(figures) AS length FROM finished");
  expect(Math.max(...rows.map(({ length }) => length))).toBeLessThan(150_000);
  expect(minutes(rig).length).toBeGreaterThan(1);
  expect(counted(rig)).toBe(1_200);
});

it("however many names there are, what is written with an end stays small and nothing is lost", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 20; minute += 1) {
    const names = Array.from({ length: 100 }, (_, at) => `task_${minute * 100 + at}`);
    await rig.ledger.submit(names.map((name) => rig.spec({ name })));
    const { tasks, token } = rig.claim(100);
    rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
    await rig.pass(MINUTE);
    if (minute === 10) rig.ledger = rig.create();
  }
  const [row] = rig.sql.peek<{ length: number }>(
    "SELECT max(length(figures)) AS length FROM finished",
  );
  expect(row?.length).toBeLessThan(150_000);
  rig.ledger.tidy(30);
  const total = counts(rig.ledger.questions.figuresTotal());
  expect(Object.keys(total)).toHaveLength(MAX_COUNTED + 1);
  expect(total[`default\n${OTHER_TASKS}`]).toBe(2_000 - MAX_COUNTED);
  expect(counted(rig)).toBe(2_000);
});

it("old minutes become ten minutes and hours, and nothing is lost or doubled on the way", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 200; minute += 1) {
    await finish(rig, 1);
    await rig.pass(MINUTE);
    rig.ledger.tidy(30);
    if (minute % 40 === 0) rig.ledger = rig.create();
  }
  const total = rig.ledger.questions.figuresTotal();
  const tens = lengths(rig);
  expect(new Set(tens)).toEqual(new Set([10, 1]));
  expect(tens.length).toBeLessThan(150);
  expect(counted(rig)).toBe(200);
  await rig.pass(2 * DAY);
  for (let round = 0; round < 30; round += 1) rig.ledger.tidy(30);
  expect(lengths(rig).slice(0, 3)).toEqual([60, 60, 60]);
  expect(counted(rig)).toBe(200);
  expect(rig.ledger.questions.figuresTotal()).toEqual(total);
});

it("a run folds a bounded part of a long backlog, a restart goes on with it", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 300; minute += 1) {
    await finish(rig, 1);
    await rig.pass(MINUTE);
    if (minute % 5 === 0) rig.ledger.tidy(30);
  }
  await rig.pass(DAY);
  const before = lengths(rig).length;
  rig.ledger.tidy(30);
  expect(lengths(rig).length).toBeGreaterThan(before / 4);
  for (let round = 0; round < 20; round += 1) {
    rig.ledger = rig.create();
    rig.ledger.tidy(30);
  }
  expect(lengths(rig).length).toBeLessThan(before / 4);
  expect(counted(rig)).toBe(300);
});

it("a crash at any statement of it changes nothing", async () => {
  const rig = new Rig();
  for (let minute = 0; minute < 60; minute += 1) {
    await finish(rig, 1);
    await rig.pass(MINUTE);
    rig.ledger.tidy(30);
  }
  await finish(rig, 1);
  await rig.pass(27 * 60 * MINUTE);
  await finish(rig, 1);
  await rig.pass(MINUTE);
  const total = rig.ledger.questions.figuresTotal();
  const before = lengths(rig);
  let statements = 0;
  for (let isDone = false; !isDone; statements += 1) {
    let left = statements;
    rig.sql.setHooks({
      around: (_sql, run) => {
        if (left === 0) throw new Error("the object died");
        left -= 1;
        return run();
      },
      committed: () => undefined,
    });
    try {
      rig.ledger.tidy(30);
      isDone = true;
    } catch {
      rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
      expect(lengths(rig)).toEqual(before);
    }
    rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
    rig.ledger = rig.create();
    expect(rig.ledger.questions.figuresTotal()).toEqual(total);
    expect(counted(rig)).toBe(62);
  }
  expect(statements).toBeGreaterThan(10);
  expect(lengths(rig)).not.toEqual(before);
});

it("what is older than the history goes, the total stays, and counting goes on", async () => {
  const rig = new Rig();
  await finish(rig, 2);
  await rig.pass(MINUTE);
  rig.ledger.tidy(30);
  await finish(rig, 3);
  await rig.pass(40 * DAY);
  rig.ledger.tidy(30);
  expect(minutes(rig).map(([, count]) => count)).toEqual([3]);
  rig.ledger = rig.create();
  await finish(rig, 1);
  expect(sum(rig.ledger.questions.figuresTotal())).toBe(6);
});

it("all shards are read together, in the steps asked for, empty ones included", async () => {
  const rigs = [new Rig(), new Rig()];
  for (const rig of rigs) {
    await finish(rig, 1);
    await rig.pass(3 * MINUTE);
    await finish(rig, 1);
  }
  const [rig] = rigs;
  const reader = readerOf(rigs);
  const now = rig?.now ?? 0;
  const perMinute = await reader.over(now - 4 * MINUTE, now + 1);
  expect(perMinute.map(({ figures }) => sum(figures))).toEqual([0, 2, 0, 0, 2]);
  expect(perMinute.every(({ minutes: length }) => length === 1)).toBe(true);
  const perHour = await reader.over(now - 30 * DAY, now + 1, 60);
  expect(perHour.reduce((total, { figures }) => total + sum(figures), 0)).toBe(4);
  expect(sum(await reader.total())).toBe(4);
});

it.each([
  ["an hour is 60 points", 60, 1, 60],
  ["a day is 144 points", 1_440, 10, 144],
  ["a week is 168 points", 7 * 1_440, 60, 168],
])("%s", async (_name, length, step, points) => {
  const rig = new Rig();
  const end = Math.ceil(rig.now / (step * MINUTE)) * step * MINUTE;
  const series = await readerOf([rig]).over(end - length * MINUTE, end, step);
  expect(series).toHaveLength(points);
  expect(series.map(({ minutes: each }) => each)).toEqual(series.map(() => step));
});

it.each([
  [1, 30, 60],
  [90, 30, 120],
  [15, 1, 20],
  [15, 0.05, 15],
])(
  "steps of %i minutes, %d days ago, become steps of whole parts that are kept: %i",
  async (asked, days, given) => {
    const { now } = new Rig();
    const [step] = await readerOf([new Rig()]).over(now - days * DAY, now, asked);
    expect(step?.minutes).toBe(given);
  },
);

it("a shard that can't be reached makes the answer fail, and says that it may be asked again", async () => {
  const gone: CountingShard = {
    figures: () => Promise.reject(new Error("overloaded")),
    figuresTotal: () => Promise.reject(new Error("overloaded")),
  };
  const reader = new FiguresReader({ shards: () => [gone], clock: { now: () => 0 } });
  const expected = { code: "ledger_unavailable", retryable: true };
  await expect(reader.total()).rejects.toMatchObject(expected);
  await expect(reader.over(0, MINUTE)).rejects.toMatchObject(expected);
});

it("more steps than an answer may have are refused, naming the field", async () => {
  const over = readerOf([new Rig()]).over(0, 10_000 * DAY);
  await expect(over).rejects.toMatchObject({ code: "invalid_option", field: "from" });
});

function readerOf(rigs: readonly Rig[]): FiguresReader {
  return new FiguresReader({
    shards: () =>
      rigs.map(({ ledger }) => ({
        figures: async (...args) => ledger.questions.figures(...args),
        figuresTotal: async () => ledger.questions.figuresTotal(),
      })),
    clock: { now: () => rigs[0]?.now ?? 0 },
  });
}

/** Has tasks submitted, claimed and settled. */
async function finish(rig: Rig, count: number, name = "task"): Promise<void> {
  await rig.ledger.submit(Array.from({ length: count }, () => rig.spec({ name })));
  const { tasks, token } = rig.claim(count);
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
  await rig.pass(100);
}

function minutes(rig: Rig): [minute: number, count: number][] {
  const all = rig.ledger.questions.figures(0, Number.MAX_SAFE_INTEGER, 1);
  return all.map(({ minute, figures }) => [minute, sum(figures)]);
}

function counted(rig: Rig): number {
  return minutes(rig).reduce((total, [, count]) => total + count, 0);
}

function lengths(rig: Rig): number[] {
  const rows = rig.sql.peek<{ minutes: number }>("SELECT minutes FROM figures ORDER BY minute");
  return rows.map(({ minutes: length }) => length);
}

function counts(figures: FiguresByTask): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([key, each]) => [key, endedOf(each)]));
}

function sum(figures: FiguresByTask): number {
  return Object.values(figures).reduce((total, each) => total + endedOf(each), 0);
}
