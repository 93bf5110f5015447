import { never, type World } from "../../../src/testing/world.ts";
import { Process } from "../process.ts";
import type { Chaos } from "./chaos.ts";

/** What a process of the shop is, by which it dies. */
export type ProcessKind = "consumer" | "request" | "duty" | "ledger" | "person";

/**
 * A process of the shop: whatever it has from outside it has through `call`, and dies before or after one. A
 * person's never does.
 */
export class ShopProcess extends Process {
  readonly #world: World;
  readonly #chaos: Chaos;
  readonly #kind: ProcessKind;
  readonly #onDeath: (() => void)[] = [];
  /** Calls of the database that went wrong: what it meant to write down may not be there. */
  d1Failures = 0;

  constructor(world: World, chaos: Chaos, kind: ProcessKind) {
    super(world, `a ${kind}`);
    this.#world = world;
    this.#chaos = chaos;
    this.#kind = kind;
  }

  override die(): void {
    if (this.isDead) return;
    super.die();
    for (const told of this.#onDeath) told();
  }

  onDeath(told: () => void): void {
    this.#onDeath.push(told);
  }

  /** Rejects what was asked of it as the process dies. */
  mayDie(): void {
    if (this.#kind === "person" || this.isDead) return;
    if (this.#chaos.happens(`${this.#kind} dies`)) this.die();
  }

  /**
   * A call of something outside, which goes on there whatever becomes of the caller.
   * @param ms that it takes at most to get there
   */
  async call<T>(ms: number, run: () => T | Promise<T>): Promise<T> {
    this.mayDie();
    if (this.isDead) return never();
    await this.sleep(this.#world.between(0, ms));
    const asked = this.#chaos.tripwire.async(
      async () => run(),
      () => {
        this.die();
      },
    );
    try {
      return await this.wait(asked);
    } finally {
      this.mayDie();
      if (this.isDead) await never();
    }
  }
}
