import { checkPeriod, periodOf, REPORT_TASKS, ReportPeriodError } from "#domain/reports";
import type { Caller } from "../callers/access.ts";
import { invalid } from "../http/problems.ts";
import type { ApiParts } from "../route.ts";

/**
 * Has a report made now.
 * @param date a day of its period; undefined: of the last one that has ended
 * @returns the id of the task that makes it
 * @throws Problem 422 when there can be no report of it
 */
export async function orderReport(
  parts: ApiParts,
  caller: Caller,
  { kind, date }: { readonly kind: keyof typeof REPORT_TASKS; readonly date: string | undefined },
): Promise<string> {
  if (date !== undefined) checkDate(parts, kind, date);
  const call = REPORT_TASKS[kind].s(date === undefined ? {} : { date });
  const { taskId } = await parts.lovageFor(caller.owner).send(call);
  return taskId;
}

/** @throws Problem 422 */
function checkDate({ shop, clock }: ApiParts, kind: "daily" | "weekly", date: string): void {
  try {
    checkPeriod(periodOf(kind, date, shop.timezone), clock.now(), shop.logDays);
  } catch (error) {
    if (!(error instanceof ReportPeriodError)) throw error;
    throw invalid([{ field: "date", message: error.message }]);
  }
}
