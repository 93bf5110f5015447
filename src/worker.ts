import { WorkerEntrypoint } from "cloudflare:workers";
import { shopTasks } from "./domain/index.ts";
import { BeatObject, type WatchdogDuty } from "./platform/beat/beat-object.ts";
import type { Env } from "./platform/env.ts";
import { LedgerObject } from "./platform/ledger/ledger-object.ts";
import { createWorker, wire } from "./wiring.ts";

/** A shard of the ledger. */
export class Ledger extends LedgerObject {}

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
