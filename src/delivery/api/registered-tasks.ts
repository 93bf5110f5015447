import { formatRate, type AnyTaskDefinition, type Controls, type LimitSet } from "#engine";
import type { ApiParts } from "./route.ts";

/** The registered tasks with what limits them: as operators have set it, else as it is declared. */
export async function registeredViews({
  control,
  registry,
}: Pick<ApiParts, "control" | "registry">) {
  const controls = await control.controls();
  return registry.names().map((name) => registeredView(registry.get(name), controls));
}

export type RegisteredTask = ReturnType<typeof registeredView>;

export function registeredView(task: AnyTaskDefinition<never>, controls: Controls) {
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

function limitsView({ rate, concurrency }: LimitSet) {
  return { rate_limit: rate === null ? null : formatRate(rate), concurrency };
}
