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
import { readBody } from "./body.ts";
import { conflict, invalid, notFound } from "./problems.ts";
import { QueryReader } from "./query.ts";
import type { ApiCall, ApiParts, Route } from "./route.ts";
import { changeSchema, createSchema, settingsOf } from "./schedule-schema.ts";
import { runView, scheduleView } from "./schedule-views.ts";
import { instant } from "./signatures.ts";
import { callKey, checkCall } from "./task-calls.ts";

/** Of a change that others get in the way of. */
const MAX_TRIES = 5;

const emptySchema = z.strictObject({});
const backfillSchema = z.strictObject({ from: instant, until: instant });

/** The schedules of the deployment. */
export function scheduleRoutes(parts: ApiParts): Route[] {
  const { schedules, timezone } = parts;
  const base = () => ({ now: parts.clock.now(), timezone });

  async function found(name: string | undefined): Promise<Schedule> {
    const schedule = await schedules.get(name ?? "");
    if (schedule === null) throw notFound();
    return schedule;
  }

  /**
   * One whose calls the caller may make, too: whoever may steer schedules gets nothing run by them that they may
   * not call, nor keeps it from running.
   */
  async function steered(name: string | undefined, caller: Caller): Promise<Schedule> {
    const schedule = await found(name);
    checkCall(caller, callOfSlot(schedule, schedule.name, parts.clock.now()));
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
      const old = await steered(name, caller);
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

  async function switched(
    { params, request, caller }: ApiCall,
    enabled: boolean,
  ): Promise<Response> {
    await readBody(request, emptySchema);
    return change(params.name, { enabled }, caller);
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
        const { name, ...given } = await readBody(request, createSchema);
        const settings = settingsOf(given, null, base());
        await check(name, settings, caller);
        if ((await schedules.get(name)) !== null) throw exists(name);
        return Response.json(scheduleView(await schedules.create(name, settings)), { status: 201 });
      },
    },
    {
      method: "GET",
      path: `${path}/:name`,
      scope: "monitor",
      handle: async ({ params }) => Response.json(scheduleView(await found(params.name))),
    },
    {
      method: "PATCH",
      path: `${path}/:name`,
      scope: "control",
      handle: async ({ request, params, caller }) => {
        const given = await readBody(request, changeSchema);
        return change(params.name, given, caller);
      },
    },
    {
      method: "DELETE",
      path: `${path}/:name`,
      scope: "control",
      handle: async ({ params, caller }) => {
        const { name, origin } = await steered(params.name, caller);
        if (origin === "code") {
          throw conflict("declared_in_code", "It is declared in the code: disable it instead.");
        }
        await schedules.remove(name);
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
        const run = await schedules.run((await steered(params.name, caller)).name, key);
        if (run === null) throw notFound();
        return Response.json(runView(run, null), { status: 202 });
      },
    },
    {
      method: "POST",
      path: `${path}/:name/backfill`,
      scope: "control",
      handle: async ({ request, params, caller }) => {
        const { from, until } = await readBody(request, backfillSchema);
        const [first, last] = [from.getTime(), until.getTime()];
        if (last < first || last > parts.clock.now()) {
          throw invalid([{ field: "until", message: "Must be after from, and past." }]);
        }
        const { name } = await steered(params.name, caller);
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
    },
    {
      method: "GET",
      path: `${path}/:name/next`,
      scope: "monitor",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const count = reader.integer("count", 10, 100);
        reader.check();
        const { timing, enabled, startTime, expires } = await found(params.name);
        const after = Math.max(parts.clock.now(), (startTime ?? 0) - 1);
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
    },
    {
      method: "GET",
      path: `${path}/:name/runs`,
      scope: "monitor",
      handle: async ({ params, query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", 20, 100);
        reader.check();
        const runs = await schedules.runs((await found(params.name)).name, limit);
        const views = runs.map(async (run) =>
          runView(run, run.task_id === null ? null : await parts.tasks.get(run.task_id)),
        );
        return Response.json({ runs: await Promise.all(views) });
      },
    },
  ];
}

function exists(name: string) {
  return conflict("exists", `There is a schedule '${name}'.`);
}
