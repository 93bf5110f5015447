import type { MonitorEventList, Timers } from "#engine";
import { EventLists } from "../event-queue.ts";
import type { EventsPort } from "./ports.ts";

/** The tag, and the attachment, of sockets that watch all tasks; no id of a task is like that. */
const EVENTS = "events";
/** Sockets on one shard: each gets every list. */
const MAX_WATCHERS = 100;

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

  /** Opens a watch. 503: there are enough. */
  open(): Response {
    if (this.#count >= MAX_WATCHERS) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [EVENTS]);
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
