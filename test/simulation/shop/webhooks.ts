import { createHmac } from "node:crypto";
import type { PaymentEvent, PaymentNotice } from "#domain/payments";
import type { World } from "../../../src/testing/world.ts";
import { Violation } from "../violation.ts";
import type { Chaos } from "./chaos.ts";
import { WEBHOOK_SECRET, type ShopDeployment } from "./shop-deployment.ts";
import type { ShopDoor } from "./shop-door.ts";

type Told = PaymentEvent | PaymentNotice;

const PATH = "/api/payments/webhook";
/** A gateway tells an event again after so long, s, until somebody takes it; then every ten minutes. */
const AGAIN_S = [5, 20, 60, 180];
const LAST_AGAIN_S = 600;
const STALE_S = 301;
const LATE_MS = 600_000;
const DAYS_LATE_MS = 3 * 86_400_000;

/** How the gateway tells: again and again until it is heard, twenty times over, in any order, days late. And liars. */
export class Webhooks {
  readonly #deployment: ShopDeployment;
  readonly #door: ShopDoor;
  readonly #world: World;
  readonly #chaos: Chaos;
  /** Events that the shop said it has. */
  readonly heard = new Set<string>();
  /** Events that liars told, and that were out of date; none of them is ever stored. */
  readonly lies = new Set<string>();
  /** Events with a good signature that say something else than their order does. */
  readonly odd = new Set<string>();
  /** That many are on their way still. */
  pending = 0;
  /** Null: it tells what happens as it happens. Else it keeps it here. */
  held: Told[] | null = null;

  constructor(deployment: ShopDeployment, door: ShopDoor) {
    this.#deployment = deployment;
    this.#door = door;
    this.#world = deployment.world;
    this.#chaos = deployment.chaos;
  }

  tell(event: Told): void {
    if (this.held !== null) {
      this.held.push(event);
      return;
    }
    const world = this.#world;
    const chaos = this.#chaos;
    const isDaysLate = chaos.happens("webhook days late");
    const isLate = chaos.happens("webhook late");
    const delay = isDaysLate ? DAYS_LATE_MS : world.between(0, isLate ? LATE_MS : 5_000);
    this.pending += 1;
    world.after(delay, () => void this.#insist(event, 0));
    if (chaos.happens("webhook duplicate")) {
      for (let copies = world.between(1, 19); copies > 0; copies -= 1) {
        world.after(delay + world.between(0, 60_000), () => void this.#send(event));
      }
    }
    if (chaos.happens("webhook forged")) {
      world.after(
        world.between(0, 5_000),
        () => void this.#lie(event, "whsec_of_somebody_else", 0),
      );
    }
    if (chaos.happens("webhook stale")) {
      world.after(world.between(0, 5_000), () => void this.#lie(event, WEBHOOK_SECRET, STALE_S));
    }
    if ("orderId" in event && chaos.happens("webhook of another amount")) {
      const id = `${event.id}_odd`;
      this.odd.add(id);
      const told = { ...event, id, amountMinor: event.amountMinor + 1 };
      world.after(world.between(0, 5_000), () => void this.#send(told));
    }
  }

  /** Tells what it kept, once. */
  async tellHeld(event: Told): Promise<void> {
    if ((await this.#send(event)) === 200) this.heard.add(event.id);
  }

  async #insist(event: Told, tries: number): Promise<void> {
    const status = await this.#send(event);
    if (status >= 200 && status < 300) {
      this.pending -= 1;
      this.heard.add(event.id);
      return;
    }
    const seconds = AGAIN_S[tries] ?? LAST_AGAIN_S;
    this.#world.after(seconds * 1_000, () => void this.#insist(event, tries + 1));
  }

  /** Something that did not happen. */
  async #lie(event: Told, secret: string, ageSeconds: number): Promise<void> {
    const lie = { ...event, id: `${event.id}_lie`, type: "payment.refunded" } as Told;
    this.lies.add(lie.id);
    const status = await this.#send(lie, secret, ageSeconds);
    if (status !== 400 && status !== 0) {
      this.#deployment.broken(new Violation(`G10: a lie was answered ${status}`));
    }
  }

  async #send(event: Told, secret = WEBHOOK_SECRET, ageSeconds = 0): Promise<number> {
    const body = new TextEncoder().encode(JSON.stringify(event));
    const time = Math.floor(this.#world.now() / 1_000) - ageSeconds;
    const hmac = createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
    const headers = { "Stripe-Signature": `t=${time},v1=${hmac}` };
    return (await this.#door.post(PATH, { body, headers })).status;
  }
}
