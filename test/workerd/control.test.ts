import { expect, it } from "vitest";
import { ended, get, post } from "./api.ts";

async function submit(over: Record<string, unknown> = {}): Promise<string> {
  const call = { name: "process_data", kwargs: { data: "x" }, ...over };
  const answer = await post("/api/tasks/", call);
  expect(answer.status).toBe(202);
  return (await answer.json<{ task_id: string }>()).task_id;
}

async function view(id: string) {
  return (await get(`/api/tasks/${id}/`)).json<{ state: string; waiting: unknown }>();
}

async function control(command: string, body: unknown) {
  const answer = await post(`/api/control/${command}/`, body);
  return { status: answer.status, ...(await answer.json<Record<string, unknown>>()) };
}

async function queue(name: string) {
  const { queues } = await (
    await get("/api/queues/")
  ).json<{
    queues: { name: string; waiting: number; scheduled: number; is_cancelled: boolean }[];
  }>();
  return queues.find((one) => one.name === name);
}

it("a queue that is not consumed keeps its tasks, says so, and goes on when it is again", async () => {
  await control("cancel_consumer", { queue: "default" });
  const id = await submit();
  expect(await view(id)).toMatchObject({
    state: "PENDING",
    waiting: { reason: "paused", queue: "default" },
  });
  expect(await (await get(`/api/tasks/${id}/?wait=0.2`)).json()).toMatchObject({
    waiting: { reason: "paused", queue: "default" },
  });
  expect(await queue("default")).toMatchObject({ waiting: 1, is_cancelled: true });
  // Other queues go on.
  expect((await ended(await submit({ queue: "high-priority" }))).state).toBe("SUCCESS");
  expect(await control("add_consumer", { queue: "default" })).toMatchObject({
    ok: "add consumer default",
  });
  expect((await ended(id)).state).toBe("SUCCESS");
});

it("shutdown stops everything, start goes on", async () => {
  await control("shutdown", {});
  const id = await submit({ queue: "high-priority" });
  expect(await view(id)).toMatchObject({ waiting: { reason: "shutdown" } });
  await control("start", {});
  expect((await ended(id)).state).toBe("SUCCESS");
});

it("a purge says how many it took, and leaves other queues alone", async () => {
  await control("cancel_consumer", { queue: "emails" });
  const ids = await Promise.all(Array.from({ length: 25 }, () => submit({ queue: "emails" })));
  const later = await submit({ queue: "payments", countdown: 3_600 });
  expect(await control("purge", { queue: "emails" })).toMatchObject({ status: 200, ok: 25 });
  for (const id of ids) expect(await ended(id)).toMatchObject({ state: "REVOKED" });
  expect(await view(later)).toMatchObject({ state: "PENDING", waiting: { reason: "eta" } });
  expect(await control("purge", { queue: "emails" })).toMatchObject({ ok: 0 });
  await control("add_consumer", { queue: "emails" });
});

it("a filter revokes what fits and nothing else, and what was revoked never runs (G17)", async () => {
  const scheduled = await Promise.all(
    Array.from({ length: 10 }, () => submit({ queue: "payments", countdown: 1 })),
  );
  const other = await submit({ countdown: 1 });
  expect(await control("revoke", { name: "process_data", queue: "payments" })).toMatchObject({
    // The one of the test before waits there too.
    revoked: 11,
    marked: 0,
  });
  for (const id of scheduled) {
    expect(await ended(id)).toMatchObject({ state: "REVOKED", attempts: [] });
  }
  expect((await ended(other)).state).toBe("SUCCESS");
  const [id] = scheduled;
  expect(await control("revoke", { ids: [id, "nonsense"] })).toMatchObject({
    revoked: 1,
    unknown: ["nonsense"],
  });
});

it("a rate limit that is set while it runs holds, is told to who waits, and can be taken back", async () => {
  await control("rate_limit", { task: "process_data", rate_limit: "100/h" });
  const ids = await Promise.all(Array.from({ length: 6 }, () => submit()));
  // One may start at once; the others wait for their turn.
  await expect
    .poll(async () => {
      const states = await Promise.all(ids.map(async (id) => (await view(id)).state));
      return states.filter((state) => state === "SUCCESS").length;
    })
    .toBe(1);
  const states = await Promise.all(ids.map(view));
  const waiting = states.filter(({ state }) => state === "PENDING");
  expect(waiting).toHaveLength(5);
  for (const task of waiting) expect(task.waiting).toMatchObject({ reason: "rate_limit" });
  const { tasks } = await (
    await get("/api/inspect/registered/")
  ).json<{ tasks: { name: string; rate_limit: string | null }[] }>();
  expect(tasks.find(({ name }) => name === "process_data")?.rate_limit).toBe("100/h");
  await control("rate_limit", { task: "process_data", rate_limit: null });
  for (const id of ids) expect((await ended(id)).state).toBe("SUCCESS");
});

it.each([
  [2, "2"],
  [0.5, "0.5"],
  [0, null],
])("a rate may be a number: %d a second", async (rate, told) => {
  await control("rate_limit", { task: "process_data", rate_limit: rate });
  const { tasks } = await (
    await get("/api/inspect/registered/")
  ).json<{ tasks: { name: string; rate_limit: string | null }[] }>();
  expect(tasks.find(({ name }) => name === "process_data")?.rate_limit).toBe(told);
  await control("rate_limit", { task: "process_data", rate_limit: null });
});

it("inspect says what runs, what waits and what is scheduled", async () => {
  const id = await submit({ countdown: 600 });
  const { tasks } = await (
    await get("/api/inspect/scheduled/?limit=5")
  ).json<{ tasks: { task_id: string }[] }>();
  expect(tasks.map((task) => task.task_id)).toContain(id);
  expect(await (await get(`/api/inspect/query_task/?id=${id}`)).json()).toMatchObject({
    [id]: ["PENDING", { task_id: id }],
  });
  for (const what of ["active", "reserved", "revoked", "stats", "conf"]) {
    expect((await get(`/api/inspect/${what}/`)).status).toBe(200);
  }
  await control("revoke", { ids: [id] });
});

/** More than a statement takes. */
const MANY_LABELS = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`label${n}`, "x"]));

it.each([
  ["rate_limit", { task: "nobody", rate_limit: "1/s" }, "task"],
  ["rate_limit", { task: "process_data", rate_limit: "fast" }, "rate_limit"],
  ["rate_limit", { task: "process_data", rate_limit: "99999/s" }, "rate_limit"],
  ["rate_limit", { task: "process_data", rate_limit: -1 }, "rate_limit"],
  ["rate_limit", { task: "process_data" }, "rate_limit"],
  ["time_limit", { task: "process_data", soft: 20, hard: 10 }, "soft"],
  ["time_limit", { task: "process_data", hard: 9_999 }, "hard"],
  ["time_limit", { task: "process_data", hard: 0 }, "hard"],
  ["purge", { queue: "nope" }, "queue"],
  ["cancel_consumer", { queue: "nope" }, "queue"],
  ["revoke", {}, "ids"],
  ["revoke", { ids: ["a"], name: "process_data" }, "ids"],
  ["revoke", { labels: { "bad label": "x" } }, "labels.bad label"],
  ["revoke", { labels: {} }, "labels"],
  ["revoke", { labels: MANY_LABELS }, "labels"],
  ["shutdown", { now: true }, "now"],
])("bad input to %s: %j names the field", async (command, body, field) => {
  expect(await control(command, body)).toMatchObject({ status: 422, errors: [{ field }] });
});

it("errbacks are called once when their task fails for good, with its id", async () => {
  const answer = await post("/api/tasks/", {
    name: "process_payment",
    kwargs: { order_id: "there-is-no-such-order" },
    link_error: [{ task: "process_data" }],
  });
  const { task_id: id } = await answer.json<{ task_id: string }>();
  const failed = await ended(id);
  expect(failed.state).toBe("FAILURE");
  const { options } = failed as unknown as { options: { link_error: { task_id: string }[] } };
  const errback = options.link_error[0]?.task_id ?? "";
  expect(await ended(errback)).toMatchObject({
    state: "SUCCESS",
    result: { processed_data: id.toUpperCase() },
  });
});
