import { runAttempt, type Attempt, type Outcome, type Registry } from "#engine";

/** One attempt of a call, by what its registry runs it with. */
export function runOnce<Services>(
  registry: Registry<Services>,
  attempt: Attempt<Services>,
  random: number,
): Promise<Outcome> {
  return runAttempt(registry, registry.runnerOf(attempt.task), attempt, random);
}
