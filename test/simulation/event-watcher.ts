import { MAX_LISTED_EVENTS, type MonitorEvent, type Timers } from "#engine";
import { EventLists } from "#platform/event-queue.ts";
import type { EventsPort } from "#platform/ledger/ports.ts";
import type { Model } from "./model.ts";
import { Violation } from "./violation.ts";

interface Told {
  sent: number;
  started: number;
  retried: number;
  rejected: number;
  ended: number;
}

const NOTHING: Told = { sent: 0, started: 0, retried: 0, rejected: 0, ended: 0 };

/**
 * Watches all tasks of a ledger in every second history. What is told has happened, and nothing that happened is
 * left out; what comes in lists, and what these say was missed, is all that was told.
 */
export class EventWatcher {
  readonly #model: Model;
  readonly #isWatched: boolean;
  readonly #told = new Map<string, Told>();
  /** Of the object as it is now: told, and not in a list yet. */
  #open = 0;

  constructor(model: Model, seed: number) {
    this.#model = model;
    this.#isWatched = seed % 2 === 0;
  }

  /** The port of a new object: what the one before it had gathered is gone with it. */
  portOf(timers: Timers, watched: <T>(look: () => T) => T): EventsPort {
    this.#open = 0;
    const lists = new EventLists(timers, ({ events, missed }) => {
      this.#open -= events.length + missed;
      const isWhole = this.#open === 0 && (missed === 0 || events.length === MAX_LISTED_EVENTS);
      if (!isWhole) watched(() => fail(`a list of ${events.length} and ${missed} missed`));
    });
    return {
      room: this.#isWatched ? Infinity : null,
      happened: (list) => {
        for (const event of list.events) watched(() => this.#tell(event));
        this.#open += list.events.length;
        lists.add(list);
      },
    };
  }

  /** At the end of a history. */
  check(): void {
    if (!this.#isWatched) return;
    for (const [id, { claims, retries, end }] of this.#model.tasks) {
      const { started, retried, rejected, ended } = this.#told.get(id) ?? NOTHING;
      if (ended !== 1) fail(`${ended} events tell of the end of ${id}`);
      if (started !== claims) fail(`${started} events tell of ${claims} starts of ${id}`);
      if (retried !== retries) fail(`${retried} events tell of ${retries} retries of ${id}`);
      // Every attempt ends in a way, the last one maybe with its task.
      const last = end?.outcome === null ? 0 : 1;
      if (retried + rejected + last !== started) fail(`an attempt of ${id} has no end`);
    }
  }

  #tell({ type, uuid, state, owner, retries }: MonitorEvent): void {
    const task = this.#model.tasks.get(uuid);
    if (task === undefined) fail(`${type} of ${uuid}, which nobody knows`);
    if (task.spec.owner !== owner) fail(`${type} of ${uuid} says that it is ${owner}'s`);
    const told = this.#told.get(uuid) ?? { ...NOTHING };
    this.#told.set(uuid, told);
    if (told.ended > 0) fail(`${type} of ${uuid} comes after its end`);
    if (type === "task-sent") told.sent += 1;
    else if (type === "task-started") told.started += 1;
    else if (type === "task-retried") told.retried += 1;
    else if (type === "task-rejected") told.rejected += 1;
    else if (type !== "task-custom") {
      told.ended += 1;
      const { end } = task;
      if (end?.state !== state) fail(`${type} of ${uuid} says ${state} instead of ${end?.state}`);
      if (task.retries !== retries) fail(`${type} of ${uuid} says that it had ${retries} retries`);
    }
    if (told.sent > 1) fail(`${uuid} was sent twice`);
    if (told.sent === 0 && told.started > 0) fail(`${uuid} started before it was sent`);
  }
}

function fail(what: string): never {
  throw new Violation(what);
}
