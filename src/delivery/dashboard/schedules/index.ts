import * as z from "zod";
import type { Schedule } from "#engine";
import type { FieldError } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { ScheduleDesk } from "../../api/schedules/schedule-desk.ts";
import { instant } from "../../api/tasks/signature-schema.ts";
import {
  counted,
  filledIn,
  checked,
  faultsOf,
  instantOf,
  placeOf,
  readFields,
  readForm,
  seeOther,
  textOf,
  type Fields,
} from "../shell/index.ts";
import { listPage, type Filter } from "./list-page.tsx";
import { shownArguments } from "./schedule-arguments.ts";
import { formRoutes } from "./form-routes.ts";
import { schedulePage } from "./schedule-page.tsx";

const PLACE = "/dashboard/schedules";
const STEERING = { scope: "control", rate: "control" } as const;
const PAGE = 50;
/** Schedules that one page looks at: those that fit may be few. */
const MAX_LOOKED_AT = 1_000;
const SHOWN_RUNS = 30;
const SHOWN_SLOTS = 10;

const ORIGINS = ["code", "admin", "retired"] as const;
const switchSchema = z.strictObject({ enabled: z.enum(["true", "false"]) });
const runSchema = z.strictObject({ key: z.string().regex(/^[!-~]{1,255}$/) });
const nothingSchema = z.strictObject({});
const backfillSchema = z.strictObject({ from: instant, until: instant });

/** Schedules: what runs when, what ran, and the form that makes and changes them. */
export function schedulePages(parts: ApiParts): Route[] {
  const desk = new ScheduleDesk(parts);
  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const search = reader.text("search")?.toLowerCase() ?? "";
        const enabled = reader.oneOf("enabled", ["yes", "no"]) ?? null;
        const origin = reader.oneOf("origin", ORIGINS) ?? null;
        const after = reader.text("cursor") ?? "";
        reader.check();
        const filter: Filter = { search, enabled, origin, after };
        const looked = await parts.schedules.page(after, MAX_LOOKED_AT);
        const fits = looked.filter((schedule) => isWanted(schedule, filter));
        const shown = fits.slice(0, PAGE);
        const isMore = fits.length > PAGE || looked.length === MAX_LOOKED_AT;
        const last = fits.length > PAGE ? shown.at(-1) : looked.at(-1);
        const states = await statesOf(
          parts,
          shown.map(({ lastTaskId }) => lastTaskId),
        );
        return listPage(call, {
          filter,
          shown,
          states,
          next: isMore ? (last?.name ?? null) : null,
        });
      },
    },
    ...formRoutes(parts, desk),
    {
      method: "GET",
      path: `${PLACE}/:name`,
      scope: "monitor",
      rate: "read",
      handle: (call) => onePage(parts, desk, call, { values: {}, faults: [] }),
    },
    ...actionRoutes(parts, desk),
  ];
}

function isWanted({ name, task, enabled, origin }: Schedule, filter: Filter): boolean {
  return (
    `${name}\n${task}`.toLowerCase().includes(filter.search) &&
    (filter.enabled === null || enabled === (filter.enabled === "yes")) &&
    (filter.origin === null || origin === filter.origin)
  );
}

async function statesOf(parts: ApiParts, ids: readonly (string | null)[]) {
  const tasks = await Promise.all(
    ids.map(async (id) => (id === null ? null : parts.tasks.get(id))),
  );
  return new Map(
    tasks.flatMap((task) => (task === null ? [] : [[task.id, task.reported?.state ?? task.state]])),
  );
}

async function onePage(
  parts: ApiParts,
  desk: ScheduleDesk,
  call: ApiCall,
  backfill: { values: Fields; faults: readonly FieldError[] },
): Promise<Response> {
  const schedule = await desk.found(call.params["name"]);
  const runs = await parts.schedules.runs(schedule.name, SHOWN_RUNS);
  const tasks = await Promise.all(
    runs.map(async ({ task_id: id }) => (id === null ? null : parts.tasks.get(id))),
  );
  return schedulePage(call, {
    schedule,
    shown: shownArguments(parts.registry, schedule),
    runs: runs.map((run, index) => ({ run, task: tasks[index] ?? null })),
    slots: desk.next(schedule, SHOWN_SLOTS),
    backfill,
    runKey: crypto.randomUUID(),
  });
}

function actionRoutes(parts: ApiParts, desk: ScheduleDesk): Route[] {
  function action(what: string, run: (call: ApiCall, name: string) => Promise<Response>): Route {
    return {
      method: "POST",
      path: `${PLACE}/:name/${what}`,
      ...STEERING,
      handle: (call) => run(call, call.params["name"] ?? ""),
    };
  }
  return [
    action("switch", async ({ request, caller }, name) => {
      const isOn = (await readForm(request, switchSchema)).enabled === "true";
      await desk.change(name, { enabled: isOn }, caller);
      return seeOther(placeOf.schedule(name), isOn ? "It is enabled." : "It is disabled.");
    }),
    action("run", async ({ request, caller }, name) => {
      const { key } = await readForm(request, runSchema);
      const { task_id: id, note } = await desk.run(name, key, caller);
      if (id !== null) return seeOther(placeOf.task(id), "It runs once more, as this task.");
      return seeOther(placeOf.schedule(name), note ?? "It did not run.", { hasFailed: true });
    }),
    action("backfill", async (call, name) => {
      const values = await readFields(call.request);
      try {
        const text = (field: string) => instantOf(textOf(values, field));
        const { from, until } = checked(
          { from: text("from"), until: text("until") },
          backfillSchema,
        );
        const runs = await desk.backfill(name, { from, until }, call.caller);
        const words = `Made up for ${counted(runs.length, "slot")}.`;
        return seeOther(placeOf.schedule(name), words);
      } catch (error) {
        return onePage(parts, desk, call, { values, faults: faultsOf(error) });
      }
    }),
    action("delete", async ({ request, caller }, name) => {
      await readForm(request, nothingSchema);
      await desk.remove(name, caller);
      return seeOther(PLACE, `The schedule ${name} is deleted.`);
    }),
  ];
}
