import {
  callOfSlot,
  shardOf,
  type Lovage,
  type TaskSpec,
  type TaskSubmitter,
  type Timers,
} from "#engine";
import { within } from "../health/within.ts";
import type { RunAnswer } from "./run-records.ts";
import type { PlannedRun } from "./tick-plan.ts";

/** What one call to a shard carries: tasks, and characters of their arguments. */
const MAX_TASKS = 200;
const MAX_LENGTH = 4 * 1_024 * 1_024;

/** A shard that has not answered by then is out of reach: Beat does one thing at a time, and would wait for ever. */
export const ANSWER_MS = 20_000;

/** Makes tasks of runs: those of a shard together. A shard that is out of reach keeps no other back. */
export async function submitRuns(
  runs: readonly PlannedRun[],
  lovage: Pick<Lovage, "prepareKeyed">,
  submitter: TaskSubmitter,
  timers: Timers,
): Promise<RunAnswer[]> {
  const answers: RunAnswer[] = runs.map(() => null);
  const specs = await Promise.all(
    runs.map(async (run, index): Promise<TaskSpec | null> => {
      try {
        return await lovage.prepareKeyed(callOfSlot(run.schedule, run.schedule.name, run.slot), {
          route: "beat",
          key: run.key,
        });
      } catch (error) {
        // Whatever it is (a key that can't be made of these arguments), it is this one's alone.
        answers[index] = { refused: error instanceof Error ? error.message : String(error) };
        return null;
      }
    }),
  );
  const byShard = Map.groupBy(specs.keys(), (index) => shardOf(specs[index]?.id ?? ""));
  await Promise.all(
    Array.from(byShard, async ([shard, indexes]) => {
      if (shard === null) return;
      for (const part of partsOf(indexes, (index) => specs[index]?.kwargs.length ?? 0)) {
        const group = part.flatMap((index) => specs[index] ?? []);
        const given = await within(timers, ANSWER_MS, () => submitter.submit(group)).catch(
          () => [],
        );
        for (const [at, index] of part.entries()) {
          const answer = given[at];
          if (answer === undefined || answer === "busy") continue;
          // A conflict is a run that was submitted before its schedule was changed.
          const taskId = typeof answer === "object" ? answer.mergedInto : specs[index]?.id;
          if (taskId !== undefined) answers[index] = { taskId };
        }
      }
    }),
  );
  return answers;
}

/** In their order, each part within what one call carries. */
function* partsOf(indexes: readonly number[], lengthOf: (index: number) => number) {
  let part: number[] = [];
  let length = 0;
  for (const index of indexes) {
    const own = lengthOf(index);
    if (part.length >= MAX_TASKS || (part.length > 0 && length + own > MAX_LENGTH)) {
      yield part;
      part = [];
      length = 0;
    }
    part.push(index);
    length += own;
  }
  if (part.length > 0) yield part;
}
