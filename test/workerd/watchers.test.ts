import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { TaskRecord } from "#engine";
import { SocketWatchers } from "../../src/platform/ledger/watching/socket-watchers.ts";
import { spec } from "./ledger.ts";

/** A socket that was opened before, as the object finds it when it wakes. */
function opened(taskId: string, owner: string): WebSocket {
  return { deserializeAttachment: () => ({ taskId, owner }) } as unknown as WebSocket;
}

/** Does something with the watchers of an object that has these sockets. */
function among(sockets: readonly WebSocket[], act: (watchers: SocketWatchers) => void) {
  const shard = env.LEDGER.getByName("shard-0");
  return runInDurableObject(shard, (_ledger, state) => {
    const ctx = {
      getWebSockets: () => sockets,
      acceptWebSocket: (socket: WebSocket, tags: string[]) => {
        state.acceptWebSocket(socket, tags);
      },
    };
    act(new SocketWatchers(ctx as unknown as DurableObjectState));
  });
}

function statusFor(watchers: SocketWatchers, id: string, owner: string): number {
  const task = { id, owner, state: "SUCCESS" } as TaskRecord;
  const answer = watchers.open(task);
  answer.webSocket?.accept();
  answer.webSocket?.close();
  return answer.status;
}

it("the watchers of one owner's tasks have half of a shard's places", async () => {
  const sockets = Array.from({ length: 10_000 }, (_, n) => opened(`task-${n % 100}`, "greedy"));
  await among(sockets, (watchers) => {
    expect(statusFor(watchers, "another", "greedy")).toBe(503);
    expect(statusFor(watchers, "another", "modest")).toBe(101);
    watchers.closed(sockets[0] as WebSocket);
    expect(statusFor(watchers, "another", "greedy")).toBe(101);
  });
});

it("a watcher whose end is told twice leaves the others where they are", async () => {
  const [one, other] = [opened("task", "shop"), opened("task", "shop")];
  await among([one, other], (watchers) => {
    watchers.closed(one);
    watchers.closed(one);
    expect(watchers.isWatched("task")).toBe(true);
    watchers.closed(other);
    expect(watchers.isWatched("task")).toBe(false);
  });
});

it("one who goes while the object is out of memory leaves the others to be told, and its place free", async () => {
  const shard = env.LEDGER.getByName("shard-310");
  const task = { ...spec(310), dueAt: Date.now() + 600_000 };
  await shard.submit([task]);
  const open = async () => {
    const headers = { Upgrade: "websocket" };
    const { webSocket } = await shard.fetch(`https://ledger/${task.id}`, { headers });
    if (webSocket === null) throw new Error("There is no socket.");
    const states: string[] = [];
    webSocket.addEventListener("message", ({ data }) => {
      states.push((JSON.parse(String(data)) as TaskRecord).state);
    });
    webSocket.accept();
    return { webSocket, states };
  };
  const count = () => runInDurableObject(shard, (_ledger, state) => state.getWebSockets().length);
  const [one, other] = [await open(), await open()];
  await evictDurableObject(shard);
  one.webSocket.close(1000, "gone");
  await expect.poll(count).toBe(1);
  await shard.revoke(task.id, false);
  await expect.poll(() => other.states).toEqual(["PENDING", "REVOKED"]);
  await expect.poll(count).toBe(0);
  await evictDurableObject(shard);
  expect(await count()).toBe(0);
});
