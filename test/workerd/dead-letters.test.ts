import { env } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import { ended, get, post } from "./api.ts";

interface Page {
  tasks: { task_id: string; name: string; state: string; options: Record<string, unknown> }[];
  next_cursor: string | null;
}

async function submit(over: Record<string, unknown> = {}): Promise<string> {
  const call = { name: "process_data", kwargs: { data: "x" }, ...over };
  const answer = await post("/api/tasks/", call);
  return (await answer.json<{ task_id: string }>()).task_id;
}

/** A payment of an order that isn't there: fails at once, for good. */
async function deadLetter(over: Record<string, unknown> = {}): Promise<string> {
  const id = await submit({ name: "process_payment", kwargs: { order_id: "none" }, ...over });
  expect((await ended(id)).dead_lettered).toBe(true);
  const isKept = async () =>
    (await env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(id).first()) !== null;
  await vi.waitUntil(isKept, { timeout: 20_000, interval: 20 });
  return id;
}

async function page(path: string): Promise<Page> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  return answer.json();
}

async function send(path: string, body: unknown) {
  const answer = await post(path, body);
  return { status: answer.status, ...(await answer.json<Record<string, unknown>>()) };
}

let first = "";
let second = "";

beforeAll(async () => {
  first = await deadLetter({ labels: { customer: "1", campaign: "x" } });
  second = await deadLetter({ labels: { customer: "2", campaign: "x" } });
  await ended(await submit());
});

const ids = ({ tasks }: Page) => tasks.map(({ task_id: id }) => id);

it("the queue of dead letters is found by its name with underscores too", async () => {
  const id = await deadLetter({ queue: "high-priority" });
  expect(ids(await page("/api/dead-letters/?queue=high_priority"))).toEqual([id]);
  const body = { filter: { queue: "high_priority" } };
  expect(await send("/api/dead-letters/discard/", body)).toMatchObject({
    tasks: [{ id, status: "discarded" }],
  });
});

it("dead letters are listed, filtered and counted; successes are not among them (G14)", async () => {
  expect(ids(await page("/api/dead-letters/"))).toEqual([second, first]);
  expect(ids(await page("/api/dead-letters/?name=process_*&label=customer:1"))).toEqual([first]);
  expect(ids(await page("/api/dead-letters/?label=__proto__:1"))).toEqual([]);
  expect(ids(await page("/api/dead-letters/?exc_type=OrderNotFoundError"))).toHaveLength(2);
  expect(ids(await page("/api/dead-letters/?exc_type=Other"))).toEqual([]);
  const one = await page("/api/dead-letters/?limit=1");
  expect(ids(one)).toEqual([second]);
  const rest = await page(`/api/dead-letters/?cursor=${encodeURIComponent(one.next_cursor ?? "")}`);
  expect(ids(rest)).toEqual([first]);
  expect(await (await get("/api/dead-letters/summary/")).json()).toMatchObject({
    groups: [{ name: "process_payment", exc_type: "OrderNotFoundError", count: 2 }],
  });
});

it("a replay is a new task, once, however often it is asked for; the old one stays as it ended (G2, G15)", async () => {
  const answers = await Promise.all(
    [1, 2, 3].map(() => send(`/api/dead-letters/${first}/replay/`, {})),
  );
  const made = new Set(answers.flatMap((answer) => (answer as { task_id?: string }).task_id ?? []));
  expect(made.size).toBe(1);
  const [id = ""] = made;
  expect(await ended(id)).toMatchObject({
    state: "FAILURE",
    options: { replay_of: first, labels: { customer: "1" } },
  });
  expect(await ended(first)).toMatchObject({ state: "FAILURE", resolution: `replayed:${id}` });
  expect(ids(await page("/api/dead-letters/"))).not.toContain(first);
  expect(await send(`/api/dead-letters/${first}/replay/`, {})).toMatchObject({ status: 404 });
});

it("a replay may have other arguments, which have to fit", async () => {
  const id = await deadLetter();
  expect(await send(`/api/dead-letters/${id}/replay/`, { kwargs: { order: 1 } })).toMatchObject({
    status: 422,
    errors: [{ field: "kwargs.order_id" }, { field: "kwargs" }],
  });
  const edited = await send(`/api/dead-letters/${id}/replay/`, { kwargs: { order_id: "other" } });
  expect(edited).toMatchObject({ id, status: "replayed" });
  const { task_id: replay } = edited as unknown as { task_id: string };
  expect(await ended(replay)).toMatchObject({ kwargs: { order_id: "other" } });
});

it.each([
  ["no filter", {}, "filter"],
  ["no label", { labels: {} }, "filter.labels"],
  ["no such label", { labels: { "a b": "c" } }, "filter.labels.a b"],
  [
    "more labels than a task has",
    { labels: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`label${n}`, "x"])) },
    "filter.labels",
  ],
])("a filter of %s discards nothing", async (_what, filter, field) => {
  const before = ids(await page("/api/dead-letters/"));
  expect(await send("/api/dead-letters/discard/", { filter })).toMatchObject({
    status: 422,
    errors: [{ field }],
  });
  expect(ids(await page("/api/dead-letters/"))).toEqual(before);
});

it("many are replayed or discarded at once, by ids or by filter", async () => {
  const label = { labels: { batch: "b" } };
  await Promise.all([deadLetter(label), deadLetter(label), deadLetter(label)]);
  const filter = { labels: { batch: "b" } };
  const { tasks } = (await send("/api/dead-letters/discard/", { filter, limit: 2 })) as unknown as {
    tasks: { id: string; status: string }[];
  };
  expect(tasks.map(({ status }) => status)).toEqual(["discarded", "discarded"]);
  const again = await send("/api/dead-letters/discard/", { ids: [tasks[0]?.id, "unknown"] });
  expect(again).toMatchObject({ tasks: [{ status: "gone" }, { status: "gone" }] });
  const other = await deadLetter();
  await env.DB.prepare("UPDATE tasks SET name = 'gone' WHERE id = ?").bind(other).run();
  const [last] = (await page("/api/dead-letters/?label=batch:b")).tasks;
  const wanted = [other, tasks[0]?.id, last?.task_id];
  const replayed = await send("/api/dead-letters/replay/", { ids: wanted });
  expect(replayed).toMatchObject({
    tasks: [
      { id: other, status: "failed", errors: [{ field: "name" }] },
      { id: wanted[1], status: "gone" },
      { id: wanted[2], status: "replayed", task_id: expect.any(String) },
    ],
  });
  await send("/api/dead-letters/discard/", { ids: [other] });
});

it("tasks are found by name, state, queue and label, live and finished, page by page", async () => {
  const waiting = await submit({ countdown: 600, labels: { found: "yes" }, queue: "payments" });
  const done = await submit({ labels: { found: "yes" } });
  await ended(done);
  expect(ids(await page("/api/tasks/search/?label=found:yes"))).toEqual([done, waiting]);
  expect(ids(await page("/api/tasks/search/?label=found:yes&state=PENDING"))).toEqual([waiting]);
  expect(ids(await page("/api/tasks/search/?label=found:yes&queue=default"))).toEqual([done]);
  expect(ids(await page("/api/tasks/search/?label=found:yes&name=nothing*"))).toEqual([]);
  const all: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const next: Page = await page(`/api/tasks/search/?limit=2${cursor && `&cursor=${cursor}`}`);
    all.push(...ids(next));
    cursor = next.next_cursor;
  }
  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining([first, second, waiting, done]));
  await post(`/api/tasks/${waiting}/revoke/`, {});
});

it("tasks are found by a text in their arguments or error, also the oldest first", async () => {
  const text = `needle-${crypto.randomUUID()}`;
  const call = { name: "process_data", countdown: 600 };
  const waiting = await submit({ ...call, kwargs: { data: `a ${text} "b"` } });
  const done = await submit({ name: "process_data", kwargs: { data: text.toUpperCase() } });
  const failed = await submit({ name: "process_payment", kwargs: { order_id: text } });
  await Promise.all([ended(done), ended(failed)]);
  const path = (words: string) => `/api/tasks/search/?text=${encodeURIComponent(words)}`;
  expect(ids(await page(path(text)))).toEqual([failed, done, waiting]);
  expect(ids(await page(`${path(text)}&order=oldest`))).toEqual([waiting, done, failed]);
  expect(ids(await page(path(`${text} "b"`)))).toEqual([waiting]);
  const byError = ids(await page(`${path("OrderNotFoundError")}&order=oldest&limit=200`));
  expect(byError).toContain(failed);
  expect(byError).not.toContain(done);
  await post(`/api/tasks/${waiting}/revoke/`, {});
});

it.each(["newest", "oldest"])(
  "the %s first: every page goes on where the last ended",
  async (order) => {
    const label = { page: `p-${order}` };
    const waiting = Array.from({ length: 14 }, () => submit({ countdown: 600, labels: label }));
    const keyed = await post(
      "/api/tasks/",
      { name: "process_data", kwargs: { data: "x" }, countdown: 600, labels: label },
      { "Idempotency-Key": crypto.randomUUID() },
    );
    const last = (await keyed.json<{ task_id: string }>()).task_id;
    const submitted = (await Promise.all(waiting)).toSorted();
    const found: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = `label=page:p-${order}&limit=3&order=${order}`;
      const next: Page = await page(`/api/tasks/search/?${query}${cursor && `&cursor=${cursor}`}`);
      found.push(...ids(next));
      cursor = next.next_cursor;
    }
    expect(found).toEqual([...(order === "oldest" ? submitted : submitted.toReversed()), last]);
    await post("/api/control/revoke/", { labels: label });
  },
);

it("pages smaller than what waits in a shard lose none of it", async () => {
  const waiting = Array.from({ length: 14 }, () =>
    submit({ countdown: 600, labels: { page: "p" } }),
  );
  const submitted = await Promise.all(waiting);
  const found: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/api/tasks/search/?label=page:p&limit=3${cursor && `&cursor=${cursor}`}`;
    const next: Page = await page(path);
    found.push(...ids(next));
    cursor = next.next_cursor;
  }
  expect(found).toEqual(submitted.toSorted().toReversed());
  await post("/api/control/revoke/", { labels: { page: "p" } });
});

it("a summary shows the last five of each group, and counts all", async () => {
  const rows = Array.from({ length: 7 }, (_, index) => `sum-${index}`);
  await env.DB.batch(
    rows.map((id, index) =>
      env.DB.prepare(
        `INSERT INTO tasks (id, name, state, queue, owner, finished_at, is_dead_lettered, kwargs, detail)
         VALUES (?, 'summed', 'FAILURE', 'default', 'o', ?, 1, '{}', '[]')`,
      ).bind(id, index),
    ),
  );
  const answer = await get("/api/dead-letters/summary/?name=summed");
  expect(await answer.json()).toEqual({
    groups: [
      {
        name: "summed",
        exc_type: "",
        count: 7,
        first_at: "1970-01-01T00:00:00.000Z",
        last_at: "1970-01-01T00:00:00.006Z",
        ids: rows.slice(2).toReversed(),
      },
    ],
  });
  await env.DB.prepare("DELETE FROM tasks WHERE name = 'summed'").run();
});

it("a name may be longer than a glob may be", async () => {
  const path = (name: string) => `/api/tasks/search/?name=${name}`;
  expect(ids(await page(path("n".repeat(200))))).toEqual([]);
  expect(ids(await page(path(`${"n".repeat(49)}*`)))).toEqual([]);
  expect((await get(path(`${"n".repeat(50)}*`))).status).toBe(422);
});

it.each([
  ["/api/tasks/search/?state=DONE", "state"],
  ["/api/tasks/search/?limit=0", "limit"],
  ["/api/tasks/search/?limit=201", "limit"],
  ["/api/tasks/search/?label=nonsense", "label"],
  ["/api/tasks/search/?submitted_after=yesterday", "submitted_after"],
  ["/api/tasks/search/?stat=PENDING", "stat"],
  ["/api/tasks/search/?cursor=nonsense", "cursor"],
  ["/api/tasks/search/?name=a[b]", "name"],
  ["/api/dead-letters/?cursor=nonsense", "cursor"],
  ["/api/tasks/search/?queue=a&queue=b", "queue"],
  ["/api/dead-letters/?failed_before=1", "failed_before"],
])("bad parameters of %s name %s", async (path, field) => {
  const answer = await get(path);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ errors: [{ field }] });
});

it("bad bodies name the field", async () => {
  expect(await send("/api/dead-letters/replay/", {})).toMatchObject({
    status: 422,
    errors: [{ field: "ids" }],
  });
  expect(await send("/api/dead-letters/nonsense/replay/", {})).toMatchObject({ status: 404 });
  expect(
    await send("/api/tasks/", { name: "process_data", args: ["x"], labels: { "a b": "c" } }),
  ).toMatchObject({ status: 422, errors: [{ field: "labels.a b" }] });
});
