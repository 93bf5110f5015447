import { setTimeout as pause } from "node:timers/promises";
import type { Finding } from "./checker.ts";
import { POISONED_ORDER, type Moment } from "./outside.ts";
import { Session, type SessionOptions } from "./session.ts";

const LANES = 12;
/** Tasks under way beyond which the lanes make no more: a server that dies every few seconds does less. */
const MAX_BACKLOG = 600;
const BACKLOG_LOOK_MS = 250;
/** Of the looks for something to do, ten milliseconds apart, while the server is away. */
const CALLS_WHILE_AWAY = 0.01;
/** A kill at any moment comes after so many calls at most, whatever the machine's speed. */
const ANY_CALLS = 60;
/** None is waited for longer. */
const ROUND_MS = 3_000;
/** Half of the kills come at a marker, each as often as another. */
const MARKERS: readonly Moment[] = [
  "gateway answered 200",
  "mail taken, not answered",
  "effect answered",
];
/** The data is brought back as it was so long ago, at least. */
const OLDER_MS = 60_000;
const COPY = "older";
/** What makes a task a dead letter: one loss in company, then three alone, each once the lease before it is over. */
const POISON_KILLS = 4;
const POISON_MS = 2 * 60_000;

export interface RefereeOptions extends SessionOptions {
  readonly kills: number;
  /** Told of the end of every round. */
  readonly onRound?: (round: number) => void;
}

export interface RefereeResults {
  readonly kills: number;
  readonly kills_at: Readonly<Record<string, number>>;
  readonly brought_back: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly tasks: number;
  readonly orders_sent_again: number;
  readonly polls: number;
  readonly seconds: number;
  readonly seconds_per_kill: number;
  readonly calm_seconds: number;
  readonly dead_letters_replayed: number;
  readonly findings: readonly Finding[];
}

/** Kills a deployment under load again and again, brings its data back older once, and looks at what is left. */
export async function referee(options: RefereeOptions): Promise<RefereeResults> {
  const session = await Session.start(options);
  const rounds = new Rounds(session);
  try {
    const startedAt = Date.now();
    await rounds.run(options);
    const seconds = (Date.now() - startedAt) / 1_000;
    await rounds.poison();
    const { findings, calmSeconds, deadLettersReplayed } = await session.end();
    const { kills } = options;
    const { workload, watcher } = session;
    const { tasks, ...calls } = workload.counts;
    return {
      ...{ kills, kills_at: rounds.killsAt, brought_back: session.undone.length, calls, tasks },
      ...{ orders_sent_again: rounds.ordersSentAgain, polls: watcher.polls },
      ...{
        seconds: Math.round(seconds),
        seconds_per_kill: Math.round((seconds / kills) * 10) / 10,
      },
      ...{ calm_seconds: calmSeconds, dead_letters_replayed: deadLettersReplayed, findings },
    };
  } finally {
    await session.stop();
  }
}

class Rounds {
  readonly killsAt: Record<string, number> = {};
  ordersSentAgain = 0;
  readonly #session: Session;
  /** Calls under way; and whether new ones are made. */
  #open = 0;
  #isPaused = false;
  #backlog = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  async run({ kills, onRound }: RefereeOptions): Promise<void> {
    for (let lane = 0; lane < LANES; lane += 1) this.#session.loop(1, () => this.#call());
    this.#session.loop(BACKLOG_LOOK_MS, () => {
      this.#backlog = this.#session.backlog();
    });
    this.#session.loop(1, () => (this.#mayCall ? this.#session.watcher.look() : pause(10)));
    let keptAt: number | null = null;
    for (let round = 1; round <= kills; round += 1) {
      const isOldEnough = keptAt !== null && Date.now() - keptAt > OLDER_MS;
      if (
        keptAt !== null &&
        this.#session.undone.length === 0 &&
        (isOldEnough || round === kills)
      ) {
        await this.#bringBack(keptAt);
      } else {
        await this.#kill();
        if (round === Math.ceil(kills / 4)) {
          keptAt = Date.now();
          this.#session.deployment.keep(COPY);
        }
        await this.#session.restart();
      }
      onRound?.(round);
    }
    await this.#settle();
  }

  /** Besides the kills asked for: an order whose payment has all killed whenever it runs, until it is a dead letter. */
  async poison(): Promise<void> {
    const { outside, workload } = this.#session;
    outside.isPoisoned = true;
    const order = workload.order(POISONED_ORDER, false);
    for (let kills = 0; kills < POISON_KILLS; kills += 1) {
      const isKilled = await this.#killAt("gateway asked for the poisoned order", POISON_MS);
      if (!isKilled) throw new Error("Nobody asked for the poisoned order.");
      await order;
      await this.#session.restart();
    }
    outside.isPoisoned = false;
  }

  /** Few ask while nobody is there. */
  get #mayCall(): boolean {
    const { deployment, random } = this.#session;
    const isThere = deployment.isUp || random() < CALLS_WHILE_AWAY;
    return isThere && !this.#isPaused && this.#backlog < MAX_BACKLOG;
  }

  async #call(): Promise<void> {
    if (!this.#mayCall) {
      await pause(10);
      return;
    }
    this.#open += 1;
    await this.#session.workload.one();
    this.#open -= 1;
  }

  /** Makes no more calls, and waits until none is under way. */
  async #settle(): Promise<void> {
    this.#isPaused = true;
    while (this.#open > 0) await pause(10);
  }

  async #kill(): Promise<void> {
    const { random } = this.#session;
    const isAny = random() < 0.5;
    const marker = MARKERS[Math.floor(random() * MARKERS.length)];
    if (isAny || marker === undefined) {
      await this.#ended(Math.floor(random() * ANY_CALLS));
      await this.#killNow("any");
    } else if (!(await this.#killAt(marker, ROUND_MS))) {
      await this.#killNow("any");
    }
  }

  /** @returns whether that moment came in time */
  async #killAt(moment: Moment, ms: number): Promise<boolean> {
    const { outside } = this.#session;
    const reached = Promise.withResolvers<void>();
    const killing: Promise<void>[] = [];
    outside.marker = {
      moment,
      // In the very turn in which it happens, before anything else does.
      act: () => {
        killing.push(this.#killNow(moment));
        reached.resolve();
      },
    };
    await Promise.race([reached.promise, pause(ms)]);
    outside.marker = null;
    await Promise.all(killing);
    return killing.length > 0;
  }

  /** Waits until so many calls more have ended. */
  async #ended(calls: number): Promise<void> {
    const { counts } = this.#session.workload;
    const made = () => counts.ok + counts.fail + counts.unknown;
    const [from, until] = [made(), Date.now() + ROUND_MS];
    while (made() < from + calls && Date.now() < until) await pause(1);
  }

  #killNow(moment: Moment | "any"): Promise<void> {
    this.killsAt[moment] = (this.killsAt[moment] ?? 0) + 1;
    return this.#session.kill(moment);
  }

  /**
   * A disk that is an older one: what was taken since then is not known any more, so its clients ask again, as
   * they would for an order that nobody knows. The gateway knows them all.
   */
  async #bringBack(keptAt: number): Promise<void> {
    const { journal, deployment, workload, watcher, undone } = this.#session;
    await this.#settle();
    await this.#killNow("any");
    journal.flush();
    journal.db.exec(`
      UPDATE calls SET outcome = 'undone' WHERE at >= ${keptAt} AND outcome <> 'fail';
      UPDATE orders SET outcome = 'undone' WHERE at >= ${keptAt} AND outcome <> 'fail';
    `);
    deployment.bringBack(COPY);
    const until = Date.now();
    watcher.forget();
    await this.#session.restart();
    undone.push({ from: keptAt, until, readyAt: Date.now() });
    journal.db.exec(`INSERT INTO undone VALUES (${keptAt}, ${until})`);
    const orders = journal.rows<{ id: string; is_declined: number }>(
      "SELECT id, is_declined FROM orders WHERE outcome = 'undone'",
    );
    await workload.repeatOrders(orders);
    this.ordersSentAgain = orders.length;
    this.#isPaused = false;
  }
}
