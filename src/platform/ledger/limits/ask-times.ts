import { REMEMBERS_MS } from "../../idle.ts";
import { ALL, type Want } from "../../limiter/protocol.ts";

/** Keys that would be asked for within this time are asked for together with those that are due now. */
const TOGETHER_MS = 250;
/** Keys of 200 characters that outlive an object: a row has room for as many that were served and as many that wait. */
const MAX_KEPT = 500;

interface Wait {
  readonly at: number;
  /** The limiter has it in a line, and calls. */
  readonly isInLine: boolean;
}

/**
 * When to ask the limiter of one task name for what: nothing is asked for before the time that it said,
 * for this key or for all calls, unless it calls. Times are epoch ms.
 */
export class AskTimes {
  /** What the limiter refused, by resource. */
  readonly #waits = new Map<string, Wait>();
  /** Keys without due tasks, and when the first of theirs is due. */
  readonly #idleUntil = new Map<string, number>();
  /** Keys that got something, the one that was served longest ago first. */
  readonly #served: Set<string>;

  /** @param served keys, the one that was served longest ago first */
  constructor(served: readonly string[]) {
    this.#served = new Set(served);
  }

  /** When tasks of a key may be asked for; 0: now. */
  at(key: string): number {
    const own = this.#waits.get(key)?.at ?? 0;
    return Math.max(own, this.opensAt, this.#idleUntil.get(key) ?? 0);
  }

  /** Whether it was a rate that held tasks of a key up, and no want of places, when the limiter was asked last. */
  isPaced(key: string): boolean {
    const waits = [this.#waits.get(key), this.#waits.get(ALL)].filter((wait) => wait !== undefined);
    return waits.length > 0 && waits.every(({ isInLine }) => !isInLine);
  }

  /** Whether a key has nothing due, as far as is known. */
  isIdle(key: string, now: number): boolean {
    return (this.#idleUntil.get(key) ?? 0) > now;
  }

  /** When anything at all may be asked for; 0: now. */
  get opensAt(): number {
    return this.#waits.get(ALL)?.at ?? 0;
  }

  /** Whether anything at all may be asked for. */
  isOpen(now: number): boolean {
    return this.opensAt <= now;
  }

  /** Whether several keys wait for the places of all. */
  areCompeting(keys: ReadonlySet<string>, now: number): boolean {
    if (this.#waits.get(ALL)?.isInLine !== true) return false;
    return [...keys].filter((key) => !this.isIdle(key, now)).length > 1;
  }

  /** Whether a key is to be asked for in a request that is made now. */
  isDueWithOthers(key: string, now: number): boolean {
    return this.isOpen(now) && this.at(key) <= now + TOGETHER_MS;
  }

  /** Whether anything was refused. */
  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** When something that was refused may be asked for next, after `now`; null: nothing was. */
  next(now: number): number | null {
    if (!this.isOpen(now)) return this.opensAt;
    let next: number | null = null;
    for (const { at } of this.#waits.values()) {
      if (at > now && (next === null || at < next)) next = at;
    }
    return next;
  }

  /**
   * Keys in the order of their turns: those that were not served lately, then the others. Of more keys than are
   * remembered the same ones would be first again and again: so they go on in the alphabet after the last one.
   */
  inTurn(keys: ReadonlySet<string>): string[] {
    for (const key of this.#served) {
      if (this.#served.size <= MAX_KEPT) break;
      if (!keys.has(key)) this.#served.delete(key);
    }
    const others = [...keys].filter((key) => !this.#served.has(key)).sort();
    const last = [...this.#served].at(-1) ?? "";
    const next = others.filter((key) => key > last);
    const rest = others.slice(0, others.length - next.length);
    return [...next, ...rest, ...[...this.#served].filter((key) => keys.has(key))];
  }

  /** The keys that were served last, the one that was longest ago first. */
  servedLast(): string[] {
    return [...this.#served].slice(-MAX_KEPT);
  }

  /** Keys of which the limiter said that their next start is far off, and when to ask for it: the first ones. */
  farOff(now: number): (readonly [key: string, at: number])[] {
    return [...this.#waits]
      .filter(([key, { at, isInLine }]) => key !== ALL && !isInLine && at - now > REMEMBERS_MS)
      .map(([key, { at }]) => [key, at] as const)
      .sort(([, a], [, b]) => a - b)
      .slice(0, MAX_KEPT);
  }

  /** The limiter has answered. */
  answered(wants: readonly Want[], granted: Iterable<string>): void {
    if (wants.length > 0) this.#waits.delete(ALL);
    for (const { key } of wants) this.#waits.delete(key);
    for (const key of granted) {
      this.#served.delete(key);
      this.#served.add(key);
    }
  }

  /** A resource is not to be asked for before this time, unless the limiter calls. */
  wait(resource: string, at: number, isInLine: boolean): void {
    this.#waits.set(resource, { at, isInLine });
  }

  /** The limiter calls: these resources may be free. */
  called(resources: Iterable<string>): void {
    for (const resource of resources) {
      const wait = this.#waits.get(resource);
      if (wait !== undefined) this.#waits.set(resource, { ...wait, at: 0 });
    }
  }

  /** What was said holds no longer. */
  reset(): void {
    this.called([...this.#waits.keys()]);
    this.#idleUntil.clear();
  }

  /** Nothing of a key is due before this time. */
  rest(key: string, until: number): void {
    this.#idleUntil.set(key, until);
  }

  /** Tasks of a key came or went. */
  stir(key: string): void {
    this.#idleUntil.delete(key);
  }

  /** A resource is not waited for any more. @returns whether it was: the limiter leaves it a place or a turn */
  leave(resource: string): boolean {
    return this.#waits.delete(resource);
  }

  /** Forgets all keys but these. @returns those among them that were waited for */
  keepOnly(keys: ReadonlySet<string>): string[] {
    for (const key of this.#idleUntil.keys()) if (!keys.has(key)) this.#idleUntil.delete(key);
    const gone = [...this.#waits.keys()].filter((key) => key !== ALL && !keys.has(key));
    return gone.filter((key) => this.leave(key));
  }
}
