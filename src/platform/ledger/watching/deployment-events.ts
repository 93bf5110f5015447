import {
  LovageError,
  MAX_LISTED_EVENTS,
  type MonitorEventList,
  type MonitorEvents,
  type Watcher,
  type Timers,
} from "#engine";
import { EventQueue } from "../../event-queue.ts";
import { within } from "../../health/within.ts";
import { watchUrl } from "./event-sockets.ts";
import { messages, pause } from "./socket-messages.ts";

/** Lists of all shards that wait for one watcher; what comes on top is missed. */
const MAX_WAITING = 4 * MAX_LISTED_EVENTS;
/** Lists that shards send about the same time are handed on together. */
const GATHER_MS = 50;
/** Pauses before a shard that was moved, updated or is out of reach is tried again. */
const REOPEN_MS = { first: 250, most: 5_000 };

/** A shard that has not answered by then is out of reach. */
const OPEN_MS = 10_000;

/** What a shard is asked for its events by. */
export interface WatchedShard {
  fetch(url: string, init: { headers: Record<string, string> }): Promise<Response>;
}

/** Why one opening failed. */
type Refusal = "too_many_watchers" | "ledger_unavailable";

/** What happens in all shards, as one stream for each watcher: see `MonitorEvents`. */
export class DeploymentEvents implements MonitorEvents {
  readonly #shards: () => readonly WatchedShard[];
  readonly #timers: Timers;

  /** @param shards asked for with every watch: what answers belongs to the request */
  constructor(shards: () => readonly WatchedShard[], timers: Timers) {
    this.#shards = shards;
    this.#timers = timers;
  }

  async *watch(
    signal: AbortSignal,
    watcher: Watcher,
  ): AsyncGenerator<MonitorEventList, void, undefined> {
    const over = new AbortController();
    const end = () => {
      over.abort();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    try {
      yield* this.#merged(over.signal, watchUrl(watcher));
    } finally {
      signal.removeEventListener("abort", end);
      // Also where who watches has had enough: the sockets go.
      end();
    }
  }

  async *#merged(
    signal: AbortSignal,
    url: string,
  ): AsyncGenerator<MonitorEventList, void, undefined> {
    if (signal.aborted) return;
    const doors = this.#shards().map((shard) => () => open(shard, url, this.#timers));
    const opened = await Promise.all(doors.map((door) => door()));
    const refusal = opened.find((socket) => typeof socket === "string");
    if (refusal !== undefined) {
      for (const socket of opened) if (typeof socket !== "string") drop(socket);
      throw new LovageError(refusal, "Events can't be watched just now.", { retryable: true });
    }
    const inbox = new Inbox(signal);
    for (const [index, socket] of opened.entries()) {
      const door = doors[index];
      if (door !== undefined && typeof socket !== "string") {
        void follow(door, socket, inbox, signal);
      }
    }
    yield { events: [], missed: 0 };
    while (await inbox.filled()) {
      yield inbox.take();
      await this.#gathered(signal);
    }
  }

  #gathered(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else this.#timers.after(GATHER_MS, resolve);
    });
  }
}

/** What the shards sent and the watcher has not taken yet. */
class Inbox {
  readonly #queue = new EventQueue(MAX_WAITING);
  readonly #signal: AbortSignal;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      this.#wake();
    });
  }

  add(list: MonitorEventList): void {
    this.#queue.add(list);
    this.#wake();
  }

  take(): MonitorEventList {
    return this.#queue.take();
  }

  /** @returns false: it is over */
  async filled(): Promise<boolean> {
    while (this.#queue.isEmpty && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#signal.aborted;
  }
}

/** Nobody knows how many: at least it is told that there may be some. */
const GAP: MonitorEventList = { events: [], missed: 1 };

/**
 * Takes everything a shard sends, at once, so that nothing piles up on the way; opens it again until the end. A gap is
 * told when it begins, and again when it is over: only who reads again after that sees what happened in it.
 */
async function follow(
  door: () => ReturnType<typeof open>,
  first: WebSocket,
  inbox: Inbox,
  signal: AbortSignal,
): Promise<void> {
  let socket: WebSocket | null = first;
  let pauseMs = REOPEN_MS.first;
  while (!signal.aborted) {
    if (socket !== null) {
      for await (const list of messages<MonitorEventList>(socket, signal)) {
        inbox.add(list);
        pauseMs = REOPEN_MS.first;
      }
      inbox.add(GAP);
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, REOPEN_MS.most);
    const opened = signal.aborted ? null : await door();
    socket = opened instanceof WebSocket ? opened : null;
    if (socket !== null) inbox.add(GAP);
  }
  // Opened when it was over already: reading it closes it.
  if (socket !== null) for await (const _list of messages(socket, signal));
}

async function open(
  shard: WatchedShard,
  url: string,
  timers: Timers,
): Promise<WebSocket | Refusal> {
  let isTooLate = false;
  const asked = async () => {
    const { webSocket } = await shard.fetch(url, { headers: { Upgrade: "websocket" } });
    if (isTooLate && webSocket !== null) drop(webSocket);
    return webSocket ?? "too_many_watchers";
  };
  try {
    return await within(timers, OPEN_MS, asked);
  } catch {
    isTooLate = true;
    return "ledger_unavailable";
  }
}

/** A socket that nobody read. */
function drop(socket: WebSocket): void {
  socket.accept();
  socket.close(1000, "done");
}
