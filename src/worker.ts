import { WorkerEntrypoint } from "cloudflare:workers";
import type { TaskLimits } from "#engine";
import { shopTasks } from "./domain/index.ts";
import { BeatObject, type WatchdogDuty } from "./platform/beat/beat-object.ts";
import type { Env } from "./platform/env.ts";
import { LedgerObject } from "./platform/ledger/ledger-object.ts";
import { LimiterObject } from "./platform/limiter/limiter-object.ts";
import { createWorker, declaredLimits, wire } from "./wiring.ts";

const limits = declaredLimits(shopTasks);

/** A shard of the ledger. */
export class Ledger extends LedgerObject {
  protected override limitsOf(name: string): TaskLimits | null {
    return limits.get(name) ?? null;
  }
}

/** What bounds the starts of the tasks of one name. */
export class Limiter extends LimiterObject {}

/** The deployment's clock and watchdog. */
export class Beat extends BeatObject {
  protected override duties(): readonly WatchdogDuty[] {
    return wire(this.env, shopTasks).watchdogDuties;
  }
}

/** Does a queue's due work without a doorbell, when the ledger calls for it. */
export class Consumer extends WorkerEntrypoint<Env> {
  drain(shard: number, queue: string): Promise<number> {
    return wire(this.env, shopTasks).drain(shard, queue, 0);
  }
}

export default createWorker(shopTasks);
