import * as z from "zod";
import { nextCursor } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { integer, limit, text } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { ScheduleDesk } from "./schedule-desk.ts";
import { changeSchema, createSchema } from "./schedule-schema.ts";
import { nextAnswer, runAnswer, runView, scheduleAnswer, scheduleView } from "./schedule-views.ts";
import { instant } from "../tasks/signature-schema.ts";
import { callKey, idempotencyKey } from "../tasks/task-calls.ts";

const emptySchema = z.strictObject({});
const backfillSchema = z.strictObject({ from: instant, until: instant });

const TAG = "schedules";
const path = "/api/schedules";
const params = { name: z.string().describe("The schedule's name.") };
const runsAnswer = z.strictObject({ runs: z.array(runAnswer) });

/** The schedules of the deployment. */
export function scheduleRoutes(parts: ApiParts): Route[] {
  const { schedules } = parts;
  const desk = new ScheduleDesk(parts);

  function switching(what: "enable" | "disable", summary: string): Route {
    return operation({
      method: "POST",
      path: `${path}/:name/${what}`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary,
      params,
      body: emptySchema,
      example: {},
      answers: { 200: scheduleAnswer },
      handle: async ({ params: { name }, caller }) => {
        const changed = await desk.change(name, { enabled: what === "enable" }, caller);
        return Response.json(scheduleView(changed));
      },
    });
  }

  return [
    operation({
      method: "GET",
      path,
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "List the schedules by name",
      query: { limit: limit(100, 1_000), cursor: text("The `next_cursor` of the answer before.") },
      answers: {
        200: z.strictObject({ schedules: z.array(scheduleAnswer), next_cursor: nextCursor }),
      },
      handle: async ({ query }) => {
        const page = await schedules.page(query.cursor ?? "", query.limit + 1);
        const next = page.length > query.limit ? (page[query.limit - 1]?.name ?? null) : null;
        return Response.json({
          schedules: page.slice(0, query.limit).map(scheduleView),
          next_cursor: next,
        });
      },
    }),
    operation({
      method: "POST",
      path,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Make a schedule",
      description: "With one of `crontab`, `interval`, `clocked` and `solar`.",
      body: createSchema,
      example: {
        name: "every quarter of an hour",
        task: "send_pending_emails",
        crontab: { minute: "*/15", timezone: "Europe/Paris" },
      },
      answers: { 201: scheduleAnswer },
      problems: { 409: ["exists", "too_many_schedules"] },
      handle: async ({ caller, body }) =>
        Response.json(scheduleView(await desk.create(body, caller)), { status: 201 }),
    }),
    operation({
      method: "GET",
      path: `${path}/:name`,
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "Show a schedule",
      params,
      answers: { 200: scheduleAnswer },
      handle: async ({ params: { name } }) => Response.json(scheduleView(await desk.found(name))),
    }),
    operation({
      method: "PATCH",
      path: `${path}/:name`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Change a schedule",
      description: "What is not given stays. A timing replaces the old one, whatever its kind.",
      params,
      body: changeSchema,
      example: { enabled: false },
      answers: { 200: scheduleAnswer },
      handle: async ({ params: { name }, caller, body }) =>
        Response.json(scheduleView(await desk.change(name, body, caller))),
    }),
    operation({
      method: "DELETE",
      path: `${path}/:name`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Delete a schedule",
      params,
      answers: { 204: "It is gone." },
      problems: { 409: ["declared_in_code"] },
      handle: async ({ params: { name }, caller }) => {
        await desk.remove(name, caller);
        return new Response(null, { status: 204 });
      },
    }),
    switching("enable", "Enable a schedule"),
    switching("disable", "Disable a schedule"),
    ...runRoutes(parts, desk),
  ];
}

/** Runs of schedules: asked for, made up for, foreseen, past. */
function runRoutes({ schedules, tasks }: ApiParts, desk: ScheduleDesk): Route[] {
  return [
    operation({
      method: "POST",
      path: `${path}/:name/run`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Run a schedule's task now",
      params,
      headers: { "Idempotency-Key": idempotencyKey },
      body: emptySchema,
      example: {},
      answers: { 202: runAnswer },
      handle: async ({ request, params: { name }, caller }) => {
        const key = callKey(request, "")?.key ?? crypto.randomUUID();
        return Response.json(runView(await desk.run(name, key, caller), null), { status: 202 });
      },
    }),
    operation({
      method: "POST",
      path: `${path}/:name/backfill`,
      scope: "control",
      rate: "control",
      tag: TAG,
      summary: "Make up for the slots of a time that is past",
      params,
      body: backfillSchema,
      example: { from: "2026-11-01T00:00:00Z", until: "2026-11-02T00:00:00Z" },
      answers: { 202: runsAnswer },
      handle: async ({ params: { name }, body: { from, until }, caller }) => {
        const runs = await desk.backfill(name, { from, until }, caller);
        return Response.json({ runs: runs.map((run) => runView(run, null)) }, { status: 202 });
      },
    }),
    operation({
      method: "GET",
      path: `${path}/:name/next`,
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "Foresee a schedule's next runs",
      params,
      query: { count: integer(10, 100, "How many at most.") },
      answers: { 200: nextAnswer },
      handle: async ({ params: { name }, query: { count } }) => {
        const schedule = await desk.found(name);
        const { timezone, next } = desk.next(schedule, count);
        return Response.json({
          enabled: schedule.enabled,
          timezone,
          next: next.map(({ at, local }) => ({ at: new Date(at).toISOString(), local })),
        });
      },
    }),
    operation({
      method: "GET",
      path: `${path}/:name/runs`,
      scope: "monitor",
      rate: "read",
      tag: TAG,
      summary: "List a schedule's runs, the last first",
      params,
      query: { limit: limit(20, 100) },
      answers: { 200: runsAnswer },
      handle: async ({ params: { name }, query }) => {
        const runs = await schedules.runs((await desk.found(name)).name, query.limit);
        const views = runs.map(async (run) =>
          runView(run, run.task_id === null ? null : await tasks.get(run.task_id)),
        );
        return Response.json({ runs: await Promise.all(views) });
      },
    }),
  ];
}
