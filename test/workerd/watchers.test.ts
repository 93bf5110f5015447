import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { TaskRecord } from "#engine";
import { SocketWatchers } from "../../src/platform/ledger/socket-watchers.ts";

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
