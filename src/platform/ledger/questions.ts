import {
  type CanvasTree,
  type Collected,
  type DurableState,
  type FiguresByTask,
  type KeptAt,
  type LiveKind,
  type QueueSurvey,
  type TaskPage,
  type TaskQuery,
  type TaskRecord,
  type Waiting,
} from "#engine";
import type { IdRange } from "../history/search.ts";
import { CanvasStore } from "./canvas-store.ts";
import { LedgerCore } from "./core.ts";
import type { FiguresOfMinute } from "./figures-book.ts";
import { findTasks } from "./find.ts";
import { findLive } from "./memory.ts";
import { liveMembers, outlineOf, type LiveMembers } from "./members.ts";
import type { LedgerStats } from "./protocol.ts";
import { readDurable } from "./steps.ts";
import { listLive, surveyQueues } from "./survey.ts";
import { whyWaiting } from "./waiting.ts";

/** What a ledger can be asked; nothing here changes anything. */
export class LedgerQuestions extends LedgerCore {
  /** The steps and events of a task that runs under this token; null: it doesn't any more. */
  durable(taskId: string, token: number): DurableState | null {
    const { leases } = this.load();
    if (leases.holding(taskId)?.token !== token) return null;
    return readDurable(this.ports.sql, taskId, this.now());
  }

  /** An argument that is kept for a task of this shard; null: it is gone, and so is who needed it. */
  input(at: KeptAt): Collected | null {
    this.load();
    return new CanvasStore(this.ports.sql).input(at);
  }

  /** See `liveMembers`. */
  members(range: IdRange, page: IdRange): LiveMembers {
    return liveMembers(this.ports.sql, this.load(), range, page);
  }

  /** See `outlineOf`. */
  outline(canvasId: string): CanvasTree | null {
    return outlineOf(this.ports.sql, this.load(), canvasId);
  }

  /** Why a waiting task has not started; null: it isn't here, or runs. */
  whyWaiting(taskId: string): Waiting | null {
    const memory = this.load();
    const row = findLive(this.ports.sql, memory, taskId);
    if (row === null || memory.leases.holding(taskId) !== undefined) return null;
    return whyWaiting(this.ports.sql, memory, row, this.now());
  }

  /** What every queue of this shard holds. */
  survey(): QueueSurvey[] {
    return surveyQueues(this.ports.sql, this.load(), this.now());
  }

  /** Live tasks that run (`active`), are due (`reserved`) or are not due yet (`scheduled`). */
  list(kind: LiveKind, limit: number): TaskRecord[] {
    return listLive(this.ports.sql, this.load(), kind, limit, this.now());
  }

  /** See `findTasks`. */
  find(query: TaskQuery, range: IdRange, limit: number): TaskPage {
    return findTasks(this.ports.sql, this.load(), query, range, limit);
  }

  /** See `FiguresBook.over`. */
  figures(from: number, until: number, step: number): FiguresOfMinute[] {
    return this.load().finished.figures.over(from, until, step);
  }

  /** What was counted since the shard was made. */
  figuresTotal(): FiguresByTask {
    return this.load().finished.figures.total();
  }

  /** How many tasks there are that have not ended. Reads an entry of an index for each. */
  countLive(): number {
    this.load();
    const [row] = this.ports.sql.exec<{ count: number }>("SELECT count(*) AS count FROM tasks");
    return row?.count ?? 0;
  }

  stats(): LedgerStats {
    const memory = this.load();
    return {
      ready: memory.lanes.size,
      running: memory.leases.heldTasks,
      unflushed: memory.finished.size,
    };
  }
}
