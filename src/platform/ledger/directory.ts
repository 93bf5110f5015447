import {
  isTerminal,
  LovageError,
  shardOf,
  type Reschedule,
  type Rescheduled,
  type EventAnswer,
  type SubmitAnswer,
  type TaskEventCall,
  type TaskControl,
  type TaskReader,
  type TaskRecord,
  type TaskSpec,
  type TaskSubmitter,
  type Waiting,
} from "#engine";
import type { History } from "../history/history.ts";
import type { LimiterObject } from "../limiter/limiter-object.ts";
import { noSpans, type Spans } from "../trace/spans.ts";
import type { LedgerObject } from "./ledger-object.ts";
import type { ExpressAnswer } from "./protocol.ts";
import { nameOfShard } from "./shard-name.ts";
import { messages, pause } from "./watching/socket-messages.ts";

/** Pause before a watch that broke off (the shard was moved or updated) is opened again. */
const REOPEN_MS = 250;

/** All shards of the ledger and the history behind them, as one: finds for every id who knows it. */
export class LedgerDirectory implements TaskSubmitter, TaskReader, TaskControl {
  readonly #namespace: DurableObjectNamespace<LedgerObject>;
  readonly #limiters: DurableObjectNamespace<LimiterObject>;
  readonly #history: History;
  readonly #spans: Spans;
  /** Making an id from a name takes a hash; the ids stay the same. */
  readonly #ids = new Map<number, DurableObjectId>();

  constructor(
    namespace: DurableObjectNamespace<LedgerObject>,
    limiters: DurableObjectNamespace<LimiterObject>,
    history: History,
    spans: Spans = noSpans,
  ) {
    this.#namespace = namespace;
    this.#limiters = limiters;
    this.#history = history;
    this.#spans = spans;
  }

  shard(shard: number): DurableObjectStub<LedgerObject> {
    let id = this.#ids.get(shard);
    if (id === undefined) {
      id = this.#namespace.idFromName(nameOfShard(shard));
      this.#ids.set(shard, id);
    }
    return this.#namespace.get(id);
  }

  /** @throws LovageError `ledger_unavailable` (retryable): it is not known whether the tasks were taken */
  async submit(tasks: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    const first = tasks[0];
    if (first === undefined) return [];
    const shard = routeOf(first.id);
    if (tasks.every((task) => routeOf(task.id) === shard)) return this.#submitTo(shard, tasks);
    const byShard = Map.groupBy(tasks, (task) => routeOf(task.id));
    const answers = new Map<string, SubmitAnswer>();
    await Promise.all(
      Array.from(byShard, async ([to, group]) => {
        const given = await this.#submitTo(to, group);
        for (const [index, task] of group.entries()) answers.set(task.id, given[index] ?? "busy");
      }),
    );
    return tasks.map((task) => answers.get(task.id) ?? "busy");
  }

  /**
   * Commits one task for an invocation that can run it, see `TaskLedger.submitToRun`.
   * @throws as `submit`
   */
  submitToRun(task: TaskSpec, offer: string): Promise<ExpressAnswer> {
    const shard = routeOf(task.id);
    return this.#spans(
      "submit",
      () => ({ shard, count: 1, name: task.name }),
      () => available(this.shard(shard).submitToRun(task, offer)),
    );
  }

  /** See `TaskLedger.withdraw`. */
  withdraw(taskId: string, offer: string): Promise<void> {
    return available(this.shard(routeOf(taskId)).withdraw(taskId, offer));
  }

  async get(taskId: string): Promise<TaskRecord | null> {
    const shard = shardOf(taskId);
    if (shard === null) return null;
    const live = await available(this.shard(shard).read(taskId));
    if (live?.waiting?.reason === "concurrency") return this.#withHolders(live, live.waiting);
    return live ?? (await this.#history.find(taskId));
  }

  /** A shard knows only its own tasks; who holds the places elsewhere the limiter knows. */
  async #withHolders(
    task: TaskRecord,
    waiting: Extract<Waiting, { reason: "concurrency" }>,
  ): Promise<TaskRecord> {
    const holders = await available(this.#limiters.getByName(task.name).holders(waiting.key));
    const ids = new Set([...waiting.holders, ...holders.map(({ taskId }) => taskId)]);
    return { ...task, waiting: { ...waiting, holders: [...ids] } };
  }

  async revoke(taskId: string, options: { terminate: boolean }): Promise<TaskRecord | null> {
    const shard = shardOf(taskId);
    if (shard === null) return null;
    const live = await available(this.shard(shard).revoke(taskId, options.terminate));
    return live ?? (await this.#history.find(taskId));
  }

  async sendEvent(taskId: string, event: TaskEventCall): Promise<EventAnswer> {
    const shard = shardOf(taskId);
    if (shard === null) return "ended";
    return available(this.shard(shard).sendEvent(taskId, event));
  }

  async reschedule(taskId: string, change: Reschedule): Promise<Rescheduled | null> {
    const shard = shardOf(taskId);
    if (shard === null) return null;
    const live = await available(this.shard(shard).reschedule(taskId, change));
    if (live !== null) return live;
    const past = await this.#history.find(taskId);
    return past && { task: past, answer: "ended" };
  }

  async *watch(taskId: string, signal: AbortSignal): AsyncIterable<TaskRecord> {
    const shard = shardOf(taskId);
    if (shard === null) return;
    while (!signal.aborted) {
      const response = await available(
        this.shard(shard).fetch(`https://ledger/${taskId}`, { headers: { Upgrade: "websocket" } }),
      );
      if (response.status === 503) {
        const reason = "Too many wait for this task just now.";
        throw new LovageError("too_many_watchers", reason, { retryable: true });
      }
      const socket = response.webSocket;
      if (socket === null) {
        const past = await this.#history.find(taskId);
        if (past !== null) yield past;
        return;
      }
      for await (const task of messages<TaskRecord>(socket, signal)) {
        yield task;
        if (isTerminal(task.state)) return;
      }
      await pause(REOPEN_MS, signal);
    }
  }

  #submitTo(shard: number, tasks: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    return this.#spans(
      "submit",
      () => ({ shard, count: tasks.length, name: tasks[0]?.name ?? "" }),
      () => available(this.shard(shard).submit(tasks)),
    );
  }
}

function routeOf(taskId: string): number {
  const shard = shardOf(taskId);
  if (shard === null) throw new LovageError("bad_task_id", `'${taskId}' is no task id.`);
  return shard;
}

/** Names the one way in which a call to a shard fails for callers: it can't be reached just now. */
export async function available<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new LovageError("ledger_unavailable", "The ledger can't be reached just now.", {
      retryable: true,
      cause,
    });
  }
}
