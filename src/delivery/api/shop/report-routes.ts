import { z } from "zod";
import {
  findReport,
  listReports,
  REPORT_KINDS,
  reportCsv,
  type StoredReport,
} from "#domain/reports";
import { readBody } from "../body.ts";
import { notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { orderReport } from "./report-order.ts";

/** `2025-06-26` or `2025-W26`. */
export const PERIOD = /^\d{4}-(\d\d-\d\d|W\d\d)$/;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const makeSchema = z.strictObject({
  kind: z.enum(REPORT_KINDS),
  date: z.iso.date("Must be a day as 2025-06-26.").optional(),
});

export function reportRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/reports",
      scope: "monitor",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const kind = reader.oneOf("kind", REPORT_KINDS) ?? "daily";
        const limit = reader.integer("limit", DEFAULT_LIMIT, MAX_LIMIT);
        const cursor = reader.cursor("cursor", PERIOD);
        reader.check();
        const found = await listReports(parts.shop.db, kind, cursor, limit + 1);
        const page = found.slice(0, limit);
        return Response.json({
          reports: page.map(viewOf),
          next_cursor: found.length > limit ? page.at(-1)?.period : null,
        });
      },
    },
    {
      method: "POST",
      path: "/api/reports",
      scope: "control",
      handle: async ({ request, caller }) => {
        const { kind, date } = await readBody(request, makeSchema);
        const taskId = await orderReport(parts, caller, { kind, date });
        return Response.json({ task_id: taskId }, { status: 202 });
      },
    },
    {
      method: "GET",
      path: "/api/reports/:kind/:period",
      scope: "monitor",
      handle: (call) => download(parts, call),
    },
  ];
}

/** One report, as JSON with what is known of it, or its values as CSV. */
async function download({ shop }: ApiParts, { request, params, query }: ApiCall) {
  const reader = new QueryReader(query);
  const asked = reader.oneOf("format", ["json", "csv"]);
  reader.check();
  const kind = REPORT_KINDS.find((one) => one === params.kind);
  const period = params.period ?? "";
  if (kind === undefined || !PERIOD.test(period)) throw notFound();
  const stored = await findReport(shop.db, kind, period);
  if (stored === null) throw notFound();
  const report = JSON.parse(stored.body) as Record<string, unknown>;
  const accepted = /\btext\/csv\b/i.test(request.headers.get("Accept") ?? "") ? "csv" : "json";
  const format = asked ?? accepted;
  const name = `${kind}-${period}.${format}`;
  const headers = { "Content-Disposition": `attachment; filename="${name}"`, Vary: "Accept" };
  if (format === "json") return Response.json({ ...viewOf(stored), report }, { headers });
  return new Response(reportCsv(report), {
    headers: { "Content-Type": "text/csv; charset=utf-8", ...headers },
  });
}

function viewOf({ kind, period, isComplete, createdAt, taskId }: Omit<StoredReport, "body">) {
  return {
    kind,
    period,
    complete: isComplete,
    created_at: new Date(createdAt).toISOString(),
    task_id: taskId,
  };
}
