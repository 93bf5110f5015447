import type { AnyTaskDefinition, Clock, DeploymentMeters, TaskFigures } from "#engine";
import type { Env } from "./platform/env.ts";
import type { LedgerObject } from "./platform/ledger/ledger-object.ts";
import { FiguresReader } from "./platform/ledger/figures/figures-reader.ts";
import { Meters } from "./platform/meters/meters.ts";

/** What is read of all objects together, for metrics and plots. */
export function createFigures(parts: {
  readonly env: Env;
  readonly clock: Clock;
  readonly shards: () => DurableObjectStub<LedgerObject>[];
  readonly tasks: readonly Pick<AnyTaskDefinition<never>, "name" | "limits">[];
  /** The name of the one Beat. */
  readonly beat: string;
}): { figures: TaskFigures; meters: DeploymentMeters } {
  const { env, clock, shards, tasks, beat } = parts;
  return {
    figures: new FiguresReader({ shards, clock }),
    meters: new Meters({
      shards,
      limiter: (name) => env.LIMITER.getByName(name),
      beat: () => env.BEAT.getByName(beat),
      limited: tasks.filter(({ limits }) => limits !== null).map(({ name }) => name),
    }),
  };
}
