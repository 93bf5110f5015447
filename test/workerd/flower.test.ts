import { exports } from "cloudflare:workers";
import { afterEach, beforeAll, expect, it } from "vitest";
import { ended, get, post } from "./api.ts";
import { keyFor, request } from "./credentials.ts";

const WORKER = "lovage@lovage";

/** As Flower's documentation does it: `curl -X POST -d … http://…`. */
function curl(path: string, data = "", headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(`http://lovage${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
    body: data,
  });
}

async function sent(path: string, body: unknown): Promise<{ "task-id": string; state: string }> {
  const answer = await curl(path, JSON.stringify(body));
  expect(answer.status).toBe(200);
  return answer.json();
}

async function json(path: string): Promise<Record<string, unknown>> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  return answer.json();
}

async function refusal(answer: Response) {
  return { status: answer.status, text: await answer.text() };
}

const unknown = "01a1fef6-fd6e-8000-bf02-a06dfa01e364";
const marker = `m${crypto.randomUUID().slice(0, 8)}`;
let done = "";
let failed = "";
let waiting = "";

beforeAll(async () => {
  const data = { kwargs: { data: marker } };
  waiting = (await sent("/api/task/async-apply/process_data", { ...data, countdown: 900 }))[
    "task-id"
  ];
  done = (await sent("/api/task/async-apply/process_data", data))["task-id"];
  await ended(done);
  // One after the other: which of two starts first nobody says.
  failed = (await sent("/api/task/async-apply/process_payment", { args: [marker] }))["task-id"];
  await ended(failed);
});

afterEach(async () => {
  await post("/api/control/start/", {});
});

const KEYS = [
  "uuid name state received sent started rejected succeeded failed retried revoked args kwargs eta expires retries",
  "worker",
  "result exception timestamp runtime traceback exchange routing_key clock client root root_id parent parent_id children",
].map((keys) => keys.split(" "));

it("a task has Flower's keys in Flower's order, and values of Flower's types", async () => {
  const task = await json(`/api/task/info/${done}`);
  expect(Object.keys(task)).toEqual(KEYS.flat());
  expect(task).toMatchObject({
    uuid: done,
    name: "process_data",
    state: "SUCCESS",
    received: expect.any(Number),
    sent: expect.any(Number),
    started: expect.any(Number),
    succeeded: expect.any(Number),
    failed: null,
    args: "[]",
    kwargs: `{"data":"${marker}"}`,
    eta: null,
    retries: 0,
    worker: WORKER,
    result: `{"processed_data":"${marker.toUpperCase()}"}`,
    exception: null,
    runtime: expect.any(Number),
    traceback: null,
    routing_key: "default",
    root: done,
    root_id: done,
    parent: null,
    children: [],
  });
  expect(task["received"]).toBeLessThan(Date.now() / 1_000 + 5);
  expect(task["received"]).toBeGreaterThan(Date.now() / 1_000 - 600);
});

it("a task that failed says so as Python would", async () => {
  const task = await json(`/api/task/info/${failed}`);
  expect(task).toMatchObject({
    state: "FAILURE",
    failed: expect.any(Number),
    succeeded: null,
    result: null,
    exception: expect.stringMatching(/^OrderNotFoundError\(['"].*['"]\)$/),
    traceback: expect.stringContaining("OrderNotFoundError"),
    runtime: null,
  });
});

it("a task that waits has its eta", async () => {
  const task = await json(`/api/task/info/${waiting}`);
  expect(task).toMatchObject({ state: "PENDING", started: null, eta: expect.stringMatching(/Z$/) });
});

it("the list has every task under its id, the newest first, `worker` last", async () => {
  const tasks = await json(`/api/tasks?search=${marker}`);
  expect(Object.keys(tasks)).toEqual([failed, done, waiting]);
  const [before = [], worker = [], after = []] = KEYS;
  expect(Object.keys(tasks[done] as object)).toEqual([...before, ...after, ...worker]);
});

it.each<[string, () => string[]]>([
  ["limit=2", () => [failed, done]],
  ["limit=2&offset=1", () => [done, waiting]],
  ["limit=0", () => []],
  ["offset=-5&limit=1", () => [failed]],
  ["sort_by=received", () => [waiting, done, failed]],
  ["sort_by=-received", () => [failed, done, waiting]],
  ["sort_by=name&limit=1", () => [waiting]],
  ["sort_by=-name&limit=1", () => [failed]],
  ["sort_by=-started&limit=1", () => [failed]],
  ["sort_by=started&limit=1", () => [waiting]],
  ["sort_by=state&limit=1", () => [failed]],
  ["workername=lovage@lovage", () => [failed, done, waiting]],
  ["workername=All", () => [failed, done, waiting]],
  ["workername=celery@other", () => []],
  ["taskname=process_payment", () => [failed]],
  ["taskname=All", () => [failed, done, waiting]],
  ["taskname=process_*", () => []],
  ["state=SUCCESS", () => [done]],
  ["state=All", () => [failed, done, waiting]],
  ["state=RECEIVED", () => [waiting]],
  ["state=NONSENSE", () => []],
  ["received_start=2026-01-01 00:00", () => [failed, done, waiting]],
  ["received_start=2100-01-01 00:00", () => []],
  ["received_end=2026-01-01 00:00", () => []],
  ["received_start=&state=&limit=", () => [failed, done, waiting]],
  ["nonsense=1", () => [failed, done, waiting]],
])("the list takes %s", async (query, ids) => {
  const tasks = await json(`/api/tasks?search=${marker}&${query}`);
  expect(Object.keys(tasks)).toEqual(ids());
});

it.each<[string, () => string[]]>([
  [`${marker} name:payment`, () => [failed]],
  [`kwargs:data=${marker} OR args:nothing`, () => [done, waiting]],
  [`${marker} (state:failure OR state:pending)`, () => [failed, waiting]],
  [`result:${marker}`, () => [done]],
  [`worker:lovage ${marker}`, () => [failed, done, waiting]],
  [`worker:celery ${marker}`, () => []],
  [`"${marker}" AND state:SUCCESS`, () => [done]],
])("the list searches for %s", async (search, ids) => {
  const tasks = await json(`/api/tasks?search=${encodeURIComponent(search)}`);
  expect(Object.keys(tasks)).toEqual(ids());
});

it.each([
  "limit=x",
  "limit=1001",
  "offset=x",
  "offset=9500&limit=1000",
  "sort_by=bogus",
  "sort_by=--name",
  "received_start=yesterday",
  "received_end=2026-02-30 00:00",
])("the list refuses %s", async (query) => {
  expect((await get(`/api/tasks?${query}`)).status).toBe(400);
});

it("a search that can't be read is a 400 in Flower's form", async () => {
  const answer = await get("/api/tasks?search=ab");
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({
    error: "Substring search terms must contain at least 3 characters at position 0.",
  });
});

it("the types are the names of all tasks", async () => {
  const { "task-types": types } = await json("/api/task/types");
  expect(types).toEqual(expect.arrayContaining(["process_data", "process_payment"]));
});

it("apply waits for the result; a failure is one too", async () => {
  const answer = await curl("/api/task/apply/process_data", '{"args":["hello"]}');
  const text = await answer.text();
  expect(answer.headers.get("Content-Type")).toBe("application/json");
  expect(text).toMatch(
    /^\{"task-id":"[0-9a-f-]{36}","result":\{"processed_data":"HELLO"\},"state":"SUCCESS"\}$/,
  );
  const bad = await curl("/api/task/apply/process_payment", '{"args":["none"]}');
  expect(bad.status).toBe(200);
  const body = await bad.json<Record<string, unknown>>();
  expect(Object.keys(body)).toEqual(["task-id", "result", "traceback", "state"]);
  expect(body).toMatchObject({
    result: expect.stringMatching(/^OrderNotFoundError\(/),
    state: "FAILURE",
  });
});

it("calls take the options of apply_async, and dates as Flower writes them", async () => {
  const options = {
    kwargs: { data: "x" },
    eta: "2030-01-02 03:04:05.678900",
    expires: "2031-01-02 03:04:05.000000",
    queue: "high-priority",
    priority: 5,
    serializer: "json",
    retry: false,
  };
  const { "task-id": id, state } = await sent("/api/task/send-task/process_data", options);
  expect(state).toBe("PENDING");
  expect(await json(`/api/task/info/${id}`)).toMatchObject({
    eta: "2030-01-02T03:04:05.678Z",
    expires: "2031-01-02T03:04:05.000Z",
    routing_key: "high-priority",
  });
  await curl(`/api/task/revoke/${id}`);
});

it.each(["apply", "async-apply", "send-task"])("%s refuses what can't be called", async (kind) => {
  const path = `/api/task/${kind}/process_data`;
  expect(await refusal(await curl(`/api/task/${kind}/nothing`, "{}"))).toEqual({
    status: 404,
    text: "",
  });
  for (const body of [
    "not json",
    "[]",
    '{"args":{}}',
    '{"kwargs":[]}',
    '{"args":["x","y","z"]}',
    '{"kwargs":{"data":5}}',
    '{"args":["x"],"eta":"tomorrow"}',
    '{"args":["x"],"eta":"2026-11-21 10:00"}',
    '{"args":["x"],"countdown":"soon"}',
    '{"args":["x"],"expires":"later"}',
    '{"args":["x"],"queue":"nowhere"}',
    '{"args":["x"],"routing_key":"q"}',
  ]) {
    const answer = await curl(path, body);
    expect([body, await refusal(answer)]).toEqual([body, { status: 400, text: "" }]);
    expect(answer.headers.get("Content-Type")).toContain("text/html");
  }
});

it("a call with an Idempotency-Key is one task", async () => {
  const once = () =>
    curl("/api/task/async-apply/process_data", '{"args":["x"]}', { "Idempotency-Key": marker });
  const [first, second] = await Promise.all([(await once()).json(), (await once()).json()]);
  expect(second).toEqual(first);
});

it("a result is there at once, when it is waited for, or not yet; of nobody's task it is a 404", async () => {
  expect(await (await get(`/api/task/result/${done}`)).text()).toBe(
    `{"task-id":"${done}","state":"SUCCESS","result":{"processed_data":"${marker.toUpperCase()}"}}`,
  );
  expect(Object.keys(await json(`/api/task/result/${failed}?timeout=5`))).toEqual([
    "task-id",
    "state",
    "result",
    "traceback",
  ]);
  // Its time runs out: no error.
  expect(await json(`/api/task/result/${waiting}?timeout=0.2`)).toEqual({
    "task-id": waiting,
    state: "PENDING",
  });
  const { "task-id": id } = await sent("/api/task/async-apply/process_data", { args: ["late"] });
  expect(await json(`/api/task/result/${id}?timeout=20`)).toMatchObject({ state: "SUCCESS" });
  expect(await refusal(await get(`/api/task/result/${unknown}`))).toEqual({
    status: 404,
    text: "",
  });
  expect((await get("/api/task/result/no-id")).status).toBe(404);
  expect((await get(`/api/task/result/${done}?timeout=soon`)).status).toBe(400);
  expect((await get(`/api/task/result/${done}?timeout=-1`)).status).toBe(400);
  expect(await refusal(await get(`/api/task/info/${unknown}`))).toEqual({ status: 404, text: "" });
});

it("a task is revoked, or aborted, and says it was; an unknown one is a 404", async () => {
  const later = { args: ["x"], countdown: 900 };
  const { "task-id": revoked } = await sent("/api/task/async-apply/process_data", later);
  const { "task-id": aborted } = await sent("/api/task/async-apply/process_data", later);
  const path = `/api/task/revoke/${revoked}?terminate=true&signal=SIGKILL`;
  expect(await (await curl(path)).json()).toEqual({ message: `Revoked '${revoked}'` });
  expect(await (await curl(`/api/task/abort/${aborted}`)).json()).toEqual({
    message: `Aborted '${aborted}'`,
  });
  for (const id of [revoked, aborted]) {
    expect(await json(`/api/task/info/${id}`)).toMatchObject({
      state: "REVOKED",
      revoked: expect.any(Number),
    });
    expect(await json(`/api/task/result/${id}`)).toEqual({
      "task-id": id,
      state: "REVOKED",
      result: "TaskRevokedError('revoked')",
    });
  }
  // What has ended stays as it is.
  expect((await curl(`/api/task/revoke/${done}`)).status).toBe(200);
  expect(await json(`/api/task/info/${done}`)).toMatchObject({ state: "SUCCESS" });
  expect((await curl(`/api/task/revoke/${unknown}`)).status).toBe(404);
  expect((await curl(`/api/task/abort/${unknown}`)).status).toBe(404);
  expect((await curl(`/api/task/revoke/${waiting}`, "terminate=maybe")).status).toBe(400);
  // `false` is false: it is revoked, not terminated.
  expect((await curl(`/api/task/revoke/${revoked}?terminate=false`)).status).toBe(200);
});

it("one worker stands for all consumers, with what scripts read of workers", async () => {
  const workers = await json("/api/workers?refresh=1");
  expect(Object.keys(workers)).toEqual([WORKER]);
  const worker = workers[WORKER] as Record<string, unknown>;
  expect(Object.keys(worker)).toEqual(
    "stats active_queues registered scheduled active reserved revoked conf timestamp".split(" "),
  );
  expect(worker).toMatchObject({
    stats: { total: { process_data: expect.any(Number), process_payment: expect.any(Number) } },
    registered: expect.arrayContaining(["process_data"]),
    active_queues: expect.arrayContaining([
      expect.objectContaining({ name: "default", routing_key: "default" }),
    ]),
    scheduled: expect.arrayContaining([
      {
        eta: expect.any(String),
        priority: 0,
        request: expect.objectContaining({ id: waiting, kwargs: { data: marker } }),
      },
    ]),
  });
  expect(await json("/api/workers?status=1")).toEqual({ [WORKER]: true });
  expect(Object.keys(await json(`/api/workers?workername=${WORKER}`))).toEqual([WORKER]);
  expect(await refusal(await get("/api/workers?workername=x"))).toEqual({
    status: 404,
    text: "Unknown worker 'x'",
  });
});

it("queues are as long as what waits in them, what is not due yet included", async () => {
  const { active_queues: queues } = (await json("/api/queues/length")) as {
    active_queues: { name: string; messages: number }[];
  };
  const messages = queues.find(({ name }) => name === "default")?.messages;
  expect(messages).toBeGreaterThanOrEqual(1);
  expect(Object.keys(queues[0] ?? {})).toEqual(["name", "messages"]);
});

it.each([
  ["emails", "emails"],
  ["high_priority", "high-priority"],
])(
  "every worker's consumers of %s are cancelled and added as scripts do it",
  async (said, real) => {
    for (const name of Object.keys(await json("/api/workers"))) {
      const cancelled = await curl(`/api/worker/queue/cancel-consumer/${name}?queue=${said}`);
      expect(await cancelled.json()).toEqual({ message: `no longer consuming from ${said}` });
      const { active_queues: queues } = (await json("/api/workers"))[name] as {
        active_queues: { name: string }[];
      };
      expect(queues.map((queue) => queue.name)).not.toContain(real);
      const added = await curl(`/api/worker/queue/add-consumer/${name}`, `queue=${said}`);
      expect(await added.json()).toEqual({ message: `add consumer ${said}` });
    }
  },
);

it("shutdown stops what is consumed", async () => {
  const answer = await curl(`/api/worker/shutdown/${WORKER}`);
  expect(await answer.json()).toEqual({ message: "Shutting down!" });
  expect(await json("/api/workers?status=true")).toEqual({ [WORKER]: false });
});

const REASON = "there is no pool: the platform starts as many consumers as there is work for";

it.each([
  ["worker/pool/restart/W", 403, `Failed to restart the 'W' pool: ${REASON}`],
  ["worker/pool/grow/W?n=3", 403, `Failed to grow 'W' worker's pool: ${REASON}`],
  ["worker/pool/shrink/W", 403, `Failed to shrink 'W' worker's pool: ${REASON}`],
  ["worker/pool/autoscale/W?min=1&max=2", 403, `Failed to autoscale 'W' worker: ${REASON}`],
  ["worker/pool/grow/W?n=x", 400, "Invalid argument n"],
  ["worker/pool/autoscale/W?min=1", 400, "Missing argument max"],
  ["worker/pool/grow/other", 404, "Unknown worker 'other'"],
  ["worker/shutdown/other", 404, "Unknown worker 'other'"],
  ["worker/queue/add-consumer/W", 400, "Missing argument queue"],
  ["worker/queue/add-consumer/other?queue=emails", 404, "Unknown worker 'other'"],
  [
    "worker/queue/cancel-consumer/W?queue=x",
    403,
    "Failed to cancel 'x' consumer from 'W' worker: 'x' is none of",
  ],
  [
    "worker/queue/add-consumer/W?queue=x",
    403,
    "Failed to add 'x' consumer to 'W' worker: 'x' is none of",
  ],
  ["task/rate-limit/process_data", 400, "Missing argument ratelimit"],
  ["task/rate-limit/nothing?ratelimit=1/m", 404, "Unknown task 'nothing'"],
  ["task/rate-limit/process_data?ratelimit=1/m&workername=x", 404, "Unknown worker 'x'"],
  ["task/rate-limit/process_data?ratelimit=often", 403, "Failed to set rate limit: "],
  ["task/timeout/nothing?soft=1", 404, "Unknown task 'nothing'"],
  ["task/timeout/process_data?soft=x", 400, "Invalid argument soft"],
  ["task/timeout/process_data?soft=30&hard=10", 403, "Failed to set timeouts: "],
  ["task/timeout/process_data?hard=0", 403, "Failed to set timeouts: 'must be more than 0.'"],
])("%s is refused with %i", async (path, status, text) => {
  const answer = await curl(`/api/${path.replace(/\/W\b/, `/${WORKER}`)}`);
  expect(answer.status).toBe(status);
  expect(await answer.text()).toContain(text.replace("'W'", `'${WORKER}'`));
});

it("limits are set by a form", async () => {
  const form = `workername=${encodeURIComponent(WORKER)}`;
  const rate = await curl("/api/task/rate-limit/process_data", `ratelimit=200/m&${form}`);
  expect(await rate.json()).toEqual({ message: "new rate limit set successfully" });
  const time = await curl("/api/task/timeout/process_data", `soft=30&hard=100&${form}`);
  expect(await time.json()).toEqual({ message: "time limits set successfully" });
  const { tasks } = await (
    await get("/api/inspect/registered/")
  ).json<{ tasks: { name: string }[] }>();
  expect(tasks.find(({ name }) => name === "process_data")).toMatchObject({
    rate_limit: "200/m",
    soft_time_limit: 30,
    time_limit: 100,
  });
  await post("/api/control/rate_limit/", { task: "process_data", rate_limit: null });
  await post("/api/control/time_limit/", { task: "process_data" });
});

it("the health check answers OK", async () => {
  expect(await (await get("/healthcheck")).text()).toBe("OK");
});

it("who may not monitor sees and stops their own tasks alone", async () => {
  const shop = await keyFor("shop", ["tasks:read", "tasks:write"]);
  const monitor = await keyFor("watcher", ["monitor", "tasks:write"]);
  const operator = await keyFor("operator", ["control", "tasks:write"]);
  const submit = { method: "POST", body: '{"args":["x"],"countdown":900}' };
  const path = "/api/task/async-apply/process_data";
  const answer = await request(path, shop, submit);
  const { "task-id": own } = await answer.json<{ "task-id": string }>();
  const list = await request("/api/tasks", shop);
  expect(Object.keys(await list.json<object>())).toEqual([own]);
  const statusOf = async (at: string, key: string | null, method = "GET") =>
    (await request(at, key, { method })).status;
  expect(await statusOf(`/api/task/info/${done}`, shop)).toBe(404);
  expect(await statusOf(`/api/task/info/${done}`, monitor)).toBe(200);
  expect(await statusOf(`/api/task/revoke/${waiting}`, shop, "POST")).toBe(404);
  expect(await statusOf(`/api/task/revoke/${own}`, monitor, "POST")).toBe(403);
  expect(await statusOf(`/api/task/abort/${own}`, shop, "POST")).toBe(403);
  expect(await statusOf("/api/workers", shop)).toBe(403);
  expect(await statusOf(`/api/worker/shutdown/${WORKER}`, monitor, "POST")).toBe(403);
  expect(await statusOf("/api/tasks", null)).toBe(401);
  expect(await statusOf(`/api/task/abort/${own}`, operator, "POST")).toBe(200);
});

async function socketTo(path: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const answer = await exports.default.fetch(`http://lovage${path}`, {
    headers: { Upgrade: "websocket", ...headers },
  });
  expect(answer.status).toBe(101);
  if (answer.webSocket === null) throw new Error("no socket");
  answer.webSocket.accept();
  return answer.webSocket;
}

function messagesOf(socket: WebSocket): { type: string; uuid: string; name: string }[] {
  const messages: { type: string; uuid: string; name: string }[] = [];
  socket.addEventListener("message", (event) => messages.push(JSON.parse(String(event.data))));
  return messages;
}

it("events of a type come over a WebSocket, one message each, also of one task or name", async () => {
  const sockets = await Promise.all(
    [
      "/api/task/events/task-succeeded/",
      "/api/task/events/task-received/process_data",
      `/api/task/events/task-succeeded/${unknown}`,
    ].map((path) => socketTo(path)),
  );
  const [succeeded = [], received = [], other = []] = sockets.map(messagesOf);
  const { "task-id": id } = await sent("/api/task/async-apply/process_data", { args: ["x"] });
  await expect.poll(() => succeeded.map(({ uuid }) => uuid)).toContain(id);
  expect(succeeded.every(({ type }) => type === "task-succeeded")).toBe(true);
  await expect.poll(() => received.map(({ uuid }) => uuid)).toContain(id);
  expect(
    received.every(({ type, name }) => type === "task-received" && name === "process_data"),
  ).toBe(true);
  expect(succeeded[0]).not.toHaveProperty("owner");
  expect(other).toEqual([]);
  for (const socket of sockets) socket.close();
});

it.each<[string, Record<string, string>, number]>([
  ["task-lost", { Upgrade: "websocket" }, 404],
  ["task-failed", {}, 400],
  ["task-failed", { Upgrade: "websocket", Origin: "https://elsewhere.example" }, 403],
])("a stream of %s with %j is refused with %i", async (type, headers, status) => {
  const url = `http://lovage/api/task/events/${type}/`;
  expect((await exports.default.fetch(url, { headers })).status).toBe(status);
});
