import * as z from "zod";
import { formatRate, type AnyTaskDefinition, type Controls, type LimitSet } from "#engine";
import type { ApiParts } from "../route.ts";

const limitsAnswer = z
  .strictObject({
    rate_limit: z.string().nullable().describe("As `10/m`; null: none."),
    concurrency: z.int().nullable().describe("How many run at once; null: no limit."),
  })
  .meta({ id: "Limits" });
export const registeredAnswer = limitsAnswer
  .extend({
    name: z.string(),
    params: z.array(z.string()),
    per_key: limitsAnswer.nullable(),
    soft_time_limit: z.number().nullable(),
    time_limit: z.number().nullable(),
    max_retries: z.int().nullable().describe("Null: without end."),
  })
  .meta({ id: "RegisteredTask" });

/** The registered tasks with what limits them: as operators have set it, else as it is declared. */
export async function registeredViews({
  control,
  registry,
}: Pick<ApiParts, "control" | "registry">) {
  const controls = await control.controls();
  return registry.names().map((name) => registeredView(registry.get(name), controls));
}

export type RegisteredTask = z.output<typeof registeredAnswer>;

export function registeredView(task: AnyTaskDefinition<never>, controls: Controls): RegisteredTask {
  const { rateLimits, timeLimits } = controls;
  const { name } = task;
  const declared = limitsView(task.limits ?? { rate: null, concurrency: null });
  const isSet = Object.hasOwn(rateLimits, name);
  return {
    name,
    params: Object.keys(task.params.shape as object),
    ...declared,
    rate_limit: isSet ? (rateLimits[name] ?? null) : declared.rate_limit,
    per_key: task.limits === null ? null : limitsView(task.limits.perKey),
    soft_time_limit: timeLimits[name]?.soft ?? task.softTimeLimitSeconds,
    time_limit: timeLimits[name]?.hard ?? task.timeLimitSeconds,
    max_retries: task.retryPolicy.maxRetries,
  };
}

function limitsView({ rate, concurrency }: LimitSet): z.output<typeof limitsAnswer> {
  return { rate_limit: rate === null ? null : formatRate(rate), concurrency };
}
