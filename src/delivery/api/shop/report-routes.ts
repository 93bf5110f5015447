import * as z from "zod";
import {
  findReport,
  listReports,
  REPORT_KINDS,
  reportCsv,
  type StoredReport,
} from "#domain/reports";
import { isoTime, pageOf, startedAnswer } from "../http/answers.ts";
import { operation, type OperationCall } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import { cursor, limit, oneOf, oneOfOr } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { orderReport } from "./report-order.ts";

/** `2025-06-26` or `2025-W26`. */
export const PERIOD = /^\d{4}-(\d\d-\d\d|W\d\d)$/;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const makeSchema = z.strictObject({
  kind: z.enum(REPORT_KINDS),
  date: z.iso.date("Must be a day as 2025-06-26.").optional(),
});

const TAG = "reports";
const format = {
  format: oneOf(["json", "csv"], "Absent: as the header Accept says, else as JSON."),
};

const reportAnswer = z
  .strictObject({
    kind: z.enum(REPORT_KINDS),
    period: z.string(),
    complete: z.boolean().describe("The period was over when it was made."),
    created_at: isoTime,
    task_id: z.string(),
  })
  .meta({ id: "Report" });

export function reportRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/reports",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "List reports, the newest first",
      query: {
        kind: oneOfOr(REPORT_KINDS, "daily", "Of this kind."),
        limit: limit(DEFAULT_LIMIT, MAX_LIMIT),
        cursor: cursor(PERIOD),
      },
      answers: { 200: pageOf("reports", reportAnswer) },
      handle: async ({ query }) => {
        const { kind, limit: most } = query;
        const found = await listReports(parts.shop.db, kind, query.cursor, most + 1);
        const page = found.slice(0, most);
        return Response.json({
          reports: page.map(viewOf),
          next_cursor: found.length > most ? page.at(-1)?.period : null,
        });
      },
    }),
    operation({
      method: "POST",
      path: "/api/reports",
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Make a report",
      description: "Without a date that of the last period that is over.",
      body: makeSchema,
      example: { kind: "daily", date: "2025-06-26" },
      answers: { 202: startedAnswer },
      handle: async ({ caller, body: { kind, date } }) => {
        const taskId = await orderReport(parts, caller, { kind, date });
        return Response.json({ task_id: taskId }, { status: 202 });
      },
    }),
    operation({
      method: "GET",
      path: "/api/reports/:kind/:period",
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "Download a report",
      params: {
        kind: z.enum(REPORT_KINDS),
        period: z.string().regex(PERIOD).describe("`2025-06-26`, or `2025-W26`."),
      },
      query: format,
      answers: {
        200: {
          types: ["text/csv"],
          json: reportAnswer.extend({ report: z.record(z.string(), z.unknown()) }),
          words: "The report; as CSV its values alone.",
        },
      },
      handle: (call) => download(parts, call),
    }),
  ];
}

/** One report, as JSON with what is known of it, or its values as CSV. */
async function download(
  { shop }: ApiParts,
  { request, params, query }: OperationCall<typeof format, undefined>,
) {
  const kind = REPORT_KINDS.find((one) => one === params.kind);
  const period = params.period ?? "";
  if (kind === undefined || !PERIOD.test(period)) throw notFound();
  const stored = await findReport(shop.db, kind, period);
  if (stored === null) throw notFound();
  const report = JSON.parse(stored.body) as Record<string, unknown>;
  const accepted = /\btext\/csv\b/i.test(request.headers.get("Accept") ?? "") ? "csv" : "json";
  const chosen = query.format ?? accepted;
  const name = `${kind}-${period}.${chosen}`;
  const headers = { "Content-Disposition": `attachment; filename="${name}"`, Vary: "Accept" };
  if (chosen === "json") return Response.json({ ...viewOf(stored), report }, { headers });
  return new Response(reportCsv(report), {
    headers: { "Content-Type": "text/csv; charset=utf-8", ...headers },
  });
}

function viewOf(stored: Omit<StoredReport, "body">): z.output<typeof reportAnswer> {
  const { kind, period, isComplete, createdAt, taskId } = stored;
  return {
    kind,
    period,
    complete: isComplete,
    created_at: new Date(createdAt).toISOString(),
    task_id: taskId,
  };
}
