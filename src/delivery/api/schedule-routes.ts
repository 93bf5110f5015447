import { z } from "zod";
import { readBody } from "./body.ts";
import { QueryReader } from "./query.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { ScheduleDesk } from "./schedule-desk.ts";
import { changeSchema, createSchema } from "./schedule-schema.ts";
import { runView, scheduleView } from "./schedule-views.ts";
import { instant } from "./signatures.ts";
import { callKey } from "./task-calls.ts";

const emptySchema = z.strictObject({});
const backfillSchema = z.strictObject({ from: instant, until: instant });

/** The schedules of the deployment. */
export function scheduleRoutes(parts: ApiParts): Route[] {
  const { schedules } = parts;
  const desk = new ScheduleDesk(parts);

  async function switched(
    { params, request, caller }: ApiCall,
    enabled: boolean,
  ): Promise<Response> {
    await readBody(request, emptySchema);
    return Response.json(scheduleView(await desk.change(params.name, { enabled }, caller)));
  }

  const path = "/api/schedules";
  return [
    {
      method: "GET",
      path,
      scope: "monitor",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", 100, 1_000);
        const after = reader.text("cursor") ?? "";
        reader.check();
        const page = await schedules.page(after, limit + 1);
        const next = page.length > limit ? (page[limit - 1]?.name ?? null) : null;
        return Response.json({
          schedules: page.slice(0, limit).map(scheduleView),
          next_cursor: next,
        });
      },
    },
    {
      method: "POST",
      path,
      scope: "control",
      handle: async ({ request, caller }) => {
        const created = await desk.create(await readBody(request, createSchema), caller);
        return Response.json(scheduleView(created), { status: 201 });
      },
    },
    {
      method: "GET",
      path: `${path}/:name`,
      scope: "monitor",
      handle: async ({ params }) => Response.json(scheduleView(await desk.found(params.name))),
    },
    {
      method: "PATCH",
      path: `${path}/:name`,
      scope: "control",
      handle: async ({ request, params, caller }) => {
        const given = await readBody(request, changeSchema);
        return Response.json(scheduleView(await desk.change(params.name, given, caller)));
      },
    },
    {
      method: "DELETE",
      path: `${path}/:name`,
      scope: "control",
      handle: async ({ params, caller }) => {
        await desk.remove(params.name, caller);
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "POST",
      path: `${path}/:name/enable`,
      scope: "control",
      handle: (call) => switched(call, true),
    },
    {
      method: "POST",
      path: `${path}/:name/disable`,
      scope: "control",
      handle: (call) => switched(call, false),
    },
    {
      method: "POST",
      path: `${path}/:name/run`,
      scope: "control",
      handle: async ({ request, params, caller }) => {
        await readBody(request, emptySchema);
        const key = callKey(request, "")?.key ?? crypto.randomUUID();
        const run = await desk.run(params.name, key, caller);
        return Response.json(runView(run, null), { status: 202 });
      },
    },
    {
      method: "POST",
      path: `${path}/:name/backfill`,
      scope: "control",
      handle: async ({ request, params, caller }) => {
        const { from, until } = await readBody(request, backfillSchema);
        const runs = await desk.backfill(params.name, { from, until }, caller);
        return Response.json({ runs: runs.map((run) => runView(run, null)) }, { status: 202 });
      },
    },
    {
      method: "GET",
      path: `${path}/:name/next`,
      scope: "monitor",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const count = reader.integer("count", 10, 100);
        reader.check();
        const schedule = await desk.found(params.name);
        const { timezone, next } = desk.next(schedule, count);
        return Response.json({
          enabled: schedule.enabled,
          timezone,
          next: next.map(({ at, local }) => ({ at: new Date(at).toISOString(), local })),
        });
      },
    },
    {
      method: "GET",
      path: `${path}/:name/runs`,
      scope: "monitor",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", 20, 100);
        reader.check();
        const runs = await schedules.runs((await desk.found(params.name)).name, limit);
        const views = runs.map(async (run) =>
          runView(run, run.task_id === null ? null : await parts.tasks.get(run.task_id)),
        );
        return Response.json({ runs: await Promise.all(views) });
      },
    },
  ];
}
