/** What the function of an effect is given. See `TaskContext.once`. */
export interface EffectContext {
  /** The same in every attempt: for providers that know such keys. See `effectKey`. */
  readonly idempotencyKey: string;
  /**
   * Higher in every later attempt of the task: for a column that a row of this task has, so that the late
   * write of an attempt that lost its lease changes nothing. Says nothing about other tasks.
   */
  readonly fencingToken: number;
  /**
   * An earlier attempt began it and nothing is known of its end: it may have happened. Ask the provider, or
   * rely on the key.
   */
  readonly isRepeat: boolean;
  readonly signal: AbortSignal;
}

/**
 * The idempotency key of a task's effect: `ctx.once(name, …)` has it, and whoever wants to look the effect up
 * later, or to name an effect that needs no record. At most 143 characters, and only those of the id and the name.
 */
export function effectKey(taskId: string, name: string): string {
  return `${taskId}:${name}`;
}
