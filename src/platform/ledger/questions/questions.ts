import type {
  CanvasTree,
  FiguresByTask,
  LiveKind,
  QueueSurvey,
  TaskPage,
  TaskQuery,
  TaskRecord,
  Waiting,
} from "#engine";
import type { IdRange } from "../../history/search.ts";
import type { LedgerCore } from "../core.ts";
import type { FiguresOfMinute } from "../figures/figures-book.ts";
import { findTasks } from "./find.ts";
import { findLive } from "../memory/memory.ts";
import { liveMembers, outlineOf, type LiveMembers } from "../canvas/members.ts";
import { listLive, surveyQueues } from "./survey.ts";
import { whyWaiting } from "./waiting.ts";

/** What those who look on can ask of a ledger; nothing here changes anything. */
export class Questions {
  readonly #core: LedgerCore;

  constructor(core: LedgerCore) {
    this.#core = core;
  }

  /** See `liveMembers`. */
  members(range: IdRange, page: IdRange): LiveMembers {
    return liveMembers(this.#core.ports.sql, this.#core.load(), range, page);
  }

  /** See `outlineOf`. */
  outline(canvasId: string): CanvasTree | null {
    return outlineOf(this.#core.ports.sql, this.#core.load(), canvasId);
  }

  /** Why a waiting task has not started; null: it isn't here, or runs. */
  whyWaiting(taskId: string): Waiting | null {
    const memory = this.#core.load();
    const row = findLive(this.#core.ports.sql, memory, taskId);
    if (row === null || memory.leases.holding(taskId) !== undefined) return null;
    return whyWaiting(this.#core.ports.sql, memory, row, this.#core.gatekeeper, this.#core.now());
  }

  /** What every queue of this shard holds. */
  survey(): QueueSurvey[] {
    return surveyQueues(this.#core.ports.sql, this.#core.load(), this.#core.now());
  }

  /** Live tasks that run (`active`), are due (`reserved`) or are not due yet (`scheduled`). */
  list(kind: LiveKind, limit: number): readonly TaskRecord[] {
    return listLive(this.#core.ports.sql, this.#core.load(), kind, limit, this.#core.now());
  }

  /** See `findTasks`. */
  find(query: TaskQuery, range: IdRange, limit: number): TaskPage {
    return findTasks(this.#core.ports.sql, this.#core.load(), query, range, limit);
  }

  /** See `FiguresBook.over`. */
  figures(from: number, until: number, step: number): FiguresOfMinute[] {
    return this.#core.load().finished.figures.over(from, until, step);
  }

  /** What was counted since the shard was made. */
  figuresTotal(): FiguresByTask {
    return this.#core.load().finished.figures.total();
  }

  /** How many tasks there are that have not ended. Reads an entry of an index for each. */
  countLive(): number {
    this.#core.load();
    const [row] = this.#core.ports.sql.exec<{ count: number }>(
      "SELECT count(*) AS count FROM tasks",
    );
    return row?.count ?? 0;
  }
}
