import { crontab, declareSchedule, type DeclaredSchedule } from "#engine";
import { cleanupOldLogs } from "./cleanup-old-logs.ts";
import { generateDailyReport } from "./daily-report.ts";
import { processApiAnalytics } from "./weekly-analysis.ts";

export { checkPeriod, periodOf, REPORT_KINDS, ReportPeriodError } from "./period.ts";
export { findReport, lastReports, listReports } from "./report-book.ts";
export type { StoredReport } from "./report-book.ts";
export type { DailyReport } from "./daily-report.ts";
export type { WeeklyAnalysis } from "./weekly-analysis.ts";
export { reportCsv } from "./report-csv.ts";
export { RequestLog } from "./request-log.ts";

export const reportTasks = [generateDailyReport, processApiAnalytics, cleanupOldLogs] as const;

/** The task that makes the reports of a kind. */
export const REPORT_TASKS = { daily: generateDailyReport, weekly: processApiAnalytics } as const;

export const reportSchedules = (timezone: string): readonly DeclaredSchedule[] => [
  declareSchedule(
    "generate_daily_report",
    generateDailyReport.s({}),
    crontab(timezone, { minute: "0", hour: "0" }),
    {
      missed: { policy: "all", limit: 30 },
      description: "The report of the day that has just ended.",
    },
  ),
  declareSchedule(
    "process_api_analytics",
    processApiAnalytics.s({}),
    crontab(timezone, { minute: "30", hour: "1", day_of_week: "mon" }),
    {
      missed: { policy: "all", limit: 4 },
      description: "The analysis of the week that has just ended.",
    },
  ),
  declareSchedule(
    "cleanup_old_logs",
    cleanupOldLogs.s({}),
    crontab(timezone, { minute: "30", hour: "3" }),
    { overlap: "skip", description: "Deletes the log of requests when its days are over." },
  ),
];
