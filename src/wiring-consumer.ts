import { waitUntil } from "cloudflare:workers";
import { shardOf, type Registry, type TaskSubmitter } from "#engine";
import type { ShopServices } from "./domain/index.ts";
import { drain, type DrainParts } from "./platform/consumer/drain.ts";
import { ExpressSubmitter } from "./platform/consumer/express-submitter.ts";
import { outliving } from "./platform/consumer/outliving.ts";
import { runClaim } from "./platform/consumer/run-claim.ts";
import type { AttemptSupplies } from "./platform/consumer/running.ts";
import { Widths } from "./platform/consumer/widths.ts";
import type { LedgerDirectory } from "./platform/ledger/directory.ts";
import { log } from "./platform/log.ts";
import { systemClock, systemRandom, systemTimers } from "./platform/system.ts";
import { workerSpans } from "./platform/trace/worker-spans.ts";

/** What runs tasks: consumers, and invocations that run what they submitted. */
export function createConsumer(parts: {
  readonly directory: LedgerDirectory;
  readonly registry: Registry<ShopServices>;
  readonly supplies: AttemptSupplies<ShopServices>;
  readonly logSampling: number;
}) {
  const { directory, registry, supplies, logSampling } = parts;
  const widths = new Widths();
  const partsFor = (shard: number): DrainParts<ShopServices> => ({
    ledger: directory.shard(shard),
    supplies: { ...supplies, background: outliving(systemTimers, waitUntil) },
    ...{ registry, log, logSampling, widths },
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    spans: workerSpans,
  });
  return {
    /** Does the due work of one queue on one shard; `bells` rang for it. */
    drain: (shard: number, queue: string, bells: number): Promise<number> =>
      drain(partsFor(shard), queue, bells),
    /** @param background what lets the invocation that submits run on after its answer */
    expressFor: (background: (work: Promise<void>) => void): TaskSubmitter =>
      new ExpressSubmitter({
        ledgers: directory,
        definitionOf: (name) => registry.find(name),
        run: ({ id, queue }, claim) =>
          runClaim(partsFor(shardOf(id) ?? 0), queue, claim).catch((error: unknown) => {
            // Its lease expires, and a consumer gets it.
            log("express_failed", { task_id: id, queue, error });
          }),
        background,
        random: systemRandom,
        timers: systemTimers,
      }),
  };
}
