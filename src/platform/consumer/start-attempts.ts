import {
  runAttempt,
  runBatch,
  type AnyTaskDefinition,
  type Outcome,
  type Random,
  type Registry,
} from "#engine";
import type { Spans } from "../trace/spans.ts";
import { inTrace } from "./attempt-trace.ts";
import type { AttemptSupplies, RunningTask } from "./running.ts";

interface StartParts<Services> {
  readonly registry: Registry<Services>;
  readonly supplies: AttemptSupplies<Services>;
  readonly random: Random;
  readonly spans?: Spans;
}

type Settle<Services> = (running: RunningTask<Services>, outcome: Outcome) => void;

/** Starts attempts, each by itself or with others in its batch handler; `settle` is told how each of them ended. */
export function startAttempts<Services>(
  parts: StartParts<Services>,
  attempts: readonly RunningTask<Services>[],
  settle: Settle<Services>,
): void {
  const { registry, random, spans } = parts;
  const batches = new Map<AnyTaskDefinition<Services>, RunningTask<Services>[]>();
  for (const running of attempts) {
    const definition = registry.runnerOf(running.task);
    if (definition?.batch == null) {
      const run = () => runAttempt(registry, definition, running, random.float());
      void inTrace(spans, running.task, run).then((outcome) => {
        settle(running, outcome);
      });
    } else {
      running.isBatched = true;
      const batch = batches.get(definition);
      if (batch === undefined) batches.set(definition, [running]);
      else batch.push(running);
    }
  }
  for (const [definition, batch] of batches) startBatches(parts, definition, batch, settle);
}

function startBatches<Services>(
  { registry, supplies, random }: StartParts<Services>,
  definition: AnyTaskDefinition<Services>,
  attempts: readonly RunningTask<Services>[],
  settle: Settle<Services>,
): void {
  const size = definition.batch?.size ?? 1;
  for (let from = 0; from < attempts.length; from += size) {
    const batch = attempts.slice(from, from + size);
    const outcomes = runBatch(registry, definition, batch, supplies.services, () => random.float());
    for (const [index, running] of batch.entries()) {
      void outcomes[index]?.then((outcome) => {
        settle(running, outcome);
      });
    }
  }
}
