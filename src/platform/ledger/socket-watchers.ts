import type { TaskRecord } from "#engine";
import { isTerminal } from "#engine";
import { watchesEvents } from "./event-sockets.ts";
import type { WatchersPort } from "./ports.ts";

/**
 * Watchers of single tasks over hibernatable WebSockets: while nothing changes, the ledger may sleep and
 * nothing is billed. Each socket is tagged with its task's id.
 */
export class SocketWatchers implements WatchersPort {
  readonly #ctx: DurableObjectState;
  readonly #counts = new Map<string, number>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const socket of ctx.getWebSockets()) {
      if (!watchesEvents(socket)) this.#count(socket, 1);
    }
  }

  isWatched(taskId: string): boolean {
    return this.#counts.has(taskId);
  }

  notify(task: TaskRecord): void {
    for (const socket of this.#ctx.getWebSockets(task.id)) this.#send(socket, task);
  }

  /** Opens a watch and sends the task as it is now. */
  open(task: TaskRecord): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [task.id]);
    server.serializeAttachment(task.id);
    this.#count(server, 1);
    this.#send(server, task);
    return new Response(null, { status: 101, webSocket: client });
  }

  closed(socket: WebSocket): void {
    this.#count(socket, -1);
  }

  #send(socket: WebSocket, task: TaskRecord): void {
    try {
      socket.send(JSON.stringify(task));
      if (isTerminal(task.state)) socket.close(1000, "done");
    } catch {
      // The watcher is gone; its close event counts it out.
    }
  }

  #count(socket: WebSocket, by: 1 | -1): void {
    // Not by its tags: those of a closed socket can't be read.
    const taskId = String(socket.deserializeAttachment());
    const count = (this.#counts.get(taskId) ?? 0) + by;
    if (count > 0) this.#counts.set(taskId, count);
    else this.#counts.delete(taskId);
  }
}
