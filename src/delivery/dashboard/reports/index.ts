import * as z from "zod";
import { findReport, lastReports, listReports, REPORT_KINDS } from "#domain/reports";
import { notFound, type FieldError } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { orderReport } from "../../api/shop/report-order.ts";
import { PERIOD } from "../../api/shop/report-routes.ts";
import {
  checked,
  faultsOf,
  filledIn,
  placeOf,
  readFields,
  seeOther,
  textOf,
  type Fields,
} from "../shell/index.ts";
import { listPage } from "./list-page.tsx";
import { reportPage } from "./report-page.tsx";

const PLACE = "/dashboard/reports";
const PAGE = 50;
/** Periods that a report is shown among. */
const TREND = 14;

const makeSchema = z.strictObject({
  kind: z.enum(REPORT_KINDS),
  date: z.iso.date("Must be a day as 2025-06-26.").optional(),
});

/** Reports of days and weeks. */
export function reportPages(parts: ApiParts): Route[] {
  async function show(call: ApiCall, values: Fields, faults: readonly FieldError[]) {
    const reader = new QueryReader(filledIn(call.query));
    const kind = reader.oneOf("kind", REPORT_KINDS) ?? "daily";
    const cursor = reader.cursor("cursor", PERIOD);
    reader.check();
    const found = await listReports(parts.shop.db, kind, cursor, PAGE + 1);
    const reports = found.slice(0, PAGE);
    const next = found.length > PAGE ? (reports.at(-1)?.period ?? null) : null;
    const form = { values: { kind, ...values }, faults };
    return listPage(call, { kind, cursor, reports, next, form });
  }

  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: (call) => show(call, {}, []),
    },
    {
      method: "POST",
      path: PLACE,
      scope: "control",
      rate: "control",
      handle: async (call) => {
        const values = await readFields(call.request);
        try {
          const date = textOf(values, "date") || undefined;
          const wanted = checked({ kind: textOf(values, "kind"), date }, makeSchema);
          const id = await orderReport(parts, call.caller, { date: undefined, ...wanted });
          return seeOther(placeOf.task(id), "The report is made by this task.");
        } catch (error) {
          return show(call, values, faultsOf(error));
        }
      },
    },
    {
      method: "GET",
      path: `${PLACE}/:kind/:period`,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        new QueryReader(filledIn(call.query)).check();
        const { kind: given, period = "" } = call.params;
        const kind = REPORT_KINDS.find((one) => one === given);
        if (kind === undefined || !PERIOD.test(period)) throw notFound();
        const stored = await findReport(parts.shop.db, kind, period);
        if (stored === null) throw notFound();
        const trend = await lastReports(parts.shop.db, kind, period, TREND);
        return reportPage(call, { stored, trend: trend.toReversed() });
      },
    },
  ];
}
