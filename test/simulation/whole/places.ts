import { partsOfGate, type TaskLimits } from "#engine";
import { Violation } from "../violation.ts";

/** Who runs what is limited, over all shards: never more at once than may, nor than the limiter has given. (G18) */
export class Places {
  readonly #limitsOf: (name: string) => TaskLimits | null;
  readonly #placesOf: (name: string, shard: number, key: string) => number;
  readonly #running = new Map<string, number>();
  /** When tasks of a rate were started, by name; epoch ms of the shards' clocks. */
  readonly starts = new Map<string, number[]>();

  /** @param placesOf what the limiter's own table says that a shard holds of a key */
  constructor(
    limitsOf: (name: string) => TaskLimits | null,
    placesOf: (name: string, shard: number, key: string) => number,
  ) {
    this.#limitsOf = limitsOf;
    this.#placesOf = placesOf;
  }

  taken(shard: number, name: string, gate: string, at: number): void {
    const limits = this.#limitsOf(name);
    if (limits === null) return;
    this.#take(name, limits.concurrency);
    const { key } = partsOfGate(gate);
    if (key !== null) this.#take(`${name}\n${key}`, limits.perKey.concurrency);
    if (limits.concurrency !== null || (key !== null && limits.perKey.concurrency !== null)) {
      const given = this.#placesOf(name, shard, key ?? "");
      this.#take(inShard(shard, name, key), given);
    }
    if (limits.rate === null) return;
    const starts = this.starts.get(name);
    if (starts === undefined) this.starts.set(name, [at]);
    else starts.push(at);
  }

  freed(shard: number, name: string, gate: string): void {
    if (this.#limitsOf(name) === null) return;
    this.#free(name);
    const { key } = partsOfGate(gate);
    if (key !== null) this.#free(`${name}\n${key}`);
    this.#free(inShard(shard, name, key));
  }

  #take(resource: string, concurrency: number | null): void {
    const running = (this.#running.get(resource) ?? 0) + 1;
    this.#running.set(resource, running);
    if (concurrency !== null && running > concurrency) {
      throw new Violation(`${running} of '${resource}' run, and ${concurrency} may`);
    }
  }

  #free(resource: string): void {
    this.#running.set(resource, (this.#running.get(resource) ?? 0) - 1);
  }
}

function inShard(shard: number, name: string, key: string | null): string {
  return `${name}\n${key ?? ""}\n${shard}`;
}
