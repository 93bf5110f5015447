import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { ask, ended, get, post } from "./api.ts";

interface ScheduleAnswer {
  readonly name: string;
  readonly enabled: boolean;
  readonly in_words: string;
  readonly next_run_at: string | null;
  readonly total_run_count: number;
  readonly [field: string]: unknown;
}

const call = { task: "process_data", kwargs: { data: "scheduled" } };

async function create(name: string, over: Record<string, unknown>): Promise<ScheduleAnswer> {
  const answer = await post("/api/schedules/", { name, ...call, ...over });
  const json = await answer.json<ScheduleAnswer>();
  expect(answer.status, JSON.stringify(json)).toBe(201);
  return json;
}

async function request(method: string, path: string, body?: unknown) {
  const answer = await ask(`http://lovage${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: (text === "" ? null : JSON.parse(text)) as ScheduleAnswer };
}

async function runsOf(name: string) {
  const { runs } = await (
    await get(`/api/schedules/${name}/runs/`)
  ).json<{
    runs: { slot: string; kind: string; task_id: string; state: string; drift_ms: number }[];
  }>();
  return runs;
}

it("an interval fires by the object's alarm, each slot once, and its runs are told", async () => {
  const made = await create("ticker", {
    interval: { every: 1, period: "seconds" },
    queue: "emails",
  });
  expect(made).toMatchObject({ in_words: "Every second", enabled: true, total_run_count: 0 });
  const runs = await vi.waitUntil(
    async () => {
      const seen = await runsOf("ticker");
      return seen.length >= 3 && seen;
    },
    { timeout: 30_000, interval: 100 },
  );
  expect(new Set(runs.map(({ slot }) => slot)).size).toBe(runs.length);
  const task = await (await get(`/api/tasks/${runs[0]?.task_id}/?wait=10`)).json();
  expect(task).toMatchObject({
    state: "SUCCESS",
    queue: "emails",
    result: { processed_data: "SCHEDULED" },
    options: { labels: { periodic_task_name: "ticker" } },
  });
  // The cron trigger, called by hand and twice at once, fires nothing that was fired.
  await Promise.all([env.BEAT.getByName("beat").tick(), env.BEAT.getByName("beat").tick()]);
  const { json: off } = await request("POST", "/api/schedules/ticker/disable/", {});
  expect(off).toMatchObject({ enabled: false, next_run_at: null });
  const after = await runsOf("ticker");
  expect(new Set(after.map(({ task_id: id }) => id)).size).toBe(after.length);
  expect(after.length).toBe(off.total_run_count);
});

it("a schedule is read, changed, run by hand, backfilled and removed", async () => {
  const made = await create("report", {
    crontab: { minute: "0", hour: "8", day_of_week: "mon-fri", timezone: "Europe/Paris" },
    description: "For the morning",
    headers: { team: "ops" },
    missed: { all: 3 },
    overlap: "skip",
  });
  expect(made).toMatchObject({
    in_words: "At 08:00, Monday through Friday, Europe/Paris",
    missed: { all: 3 },
    overlap: "skip",
    origin: "admin",
  });
  const { json: changed } = await request("PATCH", "/api/schedules/report/", {
    crontab: { minute: 30, hour: "9", timezone: "Asia/Kolkata" },
    priority: 7,
  });
  expect(changed).toMatchObject({
    in_words: "At 09:30, Asia/Kolkata",
    priority: 7,
    description: "For the morning",
    missed: { all: 3 },
  });
  expect(changed.next_run_at).toMatch(/T04:00:00/);
  const { next } = await (
    await get("/api/schedules/report/next/?count=2")
  ).json<{
    next: { at: string; local: string }[];
  }>();
  expect(next[1]?.local).toContain("09:30:00");
  const headers = { "Idempotency-Key": "once" };
  const run = async () =>
    (await post("/api/schedules/report/run/", {}, headers)).json<{ task_id: string }>();
  const first = await run();
  const again = await run();
  expect(again.task_id).toBe(first.task_id);
  expect(await ended(first.task_id)).toMatchObject({ state: "SUCCESS" });
  const window = { from: "2026-01-01T00:00:00Z", until: "2026-01-03T23:00:00Z" };
  for (const count of [3, 0]) {
    const { runs } = await (
      await post("/api/schedules/report/backfill/", window)
    ).json<{
      runs: unknown[];
    }>();
    expect(runs).toHaveLength(count);
  }
  const runs = await runsOf("report");
  expect(runs.filter(({ kind }) => kind === "backfill")).toHaveLength(3);
  const list = await (
    await get("/api/schedules/?limit=1")
  ).json<{
    schedules: ScheduleAnswer[];
    next_cursor: string;
  }>();
  // The first by name may be one that the shop declares.
  expect([list.schedules.length, list.next_cursor]).toEqual([1, list.schedules[0]?.name]);
  expect((await request("DELETE", "/api/schedules/report/")).status).toBe(204);
  expect((await request("GET", "/api/schedules/report/")).status).toBe(404);
});

const crontab = (over: Record<string, unknown>) => ({ crontab: { timezone: "UTC", ...over } });

it.each<[string, Record<string, unknown>, string, string]>([
  [
    "a day that there is not",
    crontab({ day_of_week: "9" }),
    "crontab.day_of_week",
    "9 is out of range 0–7",
  ],
  [
    "a date that never comes",
    crontab({ day_of_month: "31", month_of_year: "4" }),
    "crontab.day_of_month",
    "none of the months",
  ],
  [
    "a zone that there is not",
    crontab({ timezone: "Mars/Olympus" }),
    "crontab.timezone",
    "no such time zone",
  ],
  ["no timing", {}, "crontab", "Give one of"],
  [
    "two timings",
    { ...crontab({}), interval: { every: 1, period: "days" } },
    "interval",
    "one timing",
  ],
  ["an interval of nothing", { interval: { every: 0, period: "days" } }, "interval.every", ">=1"],
  [
    "a period that there is not",
    { interval: { every: 1, period: "weeks" } },
    "interval.period",
    "expected one of",
  ],
  [
    "a place off the earth",
    { solar: { event: "sunset", latitude: 91, longitude: 0 } },
    "solar.latitude",
    "<=90",
  ],
  ["a task that nobody knows", { ...crontab({}), task: "nobody" }, "task", "No task is registered"],
  [
    "an argument that doesn't fit",
    { ...crontab({}), kwargs: { data: 1 } },
    "kwargs.data",
    "expected string",
  ],
  ["a queue that there is not", { ...crontab({}), queue: "nope" }, "queue", "none of"],
  [
    "a clocked one that runs for ever",
    { clocked: { at: "2030-01-01T00:00:00Z" }, one_off: false },
    "one_off",
    "runs once",
  ],
  [
    "an end before the start",
    { ...crontab({}), start_time: "2030-01-01T00:00:00Z", expires: "2029-01-01T00:00:00Z" },
    "expires",
    "after start_time",
  ],
  ["an end that is past", { ...crontab({}), expires: "2020-01-01T00:00:00Z" }, "expires", "future"],
  [
    "a time that is past",
    { clocked: { at: "2020-01-01T00:00:00Z" } },
    "clocked.at",
    "Must be in the future",
  ],
  [
    "more headers than a task has labels",
    {
      ...crontab({}),
      headers: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`h${n}`, "x"])),
    },
    "labels",
    "at most 10",
  ],
  [
    "a time of the year 10000 in Greenwich",
    { ...crontab({}), start_time: "9999-12-31T23:59:59-14:00" },
    "start_time",
    "up to the year 9999",
  ],
  ["a hundred thousand years", { ...crontab({}), expire_seconds: 1e14 }, "expire_seconds", "<="],
  ["a field that there is not", { ...crontab({}), every: 5 }, "every", "no such field"],
])("%s is refused", async (_what, over, field, message) => {
  const answer = await post("/api/schedules/", { name: "refused", ...call, ...over });
  const { errors } = await answer.json<{ errors: { field: string; message: string }[] }>();
  expect(answer.status).toBe(422);
  expect(errors[0]?.field).toBe(field);
  expect(errors[0]?.message).toContain(message);
  expect((await get("/api/schedules/refused/")).status).toBe(404);
});

it("a name is taken once", async () => {
  await create("twice", crontab({}));
  expect((await post("/api/schedules/", { name: "twice", ...call, ...crontab({}) })).status).toBe(
    409,
  );
});

it("a name is what it is in the address, whatever it looks like", async () => {
  for (const name of ["100%", "%41", "A", "ä b?c"]) await create(name, crontab({}));
  const address = (name: string) => `/api/schedules/${encodeURIComponent(name)}/`;
  expect((await request("DELETE", address("%41"))).status).toBe(204);
  expect((await request("GET", address("A"))).json).toMatchObject({ name: "A" });
  for (const name of ["100%", "ä b?c"]) {
    expect((await request("POST", `${address(name)}disable/`, {})).json).toMatchObject({
      name,
      enabled: false,
    });
  }
  const dots = await post("/api/schedules/", { name: "..", ...call, ...crontab({}) });
  expect(dots.status).toBe(422);
});

it("changes that are made at once are all made", async () => {
  await create("busy", crontab({}));
  const changes = [{ description: "new" }, { enabled: false }, { priority: 3 }];
  const answers = await Promise.all(
    changes.map((change) => request("PATCH", "/api/schedules/busy/", change)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await request("GET", "/api/schedules/busy/")).json).toMatchObject({
    description: "new",
    enabled: false,
    priority: 3,
  });
});

it.each([
  ["eta", { eta: "x" }],
  ["link", { link: "abc" }],
  ["key", { key: {} }],
])(
  "a canvas whose member has a wrong %s is refused when its schedule is written",
  async (_what, options) => {
    const tasks = [{ ...call, options }];
    const interval = { every: 1, period: "hours" };
    const body = { name: "wrong member", interval, task: "celery.chain", kwargs: { tasks } };
    const { status, json } = await request("POST", "/api/schedules/", body);
    expect(json["errors"]).toEqual([
      expect.objectContaining({ field: expect.stringMatching(/tasks\.0\./) as string }),
    ]);
    expect(status).toBe(422);
    expect(await get("/api/schedules/wrong%20member/").then((answer) => answer.status)).toBe(404);
  },
);

it("a canvas in Celery's words is kept as it is understood", async () => {
  const failed = {
    ...{ task: "process_data", args: [], kwargs: { data: "failed" }, options: {} },
    immutable: true,
  };
  const tasks = [{ ...call, args: [], options: { link_error: [failed] } }];
  const made = await create("in Celery's words", {
    ...{ interval: { every: 1, period: "hours" }, task: "celery.chain", kwargs: { tasks } },
  });
  expect(made["kwargs"]).toMatchObject({
    tasks: [{ task: "process_data", options: { linkError: [{ task: "process_data" }] } }],
  });
});
