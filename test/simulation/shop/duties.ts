import type { Signature } from "#engine";
import { sendPendingEmails } from "../../../src/domain/notifications/send-pending-emails.ts";
import { reconcilePayments } from "../../../src/domain/payments/reconcile-payments.ts";
import { settleUnknownPayments } from "../../../src/domain/payments/settle-payments.ts";
import type { ShopDeployment } from "./shop-deployment.ts";

const WATCHDOG_MS = 30_000;
const MINUTE_MS = 60_000;
/** As its tasks declare it; the reconciliation comes with every history's end besides. */
const SCHEDULES: readonly (readonly [minutes: number, call: () => Signature])[] = [
  [5, () => settleUnknownPayments.s({})],
  [15, () => sendPendingEmails.s({})],
];
const TRIES = 20;
const AGAIN_MS = 5_000;

/** What the deployment does by itself: the watchdog's rounds, and the schedules. */
export class Duties {
  readonly #deployment: ShopDeployment;
  #isAwake = false;

  constructor(deployment: ShopDeployment) {
    this.#deployment = deployment;
  }

  wake(): void {
    this.#isAwake = true;
    this.#watch();
    for (const [minutes, call] of SCHEDULES) this.#slot(minutes * MINUTE_MS, call);
  }

  /** Nothing is expected any more: the world stands still but for what somebody sets off. */
  sleep(): void {
    this.#isAwake = false;
  }

  async reconcile(key: string): Promise<void> {
    await this.#submit(reconcilePayments.s({}), key);
  }

  /** Each duty by itself: what one dies of keeps no other back. */
  round(): void {
    const outbox = this.#deployment.process("duty");
    this.#deployment
      .connect(outbox)
      .outbox.sweep()
      .catch(() => undefined);
    for (const shard of this.#deployment.shards) {
      const tick = this.#deployment.process("duty");
      shard
        .call(tick, (ledger) => {
          ledger.tick();
        })
        .catch(() => undefined);
    }
  }

  #watch(): void {
    this.#deployment.world.after(WATCHDOG_MS, () => {
      if (!this.#isAwake) return;
      this.round();
      this.#watch();
    });
  }

  #slot(ms: number, call: () => Signature): void {
    const { world } = this.#deployment;
    const at = (Math.floor(world.now() / ms) + 1) * ms;
    world.after(at - world.now(), () => {
      if (!this.#isAwake) return;
      void this.#submit(call(), String(at));
      this.#slot(ms, call);
    });
  }

  /** As the clock of the schedules does it: a slot has one task, however often it is submitted. */
  async #submit(call: Signature, slot: string): Promise<void> {
    const { world } = this.#deployment;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const process = this.#deployment.process("person");
      const lovage = this.#deployment.connect(process).lovageFor("system");
      try {
        await lovage.send(call, { route: call.task, key: slot });
        return;
      } catch {
        await world.sleep(AGAIN_MS);
      }
    }
  }
}
