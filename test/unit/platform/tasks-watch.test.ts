import { expect, it } from "vitest";
import type { TaskControl, TaskReader, TaskRecord } from "#engine";
import type { D1Outbox } from "#platform/outbox/outbox.ts";
import { Tasks } from "#platform/outbox/tasks.ts";

const TASK = { id: "t", state: "STARTED" } as TaskRecord;
const never = () => new Promise<never>(() => undefined);

function tasksOf(watch: () => AsyncGenerator<TaskRecord>): Tasks {
  const ledger = { watch, get: never } as unknown as TaskReader & TaskControl;
  return new Tasks(ledger, {} as D1Outbox);
}

it.each([
  [
    "is opened again and never answers",
    async function* () {
      yield TASK;
      await never();
    },
    [TASK],
  ],
  ["does not know the task, and nothing else answers", async function* () {}, []],
] as const)("a watch whose shard %s ends when its signal does", async (_name, watch, wanted) => {
  const over = new AbortController();
  const seen: TaskRecord[] = [];
  const watching = (async () => {
    for await (const task of tasksOf(watch).watch("t", over.signal)) seen.push(task);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  over.abort();
  await watching;
  expect(seen).toEqual(wanted);
});
