import type { TaskRecord, TaskReport } from "#engine";
import type { Lease } from "./leases.ts";

/**
 * What running attempts have said of themselves, the newest of each. In memory only: after a restart it is
 * gone until their consumers' next heartbeat.
 */
export class LiveReports {
  readonly #reports = new Map<string, TaskReport>();

  get isEmpty(): boolean {
    return this.#reports.size === 0;
  }

  /**
   * Takes a report unless its attempt is over or it is older than what is known.
   * @param lease the one that holds the task now
   * @returns whether it says anything new
   */
  take(report: TaskReport, lease: Lease | undefined): boolean {
    if (lease?.token !== report.token) return false;
    const known = this.#reports.get(report.id);
    if (known?.token === report.token && known.seq >= report.seq) return false;
    this.#reports.set(report.id, report);
    return true;
  }

  /** The newest report of the attempt that runs under this lease. */
  of(taskId: string, lease: Lease | undefined): TaskReport | null {
    const report = this.#reports.get(taskId);
    return report !== undefined && report.token === lease?.token ? report : null;
  }

  /** The attempt is over: answers what it said last, and forgets it. */
  end(taskId: string): TaskReport | null {
    const report = this.#reports.get(taskId) ?? null;
    this.#reports.delete(taskId);
    return report;
  }
}

/** A running task as readers see it, with what its attempt says. */
export function withReport(task: TaskRecord, report: TaskReport | null): TaskRecord {
  if (report === null) return task;
  const { state, logs } = report;
  const running = task.attempts.at(-1);
  const attempts =
    logs === null || running === undefined
      ? task.attempts
      : [...task.attempts.slice(0, -1), { ...running, logs }];
  return { ...task, attempts, ...(state !== null && { reported: state }) };
}
