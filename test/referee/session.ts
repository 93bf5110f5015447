import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BUSY_MS, check, liveRows, type Finding, type Undone } from "./checker.ts";
import { Client } from "./client.ts";
import { Deployment } from "./deployment.ts";
import { Journal } from "./journal.ts";
import { Operator } from "./operator.ts";
import { Outside, type Moment } from "./outside.ts";
import { randomOf } from "./random.ts";
import { startTickers, stopTickers, type Ticker } from "./schedules.ts";
import { Watcher } from "./watcher.ts";
import { Webhooks } from "./webhooks.ts";
import { Workload } from "./workload.ts";

/** It is quiet at the latest so long after the last kill: a mail is in one hand for two minutes. */
export const CALM_MS = 5 * 60_000;
const LOOK_MS = 500;
const SPILL_MS = 100;
const WEBHOOKS_MS = 1_000;
/** It was found quiet so often in a row. */
const QUIET_LOOKS = 3;

export interface SessionOptions {
  readonly port: number;
  /** Everything that is in it is deleted. */
  readonly folder: string;
  readonly seed: number;
}

/** A deployment with a workload, the world around it, and those who watch: what the referee and the soak share. */
export class Session {
  readonly deployment: Deployment;
  readonly journal: Journal;
  readonly client: Client;
  readonly outside: Outside;
  readonly workload: Workload;
  readonly watcher: Watcher;
  readonly random: () => number;
  readonly undone: Undone[] = [];
  tickers: readonly Ticker[] = [];
  /** When the server was started last, and how often it was killed. */
  startedAt = 0;
  kills = 0;
  readonly #webhooks: Webhooks;
  readonly #loops: Promise<void>[] = [];
  #isOver = false;
  #backlog = 0;

  private constructor(
    deployment: Deployment,
    journal: Journal,
    outside: Outside,
    random: () => number,
  ) {
    this.deployment = deployment;
    this.journal = journal;
    this.outside = outside;
    this.random = random;
    this.client = new Client(deployment.url);
    this.watcher = new Watcher(this.client, journal);
    this.#webhooks = new Webhooks(this.client, outside);
    this.workload = new Workload({
      ...{ client: this.client, journal, random, receiverPort: outside.receiverPort },
      onTask: (id) => {
        this.watcher.add(id);
      },
    });
  }

  static async start({ port, folder, seed }: SessionOptions): Promise<Session> {
    const random = randomOf(seed);
    const deployment = new Deployment(port, folder);
    const journal = new Journal(join(folder, "journal.sqlite"));
    const outside = await Outside.start(journal, random);
    deployment.vars = outside.vars;
    const session = new Session(deployment, journal, outside, random);
    // Ends as a process that exits, and so ends its servers.
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => process.exit(1));
    await session.restart();
    session.tickers = await startTickers(session.client);
    session.loop(SPILL_MS, () => {
      outside.takeMails();
      outside.spill();
    });
    session.loop(WEBHOOKS_MS, () => session.#webhooks.deliver());
    return session;
  }

  /** Does something again and again until the session is over. */
  loop(everyMs: number, act: () => unknown): void {
    const run = async () => {
      while (!this.#isOver) {
        await act();
        await pause(everyMs);
      }
    };
    this.#loops.push(run());
  }

  async restart(): Promise<void> {
    await this.deployment.start();
    this.startedAt = Date.now();
  }

  /** Kills the server, and writes down when. */
  async kill(moment: Moment | "any"): Promise<void> {
    this.journal.add("kill", Date.now(), moment);
    this.kills += 1;
    await this.deployment.kill();
  }

  /** Tasks that have not ended, in all shards; while the server is away, as many as there were. */
  backlog(): number {
    // Whoever opens a file after a kill brings it in order: that is the server's to do.
    if (!this.deployment.isUp) return this.#backlog;
    const tasks = this.#live().filter(({ table }) => table === "tasks");
    this.#backlog = tasks.reduce((sum, { rows }) => sum + rows, 0);
    return this.#backlog;
  }

  /** Has everything come to its end, dead letters that were killed for included, and looks at it. */
  async end(): Promise<{
    readonly findings: Finding[];
    readonly calmSeconds: number;
    readonly deadLettersReplayed: number;
  }> {
    const { journal, client } = this;
    this.outside.setFaults(0, 1);
    const tickers = await stopTickers(client, this.tickers);
    await this.workload.repeatOrders(
      journal.rows("SELECT id, is_declined FROM orders WHERE outcome = 'unknown' LIMIT 1000"),
    );
    const startedAt = Date.now();
    const operator = new Operator(client);
    await this.#calm(operator);
    const calmSeconds = Math.round((Date.now() - startedAt) / 1_000);
    this.outside.takeMails();
    this.outside.writeCharges();
    const { polls } = this.watcher;
    const { deployment, undone } = this;
    const findings = await check({
      ...{ deployment, client, journal, tickers, polls, undone },
    });
    return { findings, calmSeconds, deadLettersReplayed: operator.replayed.size };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    await this.deployment.kill();
    await this.outside.stop();
    this.client.close();
    this.journal.close();
  }

  /** Waits until nothing is under way or to be replayed, and D1 has all that ended; not longer than `CALM_MS`. */
  async #calm(operator: Operator): Promise<void> {
    const until = Date.now() + CALM_MS;
    for (let quiet = 0; quiet < QUIET_LOOKS && Date.now() < until;) {
      await pause(LOOK_MS);
      quiet = (await operator.isIdle()) && (await this.#isQuiet()) ? quiet + 1 : 0;
    }
  }

  async #isQuiet(): Promise<boolean> {
    if (this.#live().some(({ rows }) => rows > 0)) return false;
    const db = new DatabaseSync(this.deployment.database, { readOnly: true, timeout: BUSY_MS });
    try {
      const open = db
        .prepare(
          `SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM payments WHERE state IN
            ('charging', 'refunding')) + (SELECT count(*) FROM emails WHERE state IN ('pending', 'sending')) AS n`,
        )
        .get() as { n: number };
      if (open.n > 0) return false;
    } finally {
      db.close();
    }
    const { text } = await this.client.get("/metrics");
    return /^lovage_history_unflushed 0$/m.test(text);
  }

  #live() {
    return this.deployment.shards.flatMap((path) => liveRows(path));
  }
}
