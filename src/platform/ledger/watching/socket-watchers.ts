import type { TaskRecord } from "#engine";
import { isTerminal } from "#engine";
import { watchesEvents } from "./event-sockets.ts";
import type { WatchersPort } from "../ports.ts";

/** Sockets that wait for one task: a change is sent to each in the ledger's one thread. */
const MAX_OF_TASK = 200;
/** Sockets on one shard; the platform takes 32,768 in all. */
const MAX_OF_SHARD = 20_000;
/** Of these for the tasks of one owner: streams stay open as long as a task waits. */
const MAX_OF_OWNER = 10_000;
/** Owners that begin alike share their places: an attachment is not to be as long as a caller likes. */
const MAX_OWNER_LENGTH = 256;

/** What a socket remembers of whom it was opened for. */
interface Watched {
  readonly taskId: string;
  readonly owner: string;
}

/**
 * Watchers of single tasks over hibernatable WebSockets: while nothing changes, the ledger may sleep and
 * nothing is billed. Each socket is tagged with its task's id.
 */
export class SocketWatchers implements WatchersPort {
  readonly #ctx: DurableObjectState;
  readonly #counts = new Map<string, number>();
  readonly #ofOwners = new Map<string, number>();
  /** One that closes while the object is out of memory wakes it, and is not found among its sockets then. */
  readonly #counted = new WeakSet<WebSocket>();
  #all = 0;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const socket of ctx.getWebSockets()) {
      if (!watchesEvents(socket)) this.#opened(socket);
    }
  }

  isWatched(taskId: string): boolean {
    return this.#counts.has(taskId);
  }

  notify(task: TaskRecord): void {
    for (const socket of this.#ctx.getWebSockets(task.id)) this.#send(socket, task);
  }

  /** Opens a watch and sends the task as it is now. 503: there are enough, of the task, of its owner or of all. */
  open(task: TaskRecord): Response {
    const owner = task.owner.slice(0, MAX_OWNER_LENGTH);
    const isTaken =
      (this.#counts.get(task.id) ?? 0) >= MAX_OF_TASK ||
      (this.#ofOwners.get(owner) ?? 0) >= MAX_OF_OWNER ||
      this.#all >= MAX_OF_SHARD;
    if (isTaken) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [task.id]);
    server.serializeAttachment({ taskId: task.id, owner } satisfies Watched);
    this.#opened(server);
    this.#send(server, task);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** A socket of this kind is closed, or broken; it may be said twice. */
  closed(socket: WebSocket): void {
    if (this.#counted.delete(socket)) this.#count(socket, -1);
  }

  #opened(socket: WebSocket): void {
    this.#counted.add(socket);
    this.#count(socket, 1);
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
    const { taskId, owner } = socket.deserializeAttachment() as Watched;
    this.#all += by;
    countIn(this.#counts, taskId, by);
    countIn(this.#ofOwners, owner, by);
  }
}

function countIn(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
