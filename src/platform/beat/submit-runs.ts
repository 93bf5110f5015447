import {
  LovageError,
  shardOf,
  type Lovage,
  type Signature,
  type TaskSpec,
  type TaskSubmitter,
} from "#engine";
import type { RunAnswer } from "./task-beat.ts";
import type { PlannedRun } from "./tick-plan.ts";

/** The label by which the tasks of a schedule are found; Celery's header of that name. */
const SCHEDULE_LABEL = "periodic_task_name";

/** Makes tasks of runs: those of a shard together. A shard that is out of reach keeps no other back. */
export async function submitRuns(
  runs: readonly PlannedRun[],
  lovage: Lovage,
  submitter: TaskSubmitter,
): Promise<RunAnswer[]> {
  const answers: RunAnswer[] = runs.map(() => null);
  const specs = await Promise.all(
    runs.map(async (run, index): Promise<TaskSpec | null> => {
      try {
        return await lovage.prepareKeyed(callOf(run), { route: "beat", key: run.key });
      } catch (error) {
        if (!(error instanceof LovageError)) throw error;
        answers[index] = { refused: error.message };
        return null;
      }
    }),
  );
  const byShard = Map.groupBy(specs.keys(), (index) => shardOf(specs[index]?.id ?? ""));
  await Promise.all(
    Array.from(byShard, async ([shard, indexes]) => {
      if (shard === null) return;
      const group = indexes.flatMap((index) => specs[index] ?? []);
      const given = await submitter.submit(group).catch(() => []);
      for (const [at, index] of indexes.entries()) {
        const answer = given[at];
        if (answer === undefined || answer === "busy") continue;
        const taskId = typeof answer === "object" ? answer.mergedInto : (specs[index]?.id ?? "");
        // A conflict is a run that was submitted before its schedule was changed.
        answers[index] = { taskId };
      }
    }),
  );
  return answers;
}

function callOf({ schedule, slot }: PlannedRun): Signature {
  const { task, args, kwargs, queue, priority, expireSeconds, headers, name } = schedule;
  return {
    task,
    args,
    kwargs,
    options: {
      ...(queue !== null && { queue }),
      ...(priority !== null && { priority }),
      ...(expireSeconds !== null && { expires: new Date(slot + expireSeconds * 1_000) }),
      labels: { ...headers, [SCHEDULE_LABEL]: name },
    },
    subtask_type: null,
    immutable: false,
  };
}
