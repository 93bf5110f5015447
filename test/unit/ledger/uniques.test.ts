import { expect, it } from "vitest";
import { describeError, type Settlement, type TaskSpec, type UniqueRule } from "#engine";
import { Rig, success } from "./rig.ts";

const OPEN: UniqueRule = { key: "k", keep: "first", holdMs: 0, isHeldOpen: true, debounce: null };
const REPLACE: UniqueRule = { ...OPEN, keep: "replace" };

function unique(rig: Rig, rule: Partial<UniqueRule> = {}, over: Partial<TaskSpec> = {}): TaskSpec {
  const whole = { ...OPEN, ...rule };
  return rig.spec({ unique: whole, options: { unique_key: whole.key }, ...over });
}

async function submit(rig: Rig, spec: TaskSpec) {
  return (await rig.ledger.submit([spec]))[0];
}

function keys(rig: Rig): unknown[] {
  return rig.sql.peek("SELECT key, task_id, is_open FROM uniques ORDER BY key");
}

it("of two hundred like calls, in one submit and in many at once, one is a task", async () => {
  const rig = new Rig();
  const bulk = Array.from({ length: 100 }, () => unique(rig));
  const single = Array.from({ length: 100 }, () => unique(rig));
  const answers = [
    ...(await rig.ledger.submit(bulk)),
    ...(await Promise.all(single.map((spec) => submit(rig, spec)))),
  ];
  expect(answers[0]).toBe("accepted");
  const others = answers.slice(1);
  expect(others).toEqual(others.map(() => ({ mergedInto: bulk[0]?.id, how: "duplicate" })));
  expect(rig.claim(300).tasks.map(({ id }) => id)).toEqual([bulk[0]?.id]);
});

it("calls under other keys are tasks of their own", async () => {
  const rig = new Rig();
  const answers = await rig.ledger.submit([unique(rig), unique(rig, { key: "other" }), rig.spec()]);
  expect(answers).toEqual(["accepted", "accepted", "accepted"]);
});

const failure = (id: string, token: number): Settlement => ({
  id,
  token,
  outcome: { kind: "failure", error: describeError(new Error("no")) },
  runtimeMs: 1,
});

const ENDS: Record<string, (rig: Rig, id: string) => void | Promise<void>> = {
  success: (rig, id) => {
    rig.claim(0, { settlements: [success(id, rig.claim().token)] });
  },
  failure: (rig, id) => {
    rig.claim(0, { settlements: [failure(id, rig.claim().token)] });
  },
  "a revoke while it waits": (rig, id) => {
    rig.ledger.revoke(id, false);
  },
  "a terminate while it runs": (rig, id) => {
    rig.claim();
    rig.ledger.revoke(id, true);
  },
  "its expiry": async (rig) => {
    await rig.pass(60_000);
    rig.ledger.tick();
  },
  "the loss of its third consumer": async (rig) => {
    for (let losses = 0; losses < 4; losses += 1) {
      rig.claim();
      await rig.pass(31_000);
      rig.ledger.tick();
    }
  },
};

it.each(Object.entries(ENDS))("a key is free after %s, and not before", async (how, end) => {
  const rig = new Rig();
  const expiresAt = how === "its expiry" ? rig.now + 60_000 : null;
  const first = unique(rig, {}, { expiresAt });
  await rig.ledger.submit([first]);
  await rig.pass(1);
  expect(await submit(rig, unique(rig))).toEqual({ mergedInto: first.id, how: "duplicate" });
  await end(rig, first.id);
  expect(["SUCCESS", "FAILURE", "REVOKED"]).toContain(
    (rig.ledger.get(first.id) ?? rig.history.get(first.id))?.state,
  );
  expect(keys(rig)).toEqual([]);
  expect(await submit(rig, unique(rig))).toBe("accepted");
});

it("a retry keeps the key", async () => {
  const rig = new Rig();
  const first = unique(rig);
  await rig.ledger.submit([first]);
  const { token } = rig.claim();
  const error = describeError(new Error("again"));
  const outcome = { kind: "retry", delayMs: 60_000, error } as const;
  rig.claim(0, { settlements: [{ id: first.id, token, outcome, runtimeMs: 1 }] });
  expect(await submit(rig, unique(rig))).toMatchObject({ how: "duplicate" });
});

it("a key taken for a time outlives the task, is free to the millisecond, and leaves no row", async () => {
  const rig = new Rig();
  const rule = { holdMs: 60_000, isHeldOpen: false };
  const first = unique(rig, rule);
  await rig.ledger.submit([first]);
  await ENDS["success"]?.(rig, first.id);
  await rig.pass(59_999);
  expect(await submit(rig, unique(rig, rule))).toEqual({ mergedInto: first.id, how: "duplicate" });
  await rig.pass(1);
  const second = unique(rig, rule);
  expect(await submit(rig, second)).toBe("accepted");
  await rig.pass(60_000);
  rig.ledger.tick();
  expect(keys(rig)).toEqual([]);
  // That time being over, it is no matter that the second still waits.
  expect(await submit(rig, unique(rig, rule))).toBe("accepted");
});

it("a key that time and the task both keep is free when both are over", async () => {
  const rule = { holdMs: 10_000, isHeldOpen: true };
  for (const order of ["time first", "task first"]) {
    const rig = new Rig();
    const first = unique(rig, rule);
    await rig.ledger.submit([first]);
    if (order === "time first") await rig.pass(10_000);
    else await ENDS["success"]?.(rig, first.id);
    expect(await submit(rig, unique(rig, rule)), order).toMatchObject({ mergedInto: first.id });
    if (order === "time first") await ENDS["success"]?.(rig, first.id);
    else await rig.pass(10_000);
    expect(await submit(rig, unique(rig, rule)), order).toBe("accepted");
  }
});

it("replace gives the waiting task the new arguments, options, priority, queue and time", async () => {
  const rig = new Rig();
  const first = unique(rig, REPLACE, { kwargs: '{"n":1}' });
  const options = { unique_key: "k", max_retries: 7 };
  const over = { kwargs: '{"n":2}', priority: 5, queue: "emails", dueAt: rig.now + 9_000, options };
  await rig.ledger.submit([first]);
  const answer = await submit(rig, unique(rig, REPLACE, over));
  expect(answer).toEqual({ mergedInto: first.id, how: "replaced" });
  expect(rig.ledger.get(first.id)).toMatchObject({ state: "PENDING", ...over });
  expect(rig.claim().tasks).toEqual([]);
  await rig.pass(9_000);
  const [task] = rig.claim(5, { queue: "emails" }).tasks;
  expect(task).toMatchObject({ id: first.id, kwargs: '{"n":2}', attempt: 1 });
});

it.each(["runs", "runs and was revoked", "waits for a retry"])(
  "replace makes a task of its own when the other %s, and that one has the key then",
  async (state) => {
    const rig = new Rig();
    const first = unique(rig, REPLACE);
    await rig.ledger.submit([first]);
    const { token } = rig.claim();
    const outcome = {
      kind: "retry",
      delayMs: 60_000,
      error: describeError(new Error("again")),
    } as const;
    const retry = { id: first.id, token, outcome, runtimeMs: 1 };
    if (state === "runs and was revoked") rig.ledger.revoke(first.id, false);
    if (state === "waits for a retry") rig.claim(0, { settlements: [retry] });
    const second = unique(rig, REPLACE, { kwargs: '{"n":2}' });
    expect(await submit(rig, second)).toBe("accepted");
    const third = unique(rig, REPLACE, { kwargs: '{"n":3}' });
    expect(await submit(rig, third)).toEqual({ mergedInto: second.id, how: "replaced" });
    // The end of the first releases what is no longer its key: nothing.
    rig.ledger.revoke(first.id, true);
    expect(keys(rig)).toEqual([{ key: "k", task_id: second.id, is_open: 1 }]);
    expect(rig.ledger.get(first.id)?.kwargs).toBe("{}");
  },
);

it("a debounced task runs once, after the last call, with its arguments, and not past the maximum", async () => {
  const rig = new Rig();
  const rule = { ...REPLACE, debounce: { waitMs: 10_000, maxMs: 25_000 } };
  const start = rig.now;
  const call = (n: number) => unique(rig, rule, { kwargs: `{"n":${n}}`, dueAt: rig.now + 10_000 });
  const first = call(0);
  await rig.ledger.submit([first]);
  for (let n = 1; n <= 3; n += 1) {
    await rig.pass(6_000);
    expect(await submit(rig, call(n))).toEqual({ mergedInto: first.id, how: "replaced" });
    expect(rig.claim().tasks).toEqual([]);
  }
  // The last call was at 18 s: silence would be at 28 s, the maximum is at 25 s.
  expect(rig.ledger.get(first.id)?.dueAt).toBe(start + 25_000);
  await rig.pass(6_999);
  expect(rig.claim().tasks).toEqual([]);
  await rig.pass(1);
  expect(rig.claim().tasks).toMatchObject([{ id: first.id, kwargs: '{"n":3}' }]);
  expect(await submit(rig, call(4))).toBe("accepted");
});

it("a keyed call that was merged is known by its own id, and repeated it is the same duplicate", async () => {
  const rig = new Rig({
    history: {
      write: async (tasks) => {
        for (const task of tasks) rig.history.set(task.id, task);
      },
      fingerprints: async (ids) =>
        new Map(
          ids.flatMap((id) => {
            const task = rig.history.get(id);
            return task === undefined ? [] : [[id, task.fingerprint] as const];
          }),
        ),
    },
  });
  const first = unique(rig, REPLACE, { fingerprint: "a" });
  const second = unique(rig, REPLACE, { fingerprint: "b", kwargs: '{"n":2}' });
  expect(await submit(rig, first)).toBe("accepted");
  expect(await submit(rig, first)).toBe("exists");
  expect(await submit(rig, second)).toEqual({ mergedInto: first.id, how: "replaced" });
  const newest = unique(rig, REPLACE, { kwargs: '{"n":3}' });
  await rig.ledger.submit([newest]);
  for (const where of ["the ledger", "the history"]) {
    // A relay that comes again must not bring its old arguments back, nor be a task after the end.
    const again = await submit(rig, second);
    expect(again, where).toEqual({ mergedInto: first.id, how: "duplicate" });
    expect(await submit(rig, { ...second, fingerprint: "c" }), where).toBe("conflict");
    if (where === "the ledger") {
      expect(rig.ledger.get(first.id)?.kwargs).toBe('{"n":3}');
      await ENDS["success"]?.(rig, first.id);
      await rig.pass(1_000);
    }
  }
  expect(rig.history.get(second.id)).toMatchObject({
    state: "REVOKED",
    error: { exc_message: `one with ${first.id}` },
  });
  expect(rig.history.size).toBe(2);
});

it("what a failed transaction decided over a key never was", async () => {
  const rig = new Rig();
  const first = unique(rig);
  rig.ledger.stats();
  rig.sql.setHooks({
    around: (sql, run) => {
      if (sql === "COMMIT") throw new Error("the disk is full");
      return run();
    },
    committed: () => undefined,
  });
  await expect(rig.ledger.submit([first])).rejects.toThrow("the disk is full");
  rig.sql.setHooks({ around: (_sql, run) => run(), committed: () => undefined });
  expect(keys(rig)).toEqual([]);
  expect(await submit(rig, unique(rig))).toBe("accepted");
});

it("keys are known again after a restart", async () => {
  const rig = new Rig();
  const first = unique(rig);
  await rig.ledger.submit([first]);
  rig.ledger = rig.create();
  expect(await submit(rig, unique(rig))).toEqual({ mergedInto: first.id, how: "duplicate" });
});

it("a tick deletes a bounded number of keys whose time is over", async () => {
  const rig = new Rig();
  const rule = { holdMs: 1_000, isHeldOpen: false };
  await rig.ledger.submit(
    Array.from({ length: 1_500 }, (_, n) => unique(rig, { ...rule, key: `k${n}` })),
  );
  await rig.pass(1_000);
  rig.ledger.tick();
  expect(keys(rig)).toHaveLength(500);
  rig.ledger.tick();
  expect(keys(rig)).toHaveLength(0);
});

it("a plain task writes not one statement more", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec()]);
  const statements: string[] = [];
  rig.sql.setHooks({
    around: (sql, run) => {
      statements.push(sql);
      return run();
    },
    committed: () => undefined,
  });
  const task = rig.spec();
  await rig.ledger.submit([task]);
  const { token, tasks } = rig.claim();
  rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
  expect(
    statements.filter((sql) => /uniques|expir/.test(sql) && !/INSERT INTO tasks/.test(sql)),
  ).toEqual([expect.stringContaining("INTO leases")]);
});
