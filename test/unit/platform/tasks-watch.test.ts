import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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

it("a watch keeps nothing of the states that it has told, however many there are", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const told: WeakRef<TaskRecord>[] = [];
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const watch = async function* () {
    for (let change = 0; change < 100; change += 1) {
      const task = { ...TASK, retries: change };
      told.push(new WeakRef(task));
      yield task;
      await turn();
    }
    await turn();
    collect();
    yield TASK;
  };
  for await (const task of tasksOf(watch).watch("t", new AbortController().signal)) {
    if (task === TASK) break;
  }
  expect(told.filter((task) => task.deref() !== undefined).length).toBeLessThan(10);
});
