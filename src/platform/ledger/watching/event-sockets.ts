import type { MonitorEventList, Timers, Watcher } from "#engine";
import { EventLists } from "../../event-queue.ts";
import type { EventsPort } from "../ports.ts";

/** The tag, and the attachment, of sockets that watch all tasks; no id of a task is like that. */
const EVENTS = "events";
/** The tag of those that watch for tasks of their own alone. */
const OWN = "events own";
/** A tag has this many characters at most; owners that begin alike share their places. */
const MAX_TAG_LENGTH = 256;
/** Sockets on one shard: each gets every list. */
const MAX_WATCHERS = 100;
/** Of these for who may not monitor: anybody may have an account. */
const MAX_OWN = 50;
/** Of these for one owner. */
const MAX_OF_ONE = 20;

/** Where a shard is asked for its events. */
export function watchUrl({ owner, isMonitor }: Watcher): string {
  const query = new URLSearchParams({ owner, ...(isMonitor && { monitor: "1" }) });
  return `https://ledger/?${query.toString()}`;
}

export function watchesEvents(socket: WebSocket): boolean {
  return socket.deserializeAttachment() === EVENTS;
}

/**
 * Watchers of all tasks of a shard over hibernatable WebSockets. Each message is a `MonitorEventList`, the same
 * text for all. Nobody waits for a socket: who reads slowly lets messages pile up at its own end, where they are
 * dropped (`DeploymentEvents`). An object that is evicted keeps its sockets; it has told all by then, because a
 * timer that runs keeps it.
 */
export class EventSockets implements EventsPort {
  readonly #ctx: DurableObjectState;
  readonly #lists: EventLists;
  #count: number;

  constructor(ctx: DurableObjectState, timers: Timers) {
    this.#ctx = ctx;
    this.#lists = new EventLists(timers, (list) => {
      this.#send(list);
    });
    this.#count = ctx.getWebSockets(EVENTS).length;
  }

  get room(): number | null {
    return this.#count > 0 ? this.#lists.room : null;
  }

  happened(list: MonitorEventList): void {
    this.#lists.add(list);
  }

  /** Opens a watch for whom the query of `watchUrl` names. 503: there are enough, of all or of theirs. */
  open(query: URLSearchParams): Response {
    const isMonitor = query.has("monitor");
    const ofOne = `events of ${query.get("owner") ?? ""}`.slice(0, MAX_TAG_LENGTH);
    const isTaken =
      this.#count >= MAX_WATCHERS ||
      this.#ctx.getWebSockets(ofOne).length >= MAX_OF_ONE ||
      (!isMonitor && this.#ctx.getWebSockets(OWN).length >= MAX_OWN);
    if (isTaken) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [EVENTS, ofOne, ...(isMonitor ? [] : [OWN])]);
    server.serializeAttachment(EVENTS);
    this.#count += 1;
    return new Response(null, { status: 101, webSocket: client });
  }

  /** A socket of this kind is closed, or broken; it may be said twice. */
  closed(socket: WebSocket): void {
    const others = this.#ctx.getWebSockets(EVENTS).filter((other) => other !== socket);
    this.#count = others.length;
  }

  #send(list: MonitorEventList): void {
    const text = JSON.stringify(list);
    for (const socket of this.#ctx.getWebSockets(EVENTS)) {
      try {
        socket.send(text);
      } catch {
        // It is gone; its close event counts it out.
      }
    }
  }
}
