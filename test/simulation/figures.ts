import { addFigures, countTasks, type FiguresByTask, type FinishedTask } from "#engine";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import { Violation } from "./violation.ts";

/** @throws Violation unless each of the tasks that ended was counted, once, by minutes and in the total */
export function checkFigures(ledger: TaskLedger, tasks: readonly FinishedTask[]): void {
  const expected = sorted(countTasks({}, tasks));
  const minutes = ledger.questions
    .figures(0, Number.MAX_SAFE_INTEGER, 1)
    .map(({ figures }) => figures);
  for (const counted of [addFigures(minutes), ledger.questions.figuresTotal()]) {
    if (sorted(counted) !== expected) {
      throw new Violation(`counted ${sorted(counted)} instead of ${expected}`);
    }
  }
}

function sorted(figures: FiguresByTask): string {
  return JSON.stringify(Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1)));
}
