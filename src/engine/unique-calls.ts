import { InvalidOptionError } from "./errors.ts";
import type { CallOptions } from "./signature.ts";
import { deriveUniqueKey, shardOf, withShard } from "./task-id.ts";
import { uniquePlan, type DeclaredUniqueness } from "./uniqueness.ts";
import type { TaskSpec } from "./wire.ts";

/** What the rule of a call follows from, besides the call. */
export interface UniqueParts {
  readonly declared: DeclaredUniqueness<never> | null;
  readonly options: CallOptions;
  /** The arguments as they were given, by name. */
  readonly args: () => unknown;
  /** The arguments as the declaration's key function takes them. */
  readonly params: () => unknown;
  /** The same call under another id. */
  readonly withId: (id: string) => TaskSpec;
  readonly idSecret: Promise<CryptoKey>;
  readonly shards: number;
  /** Epoch ms. */
  readonly now: number;
}

/** Cheap: asked for every call. */
export function mayBeUnique(
  declared: DeclaredUniqueness<never> | null,
  { unique, throttleSeconds, debounceSeconds, debounceMaxSeconds }: CallOptions,
): boolean {
  const options = [unique, throttleSeconds, debounceSeconds, debounceMaxSeconds];
  return declared !== null || options.some((option) => option !== undefined);
}

/**
 * A call with its unique rule, in the shard that decides over its key; as it was if it has none.
 * @throws InvalidOptionError naming the option
 */
export async function withUniqueRule(spec: TaskSpec, parts: UniqueParts): Promise<TaskSpec> {
  const { declared, options, args, params, withId, idSecret, shards, now } = parts;
  const plan = uniquePlan(declared, options, { ...spec, args, params });
  if (plan === null) return spec;
  const { debounce } = plan.rule;
  const { key, shard } = await deriveUniqueKey(await idSecret, shards, plan.scope);
  const there = shard === shardOf(spec.id) ? spec : withId(withShard(spec.id, shard));
  return {
    ...there,
    dueAt: debounce === null ? spec.dueAt : debouncedTo(now + debounce.waitMs, spec, options),
    options: { ...there.options, unique_key: key },
    unique: { key, ...plan.rule },
  };
}

/** The due time of a debounced call, if it may have one. The ledger computes it again by its clock. */
function debouncedTo(dueAt: number, { expiresAt }: TaskSpec, options: CallOptions): number {
  if (options.countdown !== undefined || options.eta !== undefined) {
    throw new InvalidOptionError("debounceSeconds", "can't be given together with a due time.");
  }
  if (expiresAt !== null && expiresAt <= dueAt) {
    throw new InvalidOptionError("expires", "is before the task's earliest start.");
  }
  return dueAt;
}
