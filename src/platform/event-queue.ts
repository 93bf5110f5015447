import { MAX_LISTED_EVENTS, type MonitorEvent, type MonitorEventList, type Timers } from "#engine";

/** Events that wait to be handed on: at most so many, what comes on top is only counted. */
export class EventQueue {
  readonly #capacity: number;
  #events: MonitorEvent[] = [];
  #missed = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#missed === 0;
  }

  get room(): number {
    return this.#capacity - this.#events.length;
  }

  add({ events, missed }: MonitorEventList): void {
    const { room } = this;
    const taken = events.length <= room ? events : events.slice(0, room);
    for (const event of taken) this.#events.push(event);
    this.#missed += missed + events.length - taken.length;
  }

  /** Takes the oldest out, as one list. */
  take(): MonitorEventList {
    const events = this.#events.splice(0, MAX_LISTED_EVENTS);
    const missed = this.#missed;
    this.#missed = 0;
    return { events, missed };
  }
}

/** Events are gathered for so long. */
const LIST_MS = 100;

/** Gathers what happens into lists: one every LIST_MS at most, and none while nothing happens. */
export class EventLists {
  readonly #timers: Timers;
  readonly #send: (list: MonitorEventList) => void;
  readonly #queue = new EventQueue(MAX_LISTED_EVENTS);
  #isTimed = false;

  constructor(timers: Timers, send: (list: MonitorEventList) => void) {
    this.#timers = timers;
    this.#send = send;
  }

  get room(): number {
    return this.#queue.room;
  }

  add(list: MonitorEventList): void {
    this.#queue.add(list);
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#timers.after(LIST_MS, () => {
      this.#isTimed = false;
      this.#send(this.#queue.take());
    });
  }
}
