import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { PlanNode } from "#engine";
import { loadInput } from "#platform/consumer/inputs.ts";
import { CanvasStore } from "#platform/ledger/canvas/canvas-store.ts";
import { ObjectSql } from "#platform/ledger/object-ports.ts";
import { NO_LARGE_RESULTS } from "../no-large.ts";
import { get, post } from "./api.ts";

interface Node {
  readonly type: string;
  readonly state: string;
  readonly task?: string;
  readonly task_id?: string;
  readonly result?: unknown;
  readonly error?: { exc_type: string; exc_message: string };
  readonly members?: Node[];
  readonly header?: Node[];
  readonly body?: Node;
}
interface Canvas {
  readonly state: string;
  readonly result: unknown;
  readonly result_url?: string;
  readonly error: { exc_type: string; exc_message: string } | null;
  readonly counts: Record<string, number>;
  readonly tree: Node;
  readonly next: number | null;
}

const work = (data: unknown, more: Record<string, unknown> = {}) => ({
  name: "process_data",
  kwargs: { data },
  immutable: true,
  ...more,
});
/** A signature as Celery's json.dumps writes it. */
const celery = (task: string, over: Record<string, unknown> = {}) => ({
  task,
  args: [],
  kwargs: {},
  options: {},
  subtask_type: null,
  immutable: false,
  ...over,
});

async function send(body: unknown, headers: Record<string, string> = {}): Promise<string> {
  const answer = await post("/api/canvas/", body, headers);
  const json = await answer.json<{ canvas_id: string }>();
  expect(answer.status, JSON.stringify(json)).toBe(202);
  return json.canvas_id;
}

async function read(id: string, query = "?wait=20"): Promise<Canvas> {
  return (await get(`/api/canvas/${id}/${query}`)).json();
}

it("Celery's own JSON of a chord runs; its tree has the states, ids and results of all", async () => {
  const id = await send({
    task: "celery.chord",
    args: [],
    kwargs: {
      kwargs: {},
      header: [
        celery("process_data", { args: ["a"], options: { task_id: "x", reply_to: "y" } }),
        celery("process_data", { kwargs: { data: "b" } }),
      ],
      body: celery("process_data", { args: ["done"], immutable: true, options: { priority: 5 } }),
    },
    options: { stamped_headers: ["customer"], customer: "c-1" },
    subtask_type: "chord",
    immutable: false,
  });
  const canvas = await read(id);
  expect(canvas).toMatchObject({
    state: "SUCCESS",
    result: { processed_data: "DONE" },
    counts: { total: 3, done: 3, not_started: 0, SUCCESS: 3 },
    labels: { customer: "c-1" },
    tree: {
      type: "chord",
      state: "SUCCESS",
      header: [
        { task: "process_data", state: "SUCCESS", result: { processed_data: "A" } },
        { task: "process_data", state: "SUCCESS", result: { processed_data: "B" } },
      ],
      body: { state: "SUCCESS", result: { processed_data: "DONE" } },
    },
    next: null,
  });
  const body = await (await get(`/api/tasks/${canvas.tree.body?.task_id}/`)).json();
  expect(body).toMatchObject({
    priority: 5,
    options: { canvas_id: id, labels: { customer: "c-1" } },
  });
  const found = await (
    await get("/api/tasks/search/?label=customer:c-1")
  ).json<{ tasks: unknown[] }>();
  expect(found.tasks).toHaveLength(4);
});

it("a group whose members were all called off fails, and its tree says so too, on whatever page", async () => {
  const later = () => work("late", { countdown: 3_600 });
  const id = await send({ group: [later(), later(), later()] });
  const { tree } = await read(id, "");
  for (const { task_id } of tree.members ?? []) await post(`/api/tasks/${task_id}/revoke/`, {});
  expect(await read(id)).toMatchObject({
    state: "FAILURE",
    error: { exc_type: "ChordError" },
    counts: { REVOKED: 3 },
    tree: { state: "FAILURE", size: 3 },
  });
  expect(await read(id, "?limit=1")).toMatchObject({ tree: { state: "FAILURE", size: 3 } });
});

it("while it runs the finished parts have their results; a page shows a part of the tree", async () => {
  const id = await send({
    chain: [work("a"), { group: [work("b"), work("c", { countdown: 3_600 })] }, work("d")],
  });
  const canvas = await vi.waitUntil(async () => {
    const seen = await read(id, "");
    return seen.counts["done"] === 2 && seen;
  });
  expect(canvas).toMatchObject({
    state: "SUSPENDED",
    result: null,
    counts: { total: 4, done: 2, not_started: 1, PENDING: 1 },
    tree: {
      state: "STARTED",
      members: [
        { state: "SUCCESS", result: { processed_data: "A" } },
        {
          state: "STARTED",
          members: [{ result: { processed_data: "B" } }, { state: "PENDING" }],
        },
        { state: "PENDING" },
      ],
    },
  });
  const page = await read(id, "?from=4&limit=1");
  expect(page.tree.members).toMatchObject([
    { state: null, members: [{ state: "PENDING" }], size: 2 },
  ]);
  expect(page.next).toBe(5);
  const root = await (await get(`/api/tasks/${id}/`)).json();
  expect(root).toMatchObject({ state: "SUSPENDED", waiting: { reason: "members" } });
  // What is left of it is called off with it.
  await post(`/api/tasks/${id}/revoke/`, {});
  const revoked = await read(id);
  expect(revoked).toMatchObject({
    state: "REVOKED",
    error: { exc_type: "TaskRevokedError" },
    counts: { done: 4, SUCCESS: 2, REVOKED: 2 },
  });
});

it("a failed member is named, with why; what never ran says so", async () => {
  const id = await send({
    chain: [
      {
        group: [
          work("a"),
          { name: "send_admin_notification", kwargs: { subject: "s", message: "m" }, expires: 0 },
        ],
      },
      work("after"),
    ],
  });
  const canvas = await read(id);
  const [group, after] = canvas.tree.members ?? [];
  expect(group?.members).toMatchObject([{ state: "SUCCESS" }, { state: "REVOKED" }]);
  expect(canvas.state).toBe("FAILURE");
  expect(canvas.error?.exc_message).toContain(group?.members?.[1]?.task_id);
  expect(canvas.error?.exc_message).toContain("expired");
  expect(after).toMatchObject({ state: "FAILURE", error: { exc_type: "ChordError" } });
});

it("a list of results that is too large to be kept is put together from its members", async () => {
  const parts = ["a", "b", "c"].map((letter) => letter.repeat(100_000));
  const id = await send({ chain: [work("first"), { group: parts.map((data) => work(data)) }] });
  const canvas = await read(id);
  const url = `/api/tasks/${id}/result/`;
  expect(canvas).toMatchObject({ state: "SUCCESS", result: null, result_url: url });
  expect(await (await get(url)).json()).toEqual(
    parts.map((data) => ({ processed_data: data.toUpperCase() })),
  );
});

it("map, starmap and chunks, and the same request twice is one canvas", async () => {
  const task = { name: "process_data" };
  const headers = { "Idempotency-Key": "chunks-1" };
  const chunks = { chunks: { task, items: [["a"], ["b"], ["c"]], size: 2 } };
  const id = await send(chunks, headers);
  expect(await send(chunks, headers)).toBe(id);
  expect((await post("/api/canvas/", { group: [work("a")] }, headers)).status).toBe(422);
  const [a, b, c] = ["A", "B", "C"].map((text) => ({ processed_data: text }));
  expect((await read(id)).result).toEqual([[a, b], [c]]);
  const mapped = await send({ group: [{ map: { task, items: ["a", "b"] } }] });
  expect((await read(mapped)).result).toEqual([[a, b]]);
});

it("a dry run says what it would be and stores nothing", async () => {
  const answer = await post("/api/canvas/?dry_run=true", { group: [work("a"), work("b")] });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ valid: true, name: "celery.group", tasks: 2, places: 3 });
  expect((await post("/api/canvas/?dry_run=1", { group: [] })).status).toBe(422);
});

it.each<[string, unknown, string]>([
  ["a task that nobody knows", { chain: [work("a"), { name: "nobody" }] }, "chain.1.name"],
  ["a member that is none", { group: [work("a"), 4] }, "group.1"],
  ["an argument that doesn't fit", { group: [work(1)] }, "group.0.kwargs.data"],
  ["an option that there is not", { chain: [work("a", { coutdown: 1 })] }, "chain.0.coutdown"],
  [
    "one of Celery's that there is not",
    celery("process_data", { options: { exchange: "x" } }),
    "options.exchange",
  ],
  ["a chord without a body", { chord: { header: [work("a")] } }, "chord.body"],
  ["two kinds at once", { chain: [], group: [] }, "body"],
  ["nothing", {}, "body"],
  [
    "a link that takes nothing",
    { chain: [work("a"), { ...work("b"), immutable: false }] },
    "chain.1.args",
  ],
  [
    "a wrong callback",
    { group: [work("a", { link: [{ name: "nobody" }] })] },
    "group.0.link.0.name",
  ],
  [
    "chunks of nothing",
    { chunks: { task: { name: "process_data" }, items: [], size: 0 } },
    "chunks.size",
  ],
  ["a unique member", { group: [work("a", { unique: true })] }, "group.0.unique"],
  [
    "a member in Celery's form",
    celery("celery.chord", {
      kwargs: {
        header: celery("celery.group", { kwargs: { tasks: [work("a"), celery("nobody")] } }),
        body: celery("process_data", { immutable: true }),
      },
    }),
    "kwargs.header.kwargs.tasks.1.task",
  ],
  [
    "an option in Celery's form",
    celery("celery.chain", {
      kwargs: {
        tasks: [
          {
            chord: {
              header: [],
              body: celery("process_data", {
                args: ["x"],
                immutable: true,
                options: { queue: "nope" },
              }),
            },
          },
        ],
      },
    }),
    "kwargs.tasks.0.chord.body.options.queue",
  ],
  [
    "too deep",
    Array.from({ length: 25 }).reduce((inner) => ({ group: [inner] }), work("a")),
    "tasks",
  ],
])("%s is refused, and nothing is stored", async (_what, body, field) => {
  const answer = await post("/api/canvas/", body);
  expect(answer.status).toBe(422);
  const { errors } = await answer.json<{ errors: { field: string }[] }>();
  expect(errors[0]?.field).toContain(field);
});

it("a canvas that there is not is not found", async () => {
  expect((await get("/api/canvas/nothing/")).status).toBe(404);
});

it.each([
  ["a call", work("x"), "process_data", { processed_data: "X" }],
  [
    "a map",
    { map: { task: { name: "process_data" }, items: ["x", "y"] } },
    "celery.map",
    [{ processed_data: "X" }, { processed_data: "Y" }],
  ],
])("%s alone is a canvas of one task", async (_what, body, name, result) => {
  const { canvas_id: id } = await (await post("/api/canvas/", body)).json<{ canvas_id: string }>();
  expect(await (await get(`/api/canvas/${id}/?wait=20`)).json()).toMatchObject({
    ...{ canvas_id: id, name, state: "SUCCESS", result, next: null },
    counts: { total: 1, done: 1, not_started: 0, SUCCESS: 1 },
    tree: { type: "task", task: name, task_id: id, state: "SUCCESS", result },
  });
});

it("a callback of a plain task that can't be called is named as it stands in the request", async () => {
  const call = { ...work("a"), immutable: undefined, link_error: [{ name: "nobody" }] };
  const answer = await post("/api/tasks/", call);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ errors: [{ field: "link_error.0.name" }] });
});

it("a list of 25 MB reaches its callback, whatever characters are in it", async () => {
  const shard = env.LEDGER.getByName("shard-999");
  const at = { id: "canvas", place: 1 };
  const texts = Array.from({ length: 100 }, (_, n) =>
    JSON.stringify(`${n === 0 ? "\u042f" : "x"}${"x".repeat(250_000)}`),
  );
  await shard.survey();
  await runInDurableObject(shard, (_object, state) => {
    const store = new CanvasStore(new ObjectSql(state.storage));
    store.appendNodes(at.id, 0, [{ kind: "chain", size: 1 } as unknown as PlanNode]);
    const ends = texts.map((text, position) => [position, { value: { text } }] as const);
    store.appendMembers(at.id, at.place, 0, ends);
  });
  const text = await loadInput({ into: "data", from: { kept: at } }, shard, NO_LARGE_RESULTS);
  expect(text === `[${texts.join(",")}]`).toBe(true);
});
