import { DurableObject } from "cloudflare:workers";
import {
  isTerminal,
  type Controls,
  type DurableState,
  type EventAnswer,
  type FiguresByTask,
  type KeptAt,
  type LiveKind,
  type QueueSurvey,
  type Reschedule,
  type Rescheduled,
  type StepEntry,
  type SubmitAnswer,
  type TaskFilter,
  type TaskLimits,
  type TaskPage,
  type TaskQuery,
  type TaskRecord,
  type TaskReport,
  type TaskSpec,
} from "#engine";
import type { LedgerDoor } from "../consumer/door.ts";
import { ring } from "../doorbell.ts";
import type { Env } from "../env.ts";
import { AgentRecord } from "../health/agent-record.ts";
import type { ShardHealth, ShardStats } from "../health/health.ts";
import { History } from "../history/history.ts";
import { spareRowsOf } from "../history/spare-rows.ts";
import type { IdRange } from "../history/search.ts";
import type { Nudge } from "../limiter/protocol.ts";
import { log } from "../log.ts";
import { workerSpans } from "../trace/worker-spans.ts";
import { systemClock, systemTimers } from "../system.ts";
import type { BulkStep } from "./bulk.ts";
import type { FiguresOfMinute } from "./figures/figures-book.ts";
import { TaskLedger } from "./ledger.ts";
import type { LiveMembers } from "./canvas/members.ts";
import type { Exchange, ExchangeAnswer, ExpressAnswer, GoneTask, KeptInput } from "./protocol.ts";
import { EventSockets, watchesEvents } from "./watching/event-sockets.ts";
import { ObjectAlarm, ObjectSql, runDirectly } from "./object-ports.ts";
import type { Position } from "./selection.ts";
import { shardOfName } from "./shard-name.ts";
import { SocketWatchers } from "./watching/socket-watchers.ts";

/** The Durable Object of one ledger shard: binds the platform to the ledger's ports, and nothing else. */
export abstract class LedgerObject extends DurableObject<Env> implements LedgerDoor {
  readonly #shard: number;
  readonly #ledger: TaskLedger;
  readonly #watchers: SocketWatchers;
  readonly #events: EventSockets;
  readonly #sql: ObjectSql;
  readonly #alarm: ObjectAlarm;
  readonly #history: History;
  readonly #startedAt = Date.now();
  readonly #recoverer = new AgentRecord();
  #requests = 0;
  #bells = 0;

  /** The limits that a task is declared with; null: none. */
  protected abstract limitsOf(name: string): TaskLimits | null;

  /** The key that a task's declaration gives a call; null: none, or its arguments don't fit. */
  protected abstract keyOf(name: string, kwargs: string): string | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shard = shardOfName(ctx.id.name);
    this.#watchers = new SocketWatchers(ctx);
    this.#events = new EventSockets(ctx, systemTimers);
    this.#sql = new ObjectSql(ctx.storage);
    this.#alarm = new ObjectAlarm(ctx, this.#sql, this.#shard);
    this.#history = new History(env.DB, workerSpans, spareRowsOf(env));
    this.#ledger = new TaskLedger({
      shard: this.#shard,
      clock: systemClock,
      timers: systemTimers,
      sql: this.#sql,
      alarm: this.#alarm,
      history: this.#history,
      limits: { ask: (name, request) => env.LIMITER.getByName(name).ask(request) },
      limitsOf: (name) => this.limitsOf(name),
      keyOf: (name, kwargs) => this.keyOf(name, kwargs),
      ring: (queue) => {
        this.#bells += 1;
        return ring(env, { shard: this.#shard, queue });
      },
      runDirectly: (queue) => runDirectly(ctx, this.#shard, queue),
      watchers: this.#watchers,
      events: this.#events,
      background: (work) => {
        ctx.waitUntil(work);
      },
      log: (event, fields) => {
        log(event, { shard: this.#shard, ...fields });
      },
    });
  }

  submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    this.#requests += 1;
    return this.#ledger.submit(specs);
  }

  submitToRun(spec: TaskSpec, offer: string): Promise<ExpressAnswer> {
    this.#requests += 1;
    return this.#ledger.submitToRun(spec, offer);
  }

  async withdraw(taskId: string, offer: string): Promise<void> {
    this.#requests += 1;
    this.#ledger.withdraw(taskId, offer);
  }

  async exchange(request: Exchange): Promise<ExchangeAnswer> {
    this.#requests += 1;
    return this.#ledger.exchange(request);
  }

  async heartbeat(
    held: ReadonlyMap<number, readonly string[]>,
    reports: readonly TaskReport[] = [],
  ): Promise<GoneTask[]> {
    this.#requests += 1;
    return this.#ledger.heartbeat(held, reports);
  }

  async report(reports: readonly TaskReport[]): Promise<void> {
    this.#requests += 1;
    this.#ledger.report(reports);
  }

  async read(taskId: string): Promise<TaskRecord | null> {
    this.#requests += 1;
    const task = this.#ledger.get(taskId);
    const waiting =
      task === null || isTerminal(task.state) ? null : this.#ledger.questions.whyWaiting(taskId);
    return task === null || waiting === null ? task : { ...task, waiting };
  }

  /** See `TaskLedger.revokeSome`. */
  async revokeSome(filter: TaskFilter, from: Position, terminate: boolean): Promise<BulkStep> {
    this.#requests += 1;
    return this.#ledger.revokeSome(filter, from, terminate);
  }

  /** See `TaskLedger.purgeSome`. */
  async purgeSome(queue: string, from: Position): Promise<BulkStep> {
    this.#requests += 1;
    return this.#ledger.purgeSome(queue, from);
  }

  async survey(): Promise<QueueSurvey[]> {
    this.#requests += 1;
    return this.#ledger.questions.survey();
  }

  /** See `findTasks`. */
  async find(query: TaskQuery, range: IdRange, limit: number): Promise<TaskPage> {
    this.#requests += 1;
    return this.#ledger.questions.find(query, range, limit);
  }

  async list(kind: LiveKind, limit: number): Promise<readonly TaskRecord[]> {
    this.#requests += 1;
    return this.#ledger.questions.list(kind, limit);
  }

  async durable(taskId: string, token: number): Promise<DurableState | null> {
    this.#requests += 1;
    return this.#ledger.durable(taskId, token);
  }

  /** See `liveMembers`. */
  async members(range: IdRange, page: IdRange): Promise<LiveMembers> {
    this.#requests += 1;
    return this.#ledger.questions.members(range, page);
  }

  /** See `outlineOf`; JSON text of it. */
  async outline(canvasId: string): Promise<string | null> {
    this.#requests += 1;
    const tree = this.#ledger.questions.outline(canvasId);
    return tree && JSON.stringify(tree);
  }

  async input(at: KeptAt): Promise<KeptInput | null> {
    this.#requests += 1;
    return this.#ledger.input(at);
  }

  async recordSteps(entries: readonly StepEntry[]): Promise<boolean[]> {
    this.#requests += 1;
    return this.#ledger.recordSteps(entries);
  }

  /** See `TaskLedger.sendEvent`. */
  async sendEvent(
    taskId: string,
    event: { name: string; payload: string; key: string | null },
  ): Promise<EventAnswer> {
    this.#requests += 1;
    return this.#ledger.sendEvent(taskId, event);
  }

  async revoke(taskId: string, terminate: boolean): Promise<TaskRecord | null> {
    this.#requests += 1;
    return this.#ledger.revoke(taskId, terminate);
  }

  async reschedule(taskId: string, change: Reschedule): Promise<Rescheduled | null> {
    this.#requests += 1;
    return this.#ledger.reschedule(taskId, change);
  }

  /** See `FiguresBook.over`. */
  async figures(from: number, until: number, step: number): Promise<FiguresOfMinute[]> {
    this.#requests += 1;
    return this.#ledger.questions.figures(from, until, step);
  }

  async figuresTotal(): Promise<FiguresByTask> {
    this.#requests += 1;
    return this.#ledger.questions.figuresTotal();
  }

  async stats(): Promise<ShardStats> {
    return {
      ...this.#ledger.stats(),
      ledgerRows: this.#sql.rowsWritten(),
      historyRows: this.#history.rowsWritten,
      requests: this.#requests,
      bells: this.#bells,
    };
  }

  /** @param isCounting whether to count the live tasks too, which reads something of each */
  async health(isCounting: boolean): Promise<ShardHealth> {
    return {
      ...(await this.stats()),
      startedAt: this.#startedAt,
      alarmAt: await this.ctx.storage.getAlarm(),
      recoverer: this.#recoverer.health,
      flusher: this.#ledger.flusherHealth,
      live: isCounting ? this.#ledger.questions.countLive() : null,
      databaseBytes: this.ctx.storage.sql.databaseSize,
    };
  }

  /**
   * The watchdog's call: does what the alarm does, and sets it again should it be lost. Brings the
   * controls along, for a shard that was out of reach when they changed, and how long figures are kept.
   */
  async tick(from?: { readonly controls: Controls; readonly figureDays: number }): Promise<void> {
    this.#requests += 1;
    if (from !== undefined) this.#ledger.configure(from.controls);
    this.#recoverer.watch(systemClock, () => this.#ledger.tick());
    if (from !== undefined) this.#ledger.tidy(from.figureDays);
  }

  async configure(controls: Controls): Promise<void> {
    this.#requests += 1;
    this.#ledger.configure(controls);
  }

  async nudge(name: string, nudge: Nudge): Promise<void> {
    this.#requests += 1;
    this.#ledger.nudge(name, nudge);
  }

  /** Never throws: an alarm that threw seven times would be dropped for ever. */
  override alarm(): void {
    this.#requests += 1;
    this.#alarm.wentOff(() => {
      this.#recoverer.watch(systemClock, () => this.#ledger.tick());
    });
  }

  /** Opens a watch of all tasks (`/`), or of the one with this id. 404: it is not here, ask the history. */
  override async fetch(request: Request): Promise<Response> {
    this.#requests += 1;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/") return this.#events.open(searchParams);
    const task = this.#ledger.get(pathname.slice(1));
    return task === null ? new Response(null, { status: 404 }) : this.#watchers.open(task);
  }

  override webSocketClose(socket: WebSocket): void {
    (watchesEvents(socket) ? this.#events : this.#watchers).closed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }
}
