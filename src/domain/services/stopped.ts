import { LeaseLostError, TaskRevokedError } from "#engine";

/**
 * To be called before a task passes on what is left: who was terminated, or lost its lease, has nothing to pass on.
 * @throws the reason. Not when only its time is up
 */
export function throwIfTaken({ reason }: AbortSignal): void {
  if (reason instanceof TaskRevokedError || reason instanceof LeaseLostError) throw reason;
}
