import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import { TaskLimiter } from "#platform/limiter/limiter.ts";
import type {
  Holding,
  LimitAnswer,
  LimitRequest,
  LimitsPort,
  Nudge,
} from "#platform/limiter/protocol.ts";
import type { Chaos } from "./chaos.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";
import type { World } from "../../src/testing/world.ts";

export interface LimiterFaults {
  /** A request to a limiter, its answer, or a limiter's call, is lost. */
  readonly messageLost: number;
  /** A request to a limiter arrives seconds later. */
  readonly messageLate: number;
  readonly limiterDies: number;
}

/** The limiters of a deployment, one per limited task, and the way to them. */
export class Limiters implements LimitsPort {
  asks = 0;
  readonly #world: World;
  readonly #chaos: Chaos<LimiterFaults>;
  readonly #nudge: (shard: number, name: string, nudge: Nudge) => void;
  readonly #limiters = new Map<string, { sql: SimSql; limiter: TaskLimiter; usedAt: number }>();

  /** How far the shards are from them: at least this long each way, ms. */
  readonly #wayMs: number;

  /** @param nudge takes a limiter's call to a shard; what it throws the limiter hears */
  constructor(
    world: World,
    chaos: Chaos<LimiterFaults>,
    nudge: (shard: number, name: string, nudge: Nudge) => void,
    wayMs = 0,
  ) {
    this.#world = world;
    this.#chaos = chaos;
    this.#nudge = nudge;
    this.#wayMs = wayMs;
  }

  async ask(name: string, request: LimitRequest): Promise<LimitAnswer> {
    this.asks += 1;
    await this.#travel(this.#chaos.strikes("messageLate") ? 5_000 : 4);
    if (this.#chaos.strikes("messageLost")) throw new Error("the request was lost");
    const answer = this.of(name).ask(request);
    await this.#travel(4);
    if (this.#chaos.strikes("messageLost")) throw new Error("the answer was lost");
    return answer;
  }

  /** The limiter of a task's name, or a new one on the same storage if the object dies now or was out of memory. */
  of(name: string): TaskLimiter {
    let entry = this.#limiters.get(name);
    const isForgotten =
      entry !== undefined && this.#world.now() - entry.usedAt >= HIBERNATES_AFTER_MS;
    if (entry === undefined || isForgotten || this.#chaos.strikes("limiterDies")) {
      const sql = entry?.sql ?? new SimSql();
      const limiter = new TaskLimiter({
        clock: this.#world,
        sql,
        nudge: async (shard, nudge) => {
          await this.#travel(4);
          if (this.#chaos.strikes("messageLost")) throw new Error("the call was lost");
          this.#nudge(shard, name, nudge);
        },
        background: (work) => void work,
        log: () => undefined,
      });
      entry = { sql, limiter, usedAt: 0 };
      this.#limiters.set(name, entry);
    }
    entry.usedAt = this.#world.now();
    return entry.limiter;
  }

  /** Places that a limiter's table says a shard holds, of tasks with a key ("" without one). */
  placesOf(name: string, shard: number, key: string): number {
    const [row] =
      this.#limiters
        .get(name)
        ?.sql.peek<{ holdings: string }>("SELECT holdings FROM holders WHERE shard = ?", shard) ??
      [];
    const holdings = JSON.parse(row?.holdings ?? "[]") as Holding[];
    return holdings.find((holding) => holding.key === key)?.places ?? 0;
  }

  /** Who holds anything by the tables of all limiters, in words. */
  held(): string[] {
    return [...this.#limiters].flatMap(([name, { sql }]) =>
      sql
        .peek<{ shard: number; holdings: string }>("SELECT shard, holdings FROM holders")
        .flatMap(({ shard, holdings }) =>
          (JSON.parse(holdings) as Holding[])
            .filter(({ places, running }) => places > 0 || running.length > 0)
            .map(
              ({ places, running }) =>
                `${places} of '${name}' by shard ${shard}, for ${running.join()}`,
            ),
        ),
    );
  }

  /** All shards are asked for the places that they don't need. */
  takeBack(shards: number): void {
    for (const name of this.#limiters.keys()) {
      for (let shard = 0; shard < shards; shard += 1) this.#nudge(shard, name, { kind: "give" });
    }
  }

  /** A message is under way. */
  async #travel(extraMs: number): Promise<void> {
    await this.#world.sleep(this.#wayMs + this.#world.between(0, extraMs));
  }

  close(): void {
    for (const { sql } of this.#limiters.values()) sql.close();
  }
}
