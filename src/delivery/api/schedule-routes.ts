import { z } from "zod";
import {
  callOfSlot,
  LovageError,
  slotsBetween,
  UnknownTaskError,
  type Schedule,
  type ScheduleSettings,
} from "#engine";
import type { Caller } from "./access.ts";
import { nextCursor } from "./answers.ts";
import { operation } from "./operation.ts";
import { conflict, invalid, notFound } from "./problems.ts";
import { integer, limit, text } from "./query-params.ts";
import type { ApiParts, Route } from "./route.ts";
import { changeSchema, createSchema, settingsOf } from "./schedule-schema.ts";
import { nextAnswer, runAnswer, runView, scheduleAnswer, scheduleView } from "./schedule-views.ts";
import { instant } from "./signature-schema.ts";
import { callKey, checkCall, idempotencyKey } from "./task-calls.ts";

/** Of a change that others get in the way of. */
const MAX_TRIES = 5;

const emptySchema = z.strictObject({});
const backfillSchema = z.strictObject({ from: instant, until: instant });

const TAG = "schedules";
const path = "/api/schedules";
const params = { name: z.string().describe("The schedule's name.") };
const runsAnswer = z.strictObject({ runs: z.array(runAnswer) });

/** The schedules of the deployment. */
export function scheduleRoutes(parts: ApiParts): Route[] {
  const { schedules, timezone } = parts;
  const base = () => ({ now: parts.clock.now(), timezone });

  async function found(name: string | undefined): Promise<Schedule> {
    const schedule = await schedules.get(name ?? "");
    if (schedule === null) throw notFound();
    return schedule;
  }

  /** A schedule whose calls can't be made is refused when it is written, not when it fires. */
  async function check(name: string, settings: ScheduleSettings, caller: Caller): Promise<void> {
    try {
      const call = callOfSlot(settings, name, parts.clock.now());
      checkCall(caller, call);
      await parts.lovageFor(caller.owner).prepare([call]);
    } catch (error) {
      if (!(error instanceof UnknownTaskError)) throw error;
      throw invalid([{ field: "task", message: error.message }]);
    }
  }

  /** Made again of what is there, if somebody else changes it at the same time. */
  async function change(
    name: string | undefined,
    given: Parameters<typeof settingsOf>[0],
    caller: Caller,
  ): Promise<Response> {
    for (let tried = 1; ; tried += 1) {
      const old = await found(name);
      const settings = settingsOf(given, old, base());
      await check(old.name, settings, caller);
      try {
        const changed = await schedules.update(old.name, settings, old.version);
        if (changed === null) throw notFound();
        return Response.json(scheduleView(changed));
      } catch (error) {
        const isChanged = error instanceof LovageError && error.code === "changed_meanwhile";
        if (!isChanged || tried >= MAX_TRIES) throw error;
      }
    }
  }

  function switching(what: "enable" | "disable", summary: string): Route {
    return operation({
      method: "POST",
      path: `${path}/:name/${what}`,
      scope: "control",
      tag: TAG,
      summary,
      params,
      body: emptySchema,
      example: {},
      answers: { 200: scheduleAnswer },
      handle: ({ params: { name }, caller }) =>
        change(name, { enabled: what === "enable" }, caller),
    });
  }

  return [
    operation({
      method: "GET",
      path,
      scope: "admin",
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
      scope: "admin",
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
      problems: { 409: ["exists"] },
      handle: async ({ caller, body: { name, ...given } }) => {
        const settings = settingsOf(given, null, base());
        await check(name, settings, caller);
        if ((await schedules.get(name)) !== null) throw exists(name);
        return Response.json(scheduleView(await schedules.create(name, settings)), { status: 201 });
      },
    }),
    operation({
      method: "GET",
      path: `${path}/:name`,
      scope: "monitor",
      tag: TAG,
      summary: "Show a schedule",
      params,
      answers: { 200: scheduleAnswer },
      handle: async ({ params: { name } }) => Response.json(scheduleView(await found(name))),
    }),
    operation({
      method: "PATCH",
      path: `${path}/:name`,
      scope: "control",
      tag: TAG,
      summary: "Change a schedule",
      description: "What is not given stays. A timing replaces the old one, whatever its kind.",
      params,
      body: changeSchema,
      example: { enabled: false },
      answers: { 200: scheduleAnswer },
      handle: ({ params: { name }, caller, body }) => change(name, body, caller),
    }),
    operation({
      method: "DELETE",
      path: `${path}/:name`,
      scope: "control",
      tag: TAG,
      summary: "Delete a schedule",
      params,
      answers: { 204: "It is gone." },
      problems: { 409: ["declared_in_code"] },
      handle: async ({ params: { name: asked } }) => {
        const { name, origin } = await found(asked);
        if (origin === "code") {
          throw conflict("declared_in_code", "It is declared in the code: disable it instead.");
        }
        await schedules.remove(name);
        return new Response(null, { status: 204 });
      },
    }),
    switching("enable", "Enable a schedule"),
    switching("disable", "Disable a schedule"),
    ...runRoutes(parts, found),
  ];
}

/** Runs of schedules: asked for, made up for, foreseen, past. */
function runRoutes(
  { schedules, clock, tasks }: ApiParts,
  found: (name: string | undefined) => Promise<Schedule>,
): Route[] {
  return [
    operation({
      method: "POST",
      path: `${path}/:name/run`,
      scope: "control",
      tag: TAG,
      summary: "Run a schedule's task now",
      params,
      headers: { "Idempotency-Key": idempotencyKey },
      body: emptySchema,
      example: {},
      answers: { 202: runAnswer },
      handle: async ({ request, params: { name } }) => {
        const key = callKey(request, "")?.key ?? crypto.randomUUID();
        const run = await schedules.run((await found(name)).name, key);
        if (run === null) throw notFound();
        return Response.json(runView(run, null), { status: 202 });
      },
    }),
    operation({
      method: "POST",
      path: `${path}/:name/backfill`,
      scope: "control",
      tag: TAG,
      summary: "Make up for the slots of a time that is past",
      params,
      body: backfillSchema,
      example: { from: "2026-11-01T00:00:00Z", until: "2026-11-02T00:00:00Z" },
      answers: { 202: runsAnswer },
      handle: async ({ params: { name: asked }, body: { from, until } }) => {
        const [first, last] = [from.getTime(), until.getTime()];
        if (last < first || last > clock.now()) {
          throw invalid([{ field: "until", message: "Must be after from, and past." }]);
        }
        const { name } = await found(asked);
        try {
          const runs = await schedules.backfill(name, first, last);
          if (runs === null) throw notFound();
          return Response.json({ runs: runs.map((run) => runView(run, null)) }, { status: 202 });
        } catch (error) {
          const isRefused = error instanceof LovageError && error.code.startsWith("too_");
          if (!isRefused) throw error;
          throw invalid([{ field: error.field ?? "from", message: error.message }]);
        }
      },
    }),
    operation({
      method: "GET",
      path: `${path}/:name/next`,
      scope: "monitor",
      tag: TAG,
      summary: "Foresee a schedule's next runs",
      params,
      query: { count: integer(10, 100, "How many at most.") },
      answers: { 200: nextAnswer },
      handle: async ({ params: { name }, query: { count } }) => {
        const { timing, enabled, startTime, expires } = await found(name);
        const after = Math.max(clock.now(), (startTime ?? 0) - 1);
        const slots = slotsBetween(timing, after, expires ?? Infinity, count);
        const zone = timing.kind === "crontab" ? timing.timezone : "UTC";
        const local = new Intl.DateTimeFormat("en-GB", {
          timeZone: zone,
          dateStyle: "full",
          timeStyle: "long",
        });
        return Response.json({
          enabled,
          timezone: zone,
          next: slots.map((slot) => ({
            at: new Date(slot).toISOString(),
            local: local.format(slot),
          })),
        });
      },
    }),
    operation({
      method: "GET",
      path: `${path}/:name/runs`,
      scope: "monitor",
      tag: TAG,
      summary: "List a schedule's runs, the last first",
      params,
      query: { limit: limit(20, 100) },
      answers: { 200: runsAnswer },
      handle: async ({ params: { name }, query }) => {
        const runs = await schedules.runs((await found(name)).name, query.limit);
        const views = runs.map(async (run) =>
          runView(run, run.task_id === null ? null : await tasks.get(run.task_id)),
        );
        return Response.json({ runs: await Promise.all(views) });
      },
    }),
  ];
}

function exists(name: string) {
  return conflict("exists", `There is a schedule '${name}'.`);
}
