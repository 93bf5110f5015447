import { expect, it } from "vitest";
import {
  describeError,
  MAX_KWARGS_BYTES,
  MAX_LINKS_BYTES,
  MAX_RESULT_BYTES,
  AttemptLog,
  type LogLine,
  type PlannedCall,
  type TaskReport,
  type TaskSpec,
} from "#engine";
import type { Rig as LedgerRig } from "./rig.ts";
import { Rig, success } from "./rig.ts";

const line = (message: string): LogLine => ({ at: 1, level: "info", message });

function report(id: string, token: number, seq: number, current: number): TaskReport {
  const state = { state: "PROGRESS", meta: JSON.stringify({ current, total: 9 }) };
  return { id, token, seq, state, logs: [line(`at ${current}`)] };
}

async function running(rig: LedgerRig, over: Partial<TaskSpec> = {}) {
  const task = rig.spec(over);
  await rig.ledger.submit([task]);
  return { id: task.id, token: rig.claim().token };
}

it("readers and watchers see what the running attempt says, in memory alone", async () => {
  const told: unknown[] = [];
  const rig = new Rig({
    watchers: { isWatched: () => true, notify: (task) => told.push(task.reported) },
  });
  const { id, token } = await running(rig);
  told.length = 0;
  const statements: string[] = [];
  rig.sql.setHooks({
    around: (sql, run) => {
      if (!sql.startsWith("SELECT")) statements.push(sql);
      return run();
    },
    committed: () => undefined,
  });
  rig.ledger.report([report(id, token, 1, 3)]);
  expect(statements).toEqual([]);
  const task = rig.ledger.get(id);
  expect(task?.state).toBe("STARTED");
  expect(task?.reported).toEqual({ state: "PROGRESS", meta: '{"current":3,"total":9}' });
  expect(task?.attempts).toMatchObject([{ attempt: 1, logs: [line("at 3")] }]);
  expect(told).toEqual([task?.reported]);
});

it("lists say what the running attempt says, as the task's own page does", async () => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.ledger.report([report(id, token, 1, 3)]);
  const { questions } = rig.ledger;
  const all = { from: "", to: "g" };
  const task = rig.ledger.get(id);
  expect(questions.list("active", 10)).toEqual([task]);
  expect(questions.find({ state: "STARTED" }, all, 10).tasks).toEqual([task]);
  expect(questions.members(all, all).page.tasks).toEqual([task]);
});

it("an older report, a repeated one and one of another attempt change nothing", async () => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.ledger.report([report(id, token, 2, 5)]);
  for (const late of [report(id, token, 1, 1), report(id, token, 2, 2), report(id, 99, 7, 7)]) {
    rig.ledger.report([late]);
    expect(rig.ledger.get(id)?.reported?.meta).toBe('{"current":5,"total":9}');
  }
  await rig.pass(31_000);
  rig.ledger.tick();
  const second = rig.claim();
  expect(second.tasks.map((task) => task.id)).toEqual([id]);
  rig.ledger.report([report(id, token, 9, 9)]);
  expect(rig.ledger.get(id)?.reported).toBeUndefined();
});

it("what was said is gone when the attempt has ended; its lines stay", async () => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.ledger.report([report(id, token, 1, 3)]);
  const logs = [line("all of it")];
  rig.claim(0, { settlements: [{ ...success(id, token), logs }] });
  rig.ledger.report([report(id, token, 2, 4)]);
  const task = rig.ledger.get(id);
  expect(task?.state).toBe("SUCCESS");
  expect(task?.reported).toBeUndefined();
  expect(task?.attempts).toMatchObject([{ logs }]);
});

it("the heartbeat after an eviction brings it back", async () => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.ledger.report([report(id, token, 1, 3)]);
  rig.ledger = rig.create();
  expect(rig.ledger.get(id)?.reported).toBeUndefined();
  rig.ledger.heartbeat(new Map([[token, [id]]]), [report(id, token, 1, 3)]);
  expect(rig.ledger.get(id)?.reported?.state).toBe("PROGRESS");
});

it.each(["a lost consumer", "a terminate"])("the lines reported last outlive %s", async (how) => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.ledger.report([report(id, token, 1, 3)]);
  if (how === "a terminate") {
    rig.ledger.revoke(id, true);
  } else {
    await rig.pass(31_000);
    rig.ledger.tick();
  }
  expect(rig.ledger.get(id)?.attempts).toMatchObject([{ logs: [line("at 3")] }]);
});

it("a plain task's attempt has no logs at all", async () => {
  const rig = new Rig();
  const { id, token } = await running(rig);
  rig.claim(0, { settlements: [success(id, token)] });
  const [attempt] = rig.ledger.get(id)?.attempts ?? [];
  expect(Object.keys(attempt ?? {})).not.toContain("logs");
});

it("of a task's attempts the newest keep their lines, within 32 KiB", async () => {
  const rig = new Rig();
  const { id, token: first } = await running(rig);
  const log = new AttemptLog();
  for (let n = 0; n < 100; n += 1) log.add({ at: 1, level: "info", message: "x".repeat(900) });
  const logs = log.lines() ?? [];
  const error = describeError(new Error("again"));
  const outcome = { kind: "retry", delayMs: 0, error } as const;
  let token = first;
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    rig.claim(0, { settlements: [{ id, token, outcome, runtimeMs: 1, logs }] });
    ({ token } = rig.claim());
  }
  const attempts = rig.ledger.get(id)?.attempts.filter(({ outcome: end }) => end === "retry") ?? [];
  expect(attempts).toHaveLength(8);
  const kept = attempts.map(({ logs: lines }) => lines !== undefined);
  expect(kept.slice(0, 4)).toEqual([false, false, false, false]);
  expect(kept.slice(-3)).toEqual([true, true, true]);
  const bytes = JSON.stringify(attempts.map((attempt) => attempt.logs ?? [])).length;
  expect(bytes).toBeLessThan(32 * 1_024 + 64);
});

it("the largest task there can be fits into a row of 2,000,000 bytes", async () => {
  const rig = new Rig();
  const wide = "\u20ac";
  const kwargs = JSON.stringify({ a: '"'.repeat(MAX_KWARGS_BYTES / 2 - 10) });
  const call: PlannedCall = {
    ...rig.spec({ kwargs: JSON.stringify({ a: '"'.repeat(MAX_LINKS_BYTES / 4) }) }),
    into: null,
  };
  const callback = { id: "c", plan: { nodes: [{ kind: "task", parent: -1, call }] } } as const;
  const url = { ...call, kwargs: JSON.stringify({ url: { $secret: "u".repeat(2_800) } }) };
  const told = { id: "t", host: "h", plan: { nodes: [{ ...callback.plan.nodes[0], call: url }] } };
  const links = { link: [callback], link_error: [callback], callback: told };
  const options = { unique_key: "k", ...links };
  const { id, token: first } = await running(rig, { kwargs, options });
  const log = new AttemptLog();
  for (let n = 0; n < 100; n += 1) log.add({ at: 1, level: "info", message: wide.repeat(900) });
  const logs = log.lines() ?? [];
  const error = {
    exc_type: wide.repeat(200),
    exc_message: wide.repeat(2_000),
    traceback: wide.repeat(4_000),
  };
  const outcome = { kind: "retry", delayMs: 0, error } as const;
  let token = first;
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    rig.claim(0, { settlements: [{ id, token, outcome, runtimeMs: 1, logs }] });
    ({ token } = rig.claim());
  }
  const result = JSON.stringify('"'.repeat(MAX_RESULT_BYTES / 2 - 10));
  rig.claim(0, { settlements: [{ ...success(id, token, result), logs }] });
  const rows = rig.sql.peek<{ tasks: string }>("SELECT tasks FROM finished WHERE tasks <> '[]'");
  expect(rows).toHaveLength(1);
  const bytes = Buffer.byteLength(rows[0]?.tasks ?? "");
  expect(bytes).toBeGreaterThan(1_400_000);
  expect(bytes).toBeLessThan(2_000_000);
});
