import { World } from "../../../src/testing/world.ts";
import type { MixReport } from "../mix.ts";
import { Violation } from "../violation.ts";
import { Chaos, type FaultRates } from "./chaos.ts";
import { Duties } from "./duties.ts";
import { ShopDeployment } from "./shop-deployment.ts";
import { ShopDoor } from "./shop-door.ts";
import { ShopOracle, WATCHING } from "./shop-oracle.ts";
import { withSimCrypto } from "./sim-crypto.ts";
import { Visitors } from "./visitors.ts";
import { Webhooks } from "./webhooks.ts";

/** Faults happen for this long; the last visitor comes some minutes before. */
const CHAOS_MS = 720_000;
const VISITS_MS = 480_000;
const OUTAGE_MS = 600_000;
const SHORT_OUTAGE_MS = 240_000;
/** All is at its end after so long without faults: twice a lease and ten minutes. */
const CALM_MS = 2 * (30_000 + 600_000);
/** Mail waits an hour between two tries at most, and a quarter of an hour for the sweep. */
const MAIL_CALM_MS = 4_500_000;
const MINUTE_MS = 60_000;
const DAYS_LATE_MS = 3 * 86_400_000;
/** Tasks that one order sets off, with its payments, events and what is asked for it afterwards. */
const TASKS_PER_ORDER = 4;
/** Those of everything besides, in a history of 1,000. */
const OTHERS_SHARE = 0.12;

/** One history of a shop, from one seed: a busy quarter of an hour in which all that may fail does, and calm. */
export class ShopHistory {
  readonly world: World;
  readonly deployment: ShopDeployment;
  readonly visitors: Visitors;
  readonly #chaos: Chaos;
  readonly #webhooks: Webhooks;
  readonly #duties: Duties;
  readonly #oracle: ShopOracle;

  private constructor(seed: number, rates: FaultRates) {
    const world = new World(seed);
    const chaos = new Chaos(world, rates);
    this.world = world;
    this.#chaos = chaos;
    this.deployment = new ShopDeployment({
      ...{ world, chaos, isMailIdempotent: seed % 2 === 1, watching: WATCHING },
      tell: (event) => {
        this.#told(event);
      },
    });
    const door = new ShopDoor(this.deployment);
    this.#webhooks = new Webhooks(this.deployment, door);
    this.visitors = new Visitors(this.deployment, door);
    this.#duties = new Duties(this.deployment);
    this.#oracle = new ShopOracle(this.deployment, this.visitors, this.#webhooks);
    this.deployment.d1.answered = () => {
      this.#watched(() => {
        this.#oracle.checkRelayed();
      });
    };
  }

  /**
   * @param note told what happens, line by line
   * @throws Violation whose message begins with the guarantee
   */
  static run(
    seed: number,
    tasks: number,
    rates: FaultRates,
    note: (line: string) => void,
  ): Promise<MixReport> {
    return withSimCrypto(new World(seed + 1_000_003), async () => {
      const history = new ShopHistory(seed, rates);
      history.world.tellTo(note);
      try {
        return await history.#run(tasks);
      } finally {
        history.deployment.close();
      }
    });
  }

  async #run(tasks: number): Promise<MixReport> {
    const { world, deployment } = this;
    const start = world.now();
    const others = tasks * OTHERS_SHARE;
    this.visitors.plan({
      orders: Math.ceil((tasks - others) / TASKS_PER_ORDER),
      registrations: Math.ceil(others / 4),
      calls: Math.ceil(others / 2),
      bulks: Math.ceil(tasks / 1_000),
      uploads: this.#chaos.rateOf("store get fails") > 0 ? Math.ceil(others / 6) : 0,
      ms: VISITS_MS,
    });
    this.#planOutages();
    this.#duties.wake();
    await this.#until(start + CHAOS_MS);
    world.note("all is calm");
    this.#chaos.isOver = true;
    for (let minute = 0; minute < CALM_MS / MINUTE_MS; minute += 1) {
      this.#askRefunds();
      await this.#until(world.now() + MINUTE_MS);
    }
    const waits = this.#oracle.whatWaits(true);
    if (waits !== null) throw new Violation(`G1: after ${CALM_MS} ms of calm there are ${waits}`);
    while (this.#oracle.whatWaits() !== null && world.now() < start + CHAOS_MS + MAIL_CALM_MS) {
      await this.#until(world.now() + MINUTE_MS);
    }
    this.#duties.sleep();
    await this.#until(world.now() + 30_000);
    this.#checkEnded();
    await this.#hearTheLate(start);
    const [{ count } = { count: 0 }] = deployment.d1.peek<{ count: number }>(
      "SELECT count(*) AS count FROM tasks",
    );
    return { tasks: count, faults: this.#chaos.counts, events: this.#oracle.events };
  }

  /** What is told and run again days later; then the books are compared, and there is nothing that differs. */
  async #hearTheLate(start: number): Promise<void> {
    const { world } = this;
    const unpaid = this.#deadPayments();
    if (this.#webhooks.pending > 0 || unpaid.length > 0) {
      await this.#until(start + DAYS_LATE_MS);
      for (const id of unpaid) void this.visitors.askReplay(id);
      await this.#awake(CHAOS_MS + CALM_MS);
    }
    if (this.#webhooks.pending > 0) {
      throw new Violation(`${this.#webhooks.pending} events were never taken`);
    }
    // What moved last is compared when it has been still for a while.
    await this.#until(world.now() + 3_600_000);
    void this.#duties.reconcile("the end");
    await this.#awake(600_000);
    this.#checkEnded();
    this.#oracle.check();
    this.#checkReconciled();
  }

  async #awake(ms: number): Promise<void> {
    this.#duties.wake();
    await this.#until(this.world.now() + ms);
    this.#duties.sleep();
    await this.#until(this.world.now() + 30_000);
  }

  async #until(time: number): Promise<void> {
    while (await this.world.step(time)) {
      if (this.deployment.violation !== null) throw this.deployment.violation;
    }
  }

  #watched(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (error instanceof Violation) this.deployment.broken(error);
      throw error;
    }
  }

  #checkEnded(): void {
    const waits = this.#oracle.whatWaits();
    if (waits !== null) throw new Violation(`G1: after all that time there are ${waits}`);
  }

  #checkReconciled(): void {
    const { d1 } = this.deployment;
    const [run] = d1.peek("SELECT * FROM payment_reconciliations");
    if (run === undefined) throw new Violation("G9: the books were never compared");
    const [open] = d1.peek("SELECT * FROM payment_differences WHERE resolved_at IS NULL");
    if (open !== undefined) throw new Violation(`G9: the books differ: ${JSON.stringify(open)}`);
  }

  #planOutages(): void {
    const { world, deployment } = this;
    const plan = (
      fault: "d1 down" | "mail down" | "gateway down",
      ms: number,
      down: () => void,
    ) => {
      if (this.#chaos.rateOf(fault) > 0) world.after(world.between(10_000, CHAOS_MS - ms), down);
    };
    plan("d1 down", OUTAGE_MS, () => {
      deployment.d1.goDown(OUTAGE_MS);
    });
    plan("mail down", SHORT_OUTAGE_MS, () => {
      deployment.mail.goDown(SHORT_OUTAGE_MS);
    });
    plan("gateway down", SHORT_OUTAGE_MS, () => {
      deployment.gateway.goDown(SHORT_OUTAGE_MS);
    });
  }

  /**
   * Payments that the gateway's own errors outlasted, and nobody knows their outcome: it repeats an error for a day,
   * whoever asks. Then a person has them run again.
   */
  #deadPayments(): string[] {
    const rows = this.deployment.d1.peek<{ id: string }>(
      `SELECT t.id FROM orders o JOIN payments p ON p.order_id = o.id JOIN tasks t ON t.id = p.task_id
        WHERE o.state IN ('pending', 'payment_failed') AND p.state = 'charging' AND t.is_dead_lettered = 1`,
    );
    return rows.map(({ id }) => id);
  }

  /** What the gateway refused to give back stays a person's business, who asks for it again when they hear of it. */
  #askRefunds(): void {
    const rows = this.deployment.d1.peek<{ id: string }>(
      `SELECT o.id FROM orders o JOIN payments p ON p.order_id = o.id
        WHERE o.state = 'cancelled' AND p.state = 'captured' AND p.refusals > 0`,
    );
    for (const { id } of rows) void this.visitors.askRefund(id);
  }

  #told(event: Parameters<Webhooks["tell"]>[0]): void {
    this.#webhooks.tell(event);
    if (event.type !== "payment.captured") return;
    const { book } = this.deployment.gateway;
    const charge = book.ofOrder(event.orderId).find(({ status }) => status === "captured");
    if (charge === undefined) return;
    if (this.#chaos.happens("webhook disputed")) {
      this.world.after(20_000, () => {
        book.dispute(charge);
      });
    }
    if (this.#chaos.happens("gateway refunds by itself")) {
      this.world.after(this.world.between(0, 60_000), () => {
        const left = charge.amountMinor - charge.refundedMinor;
        if (left > 0) book.refund(charge, left);
      });
    }
  }
}
