import { World } from "../../../src/testing/world.ts";
import type { Tripwire } from "../tripwire.ts";
import { Violation } from "../violation.ts";
import { Chaos } from "./chaos.ts";
import { Duties } from "./duties.ts";
import { forgetSeen, scenarioRegistry } from "./scenario-tasks.ts";
import { ShopDeployment } from "./shop-deployment.ts";
import { ShopDoor, type Answer } from "./shop-door.ts";
import { ShopOracle, WATCHING, type TaskRow } from "./shop-oracle.ts";
import { withSimCrypto } from "./sim-crypto.ts";
import { insist, Visitors } from "./visitors.ts";
import { Webhooks } from "./webhooks.ts";

/** Everything has ended by then, a lost mail's hour included. */
const MOST_MS = 5_400_000;
const LOOK_MS = 15_000;

/** A short history of the shop, of which everything is known. */
export interface Scenario {
  readonly isMailIdempotent?: boolean;
  /** Sets it going; what it waits for is over when it resolves. */
  readonly begin: (stage: Stage) => Promise<void>;
  /** What has to be true in the end, besides all promises. */
  readonly check: (stage: Stage) => void;
}

/** Where a scenario is played: a deployment, its door, its duties, and people who insist. */
export class Stage {
  readonly world = new World(1);
  readonly deployment: ShopDeployment;
  readonly door: ShopDoor;
  readonly visitors: Visitors;
  readonly webhooks: Webhooks;
  readonly #oracle: ShopOracle;
  readonly #duties: Duties;

  constructor(tripwire: Tripwire, isMailIdempotent: boolean) {
    const { world } = this;
    const chaos = new Chaos(world, {}, tripwire);
    this.deployment = new ShopDeployment({
      ...{ world, chaos, isMailIdempotent, watching: WATCHING, registry: scenarioRegistry },
      tell: (event) => {
        this.webhooks.tell(event);
      },
    });
    this.door = new ShopDoor(this.deployment);
    this.visitors = new Visitors(this.deployment, this.door);
    this.webhooks = new Webhooks(this.deployment, this.door);
    this.#oracle = new ShopOracle(this.deployment, this.visitors, this.webhooks);
    this.#duties = new Duties(this.deployment);
  }

  insist(ask: () => Promise<Answer>): Promise<Answer> {
    return insist(this.world, ask);
  }

  /** An order of 10.00 by somebody who can be reached. */
  async placeOrder(id: string, paymentMethod: string): Promise<void> {
    const email = `${id}@example.com`;
    const wish = { ...{ id, email, amountMinor: 1_000, sellers: new Set<number>() } };
    const heard = { isPlaced: false, paidAgain: 0, maybePaidAgain: 0, isCancelGranted: false };
    const told = { ...wish, ...heard };
    this.visitors.wishes.set(id, told);
    const body = { orderId: id, userId: 1, totalAmount: 10, customerEmail: email, paymentMethod };
    const { status } = await this.insist(() => this.door.post("/api/create-order", { body }));
    told.isPlaced = status === 200;
  }

  async cancel(id: string): Promise<void> {
    const { status } = await this.insist(() => this.door.post("/api/orders/:id/cancel", { id }));
    const wish = this.visitors.wishes.get(id);
    if (wish !== undefined) wish.isCancelGranted = status === 200;
  }

  /** Tasks of a name that have ended. */
  ended(name: string): TaskRow[] {
    return this.deployment.d1.peek<TaskRow>("SELECT * FROM tasks WHERE name = ? ORDER BY id", name);
  }

  must(isTrue: boolean, what: string): void {
    if (!isTrue) throw new Violation(what);
  }

  async play({ begin, check }: Scenario): Promise<void> {
    const { world } = this;
    const end = world.now() + MOST_MS;
    this.#duties.wake();
    let isBegun = false;
    let failure = null as { readonly error: unknown } | null;
    begin(this).then(
      () => {
        isBegun = true;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
    const isOver = () =>
      isBegun && this.webhooks.pending === 0 && this.#oracle.whatWaits() === null;
    while (!isOver()) {
      if (failure !== null) throw failure.error;
      if (world.now() >= end) throw new Violation(`it never ended: ${this.#oracle.whatWaits()}`);
      await world.run(world.now() + LOOK_MS);
      if (this.deployment.violation !== null) throw this.deployment.violation;
    }
    this.#duties.sleep();
    this.#oracle.check();
    check(this);
  }
}

/** Plays a scenario with the calls of this tripwire going wrong. */
export function play(scenario: Scenario, tripwire: Tripwire): Promise<void> {
  return withSimCrypto(new World(7), async () => {
    forgetSeen();
    const stage = new Stage(tripwire, scenario.isMailIdempotent === true);
    try {
      await stage.play(scenario);
    } finally {
      stage.deployment.close();
    }
  });
}
