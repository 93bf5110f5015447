import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { MonitorEvent, MonitorEventList, Timers, Watcher } from "#engine";
import {
  DeploymentEvents,
  type WatchedShard,
} from "#platform/ledger/watching/deployment-events.ts";
import { systemTimers } from "#platform/system.ts";
import { ended, get, post } from "./api.ts";
import { keyFor, request } from "./credentials.ts";
import { claiming, spec, succeeding } from "./ledger.ts";
import { EventReader } from "./sse.ts";

async function submit(over: Record<string, unknown> = {}): Promise<string> {
  const answer = await post("/api/tasks/", {
    name: "process_data",
    kwargs: { data: "x" },
    ...over,
  });
  expect(answer.status).toBe(202);
  return (await answer.json<{ task_id: string }>()).task_id;
}

/** Reads until an event of each kind came. */
async function until(reader: EventReader, ...kinds: ((event: MonitorEvent) => boolean)[]) {
  const seen: MonitorEvent[] = [];
  while (!kinds.every((isIt) => seen.some(isIt))) {
    seen.push(...(await reader.next<MonitorEventList>()).events);
  }
  return seen;
}

const shard = (number: number) => env.LEDGER.getByName(`shard-${number}`);

/** Watches these shards; the first list is taken: everything from now on is seen. */
async function watch(
  shards: readonly WatchedShard[],
  signal = new AbortController().signal,
  watcher: Watcher = { owner: "somebody", isMonitor: true },
) {
  const lists = new DeploymentEvents(() => shards, systemTimers).watch(signal, watcher);
  expect(await lists.next()).toEqual({ done: false, value: { events: [], missed: 0 } });
  return lists;
}

async function next(lists: AsyncGenerator<MonitorEventList, void>): Promise<MonitorEventList> {
  const { done, value } = await lists.next();
  if (done === true) throw new Error("The watch has ended.");
  return value;
}

it("what happens to a task comes as server-sent events, without whose it is", async () => {
  const answer = await get("/api/events/");
  expect(answer.headers.get("Content-Type")).toBe("text/event-stream");
  const reader = new EventReader(answer);
  expect(await reader.next()).toEqual({ events: [], missed: 0 });
  const id = await submit();
  const seen = await until(reader, ({ uuid, type }) => uuid === id && type === "task-succeeded");
  const mine = seen.filter(({ uuid }) => uuid === id);
  expect(mine.map(({ type }) => type)).toEqual(["task-sent", "task-started", "task-succeeded"]);
  expect(Object.keys(mine[2] ?? {})).toEqual([
    ..."type uuid timestamp hostname name queue state retries root_id runtime".split(" "),
  ]);
  await reader.close();
});

it("when the client goes nobody watches any more, and the ledger notes nothing", async () => {
  const watchers = async () =>
    runInDurableObject(shard(0), (_object, state) => state.getWebSockets("events").length);
  const reader = new EventReader(await get("/api/events/"));
  await reader.next();
  expect(await watchers()).toBe(1);
  await reader.close();
  await expect.poll(watchers).toBe(0);
});

it("events are asked for by type, name and queue", async () => {
  const readers = await Promise.all(
    ["type=task-failed", "task=process_*", "queue=high_priority"].map(async (query) => {
      const reader = new EventReader(await get(`/api/events/?${query}`));
      await reader.next();
      return reader;
    }),
  );
  const ok = await submit();
  const urgent = await submit({ queue: "high-priority" });
  const failing = await submit({ name: "process_payment", kwargs: { order_id: "none" } });
  await ended(failing);
  const last = ({ uuid, type }: MonitorEvent) => uuid === failing && type === "task-failed";
  // Events of tasks in different shards come in any order.
  const others = [ok, urgent].map(
    (id) =>
      ({ uuid }: MonitorEvent) =>
        uuid === id,
  );
  const failed = await until(readers[0] as EventReader, last);
  const named = await until(readers[1] as EventReader, last, ...others);
  expect(failed.map(({ uuid }) => uuid)).toEqual([failing]);
  expect(new Set(named.map(({ uuid }) => uuid))).toEqual(new Set([ok, urgent, failing]));
  const [, , inQueue] = readers;
  const queued = await until(inQueue as EventReader, ({ type }) => type === "task-succeeded");
  expect(new Set(queued.map(({ uuid }) => uuid))).toEqual(new Set([urgent]));
  await Promise.all(readers.map((reader) => reader.close()));
});

it.each(["type=task-lost", "task=a[b]", "queue=", "name=x"])(
  "'%s' is refused before anything is watched",
  async (query) => {
    const answer = await get(`/api/events/?${query}`);
    expect(answer.status).toBe(422);
    const { errors } = await answer.json<{ errors: { field: string }[] }>();
    expect(errors.map(({ field }) => field)).toEqual([query.split("=")[0]]);
  },
);

it("who may not monitor sees their own tasks alone; without a key nobody sees any", async () => {
  const shop = await keyFor("shop", ["tasks:read", "tasks:write"]);
  const other = await keyFor("other", ["tasks:read", "tasks:write"]);
  const monitor = await keyFor("watcher", ["monitor"]);
  expect((await request("/api/events/", null)).status).toBe(401);
  expect((await request("/api/events/", await keyFor("w", ["tasks:write"]))).status).toBe(403);
  const [mine, all] = await Promise.all(
    [shop, monitor].map(async (key) => {
      const reader = new EventReader(await request("/api/events/", key));
      await reader.next();
      return reader;
    }),
  );
  const send = async (key: string) => {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ name: "process_data", kwargs: { data: "x" }, countdown: 600 });
    const answer = await request("/api/tasks/", key, { method: "POST", headers, body });
    return (await answer.json<{ task_id: string }>()).task_id;
  };
  const theirs = await send(other);
  const own = await send(shop);
  const isOwn = ({ uuid }: MonitorEvent) => uuid === own;
  const seen = await until(all as EventReader, isOwn);
  expect(seen.map(({ uuid }) => uuid)).toContain(theirs);
  expect((await until(mine as EventReader, isOwn)).map(({ uuid }) => uuid)).toEqual([own]);
  await Promise.all([mine?.close(), all?.close()]);
});

it("an object that was evicted still tells its watchers", async () => {
  const ledger = shard(301);
  const lists = await watch([ledger]);
  await evictDurableObject(ledger);
  const task = spec(301);
  await ledger.submit([task]);
  const [first] = (await next(lists)).events;
  expect(first).toMatchObject({ uuid: task.id, type: "task-sent" });
  await lists.return();
});

it("several shards come as one stream, which ends when its signal does", async () => {
  const over = new AbortController();
  const lists = await watch([shard(302), shard(303)], over.signal);
  const tasks = [spec(302), spec(303)];
  await Promise.all([shard(302).submit(tasks.slice(0, 1)), shard(303).submit(tasks.slice(1))]);
  const seen = new Set<string>();
  while (seen.size < 2) for (const { uuid } of (await next(lists)).events) seen.add(uuid);
  expect(seen).toEqual(new Set(tasks.map(({ id }) => id)));
  const waiting = lists.next();
  over.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

it("a connection that breaks is made again, and that some may be missed is told", async () => {
  const ledger = shard(304);
  const sockets: WebSocket[] = [];
  const breaking: WatchedShard = {
    fetch: async (url, init) => {
      const answer = await ledger.fetch(url, init);
      if (answer.webSocket !== null) sockets.push(answer.webSocket);
      return answer;
    },
  };
  const lists = await watch([breaking]);
  sockets[0]?.dispatchEvent(new Event("error"));
  expect(await next(lists)).toEqual({ events: [], missed: 1 });
  await expect.poll(() => sockets.length).toBe(2);
  expect(await next(lists)).toEqual({ events: [], missed: 1 });
  const task = spec(304);
  await ledger.submit([task]);
  expect((await next(lists)).events[0]).toMatchObject({ uuid: task.id });
  await lists.return();
});

it("what happens while a shard is out of reach lies before a list that says that some were missed", async () => {
  const ledger = shard(308);
  const sockets: WebSocket[] = [];
  const back = Promise.withResolvers<undefined>();
  const away: WatchedShard = {
    fetch: async (url, init) => {
      if (sockets.length > 0) await back.promise;
      const answer = await ledger.fetch(url, init);
      if (answer.webSocket !== null) sockets.push(answer.webSocket);
      return answer;
    },
  };
  const lists = await watch([away]);
  sockets[0]?.dispatchEvent(new Event("error"));
  expect(await next(lists)).toEqual({ events: [], missed: 1 });
  // Who reads again what it shows reads it now, before this.
  await ledger.submit([spec(308)]);
  back.resolve(undefined);
  expect(await next(lists)).toEqual({ events: [], missed: 1 });
  const task = spec(308);
  await ledger.submit([task]);
  expect((await next(lists)).events[0]).toMatchObject({ uuid: task.id });
  await lists.return();
});

it("a shard that doesn't answer is out of reach, and what it opens too late is closed", async () => {
  const ledger = shard(309);
  const sockets: (WebSocket | null)[] = [];
  const answering = Promise.withResolvers<undefined>();
  const late: WatchedShard = {
    fetch: async (url, init) => {
      await answering.promise;
      const answer = await ledger.fetch(url, init);
      sockets.push(answer.webSocket);
      return answer;
    },
  };
  const atOnce: Timers = { after: (_ms, run) => systemTimers.after(0, run) };
  const watcher = { owner: "somebody", isMonitor: true };
  const lists = new DeploymentEvents(() => [late], atOnce).watch(
    new AbortController().signal,
    watcher,
  );
  await expect(lists.next()).rejects.toMatchObject({ code: "ledger_unavailable" });
  answering.resolve(undefined);
  await expect.poll(() => sockets).toEqual([expect.any(WebSocket)]);
  await expect
    .poll(() =>
      runInDurableObject(ledger, (_object, state) => state.getWebSockets("events").length),
    )
    .toBe(0);
});

/** Watches a shard so many times. @returns what ends each */
function watchAll(number: number, count: number, watcherOf: (index: number) => Watcher) {
  const signal = new AbortController().signal;
  return Promise.all(
    Array.from({ length: count }, (_, index) => watch([shard(number)], signal, watcherOf(index))),
  );
}

it("a shard takes a hundred watchers; one more is refused, until another has gone", async () => {
  const isMonitor = true;
  const opened = await watchAll(305, 100, (index) => ({ owner: `of ${index % 10}`, isMonitor }));
  const more = () => watch([shard(305)]).then((lists) => lists.return());
  await expect(more()).rejects.toMatchObject({ code: "too_many_watchers", retryable: true });
  await opened[0]?.return();
  await expect
    .poll(() =>
      more().then(
        () => "taken",
        () => "refused",
      ),
    )
    .toBe("taken");
  for (const lists of opened) await lists.return();
});

it("who asks for the headers of a stream alone watches nothing", async () => {
  const shop = await keyFor("heads", ["tasks:read"]);
  for (let asked = 0; asked < 25; asked += 1) {
    const answer = await request("/api/events/", shop, { method: "HEAD" });
    expect([answer.status, answer.body]).toEqual([200, null]);
  }
  const reader = new EventReader(await request("/api/events/", shop));
  expect(await reader.next()).toEqual({ events: [], missed: 0 });
  await reader.close();
});

it("nobody takes all places: one owner has twenty, and who may not monitor half of them", async () => {
  const refused = { code: "too_many_watchers" };
  const greedy = { owner: "greedy", isMonitor: false };
  const opened = await watchAll(307, 20, () => greedy);
  await expect(watchAll(307, 1, () => greedy)).rejects.toMatchObject(refused);
  opened.push(
    ...(await watchAll(307, 30, (index) => ({ owner: `user:${index}`, isMonitor: false }))),
  );
  const another = { owner: "another", isMonitor: false };
  await expect(watchAll(307, 1, () => another)).rejects.toMatchObject(refused);
  opened.push(...(await watchAll(307, 1, () => ({ ...another, isMonitor: true }))));
  for (const lists of opened) await lists.return();
});

/** Passes so many tasks through a shard, from submit to success; its consumers help. @returns ms */
async function pass(number: number, count: number): Promise<number> {
  const ledger = shard(number);
  const begin = Date.now();
  for (let done = 0; done < count; done += 1_000) {
    await ledger.submit(Array.from({ length: 1_000 }, () => spec(number)));
    for (;;) {
      const { tasks, token } = await ledger.exchange(claiming(200));
      if (tasks.length === 0) break;
      const ids = tasks.map(({ id }) => id);
      await ledger.exchange(succeeding(token, ids));
    }
  }
  await expect.poll(() => ledger.stats(), { timeout: 20_000 }).toMatchObject({ running: 0 });
  return Date.now() - begin;
}

it("20,000 tasks pass while a watcher is slow: it misses most, is told how many, and slows nothing", async () => {
  await pass(306, 2_000);
  const alone = await pass(306, 20_000);
  const lists = await watch([shard(306)]);
  const observed = await pass(306, 20_000);
  let count = 0;
  let missed = 0;
  while (count + missed < 60_000) {
    const list = await next(lists);
    expect(list.events.length).toBeLessThanOrEqual(500);
    count += list.events.length;
    missed += list.missed;
  }
  await lists.return();
  // What it had not taken is bounded.
  expect(count).toBeLessThanOrEqual(2_500);
  expect(count + missed).toBe(60_000);
  console.log(`20,000 tasks: ${alone} ms alone, ${observed} ms watched`);
  expect(observed).toBeLessThan(2 * alone + 1_000);
}, 120_000);
