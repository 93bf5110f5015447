import { declareSchedule, type DeclaredSchedule } from "#engine";
import type { AnyMail } from "../mail/index.ts";
import { cleanupOldLogs } from "./cleanup-old-logs.ts";
import { generateDailyReport } from "./daily-report.ts";
import { processApiAnalytics } from "./weekly-analysis.ts";

export { checkPeriod, periodOf, REPORT_KINDS, ReportPeriodError } from "./period.ts";
export { findReport, listReports } from "./report-book.ts";
export type { StoredReport } from "./report-book.ts";
export { reportCsv } from "./report-csv.ts";
export { RequestLog } from "./request-log.ts";

export const reportTasks = [generateDailyReport, processApiAnalytics, cleanupOldLogs] as const;
export const reportMails: readonly AnyMail[] = [];

/** The task that makes the reports of a kind. */
export const REPORT_TASKS = { daily: generateDailyReport, weekly: processApiAnalytics } as const;

export const reportSchedules = (timezone: string): readonly DeclaredSchedule[] => {
  const at = (minute: string, hour: string, day_of_week = "*") =>
    ({
      kind: "crontab",
      timezone,
      minute,
      hour,
      day_of_month: "*",
      month_of_year: "*",
      day_of_week,
    }) as const;
  return [
    declareSchedule("generate_daily_report", generateDailyReport.s({}), at("0", "0")),
    declareSchedule("process_api_analytics", processApiAnalytics.s({}), at("30", "1", "mon")),
    declareSchedule("cleanup_old_logs", cleanupOldLogs.s({}), at("30", "3")),
  ];
};
