import type { Clock, Timers } from "#engine";
import { never, type World } from "../../src/testing/world.ts";

/**
 * One simulated operating system process: everything that reaches its code comes through `wait`, `after`
 * or `sleep`. Once dead nothing does; while it stands still all waits until it goes on.
 */
export class Process implements Clock, Timers {
  readonly #world: World;
  readonly #what: string;
  #isDead = false;
  #frozenUntil = 0;

  /** @param what it is, as the trace names it */
  constructor(world: World, what = "a consumer") {
    this.#world = world;
    this.#what = what;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  now(): number {
    return this.#world.now();
  }

  die(): void {
    if (!this.#isDead) this.#world.note(`${this.#what} dies`);
    this.#isDead = true;
  }

  freeze(ms: number): void {
    this.#world.note(`${this.#what} stands still for ${ms}`);
    this.#frozenUntil = this.#world.now() + ms;
  }

  after(ms: number, fn: () => void): () => void {
    let isCancelled = false;
    const cancel = this.#world.after(ms, () => {
      this.#resume(() => {
        if (!isCancelled) fn();
      });
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** What comes from outside: an answer or an error, if the process lives to see it. */
  wait<T>(promise: Promise<T>): Promise<T> {
    if (this.#isDead) return never();
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          this.#resume(() => {
            resolve(value);
          });
        },
        (error: unknown) => {
          this.#resume(() => {
            reject(error);
          });
        },
      );
    });
  }

  #resume(fn: () => void): void {
    if (this.#isDead) return;
    const pause = this.#frozenUntil - this.#world.now();
    if (pause > 0) this.#world.after(pause, () => this.#resume(fn));
    else fn();
  }
}
