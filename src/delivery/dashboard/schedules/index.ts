import { z } from "zod";
import type { Schedule, ScheduleSettings } from "#engine";
import type { FieldError } from "../../api/problems.ts";
import { QueryReader } from "../../api/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { ScheduleDesk } from "../../api/schedule-desk.ts";
import { changeSchema, createSchema } from "../../api/schedule-schema.ts";
import { instant } from "../../api/signature-schema.ts";
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
import { formPage, type Preview, type ScheduleForm } from "./form-page.tsx";
import { listPage, type Filter } from "./list-page.tsx";
import {
  argumentValues,
  formSent,
  readArguments,
  shownArguments,
  switched,
} from "./schedule-arguments.ts";
import { givenOf, newValues, valuesOfSettings } from "./schedule-fields.ts";
import { schedulePage } from "./schedule-page.tsx";

const PLACE = "/dashboard/schedules";
/** Beside them: a schedule may have any name. */
const NEW = "/dashboard/new-schedule";
const PAGE = 50;
/** Schedules that one page looks at: those that fit may be few. */
const MAX_LOOKED_AT = 1_000;
const SHOWN_RUNS = 30;
const SHOWN_SLOTS = 10;

type Change = z.output<typeof changeSchema>;

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

/** Making and changing: one form, which is shown again until what it says fits. */
function formRoutes(parts: ApiParts, desk: ScheduleDesk): Route[] {
  const { registry, timezone, queues } = parts;
  const around = () => ({ tasks: registry.names(), queues: [...queues], timezone });

  function previewOf(settings: ScheduleSettings): Preview {
    return { ...desk.next(settings, SHOWN_SLOTS), timing: settings.timing };
  }

  /** What a form says; settings are null where that can't be told. */
  function read(values: Fields, old: Schedule | null) {
    const { given, faults } = givenOf(values, old);
    const entered = readArguments(registry, values, old);
    const all = [...faults, ...entered.faults];
    const { args, kwargs } = entered;
    try {
      const change = checked({ ...given, args, kwargs }, changeSchema);
      return { change, entered, settings: desk.settings(change, old), faults: all };
    } catch (error) {
      return { change: null, entered, settings: null, faults: [...all, ...faultsOf(error)] };
    }
  }

  /**
   * What is done with a form: it is shown anew for another task, shown with a preview, or saved.
   * @param save null: only shown
   */
  async function handleForm(
    call: ApiCall,
    old: Schedule | null,
    save: ((change: Change, values: Fields) => Promise<Response>) | null,
  ): Promise<Response> {
    const values = await readFields(call.request);
    const form = formSent(registry, values);
    const { change, entered, settings, faults } = read(values, old);
    const show = (more: Partial<ScheduleForm>) =>
      formPage(call, { old, values, faults, arguments: form, preview: null, ...around(), ...more });
    const isOther = form.task !== "" && form.task !== textOf(values, "task");
    if (isOther || (save === null && textOf(values, "do") === "choose")) {
      const next = switched(registry, values, entered);
      return show({ values: next.values, arguments: next.form, faults: [] });
    }
    const preview = settings === null ? null : previewOf(settings);
    if (save === null || faults.length > 0 || change === null) return show({ preview });
    try {
      return await save(change, values);
    } catch (error) {
      return show({ faults: faultsOf(error), preview });
    }
  }

  return [
    {
      method: "GET",
      path: NEW,
      scope: "control",
      handle: (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const task = reader.text("task") ?? registry.names()[0] ?? "";
        reader.check();
        const values = { ...newValues(timezone), task, args_as: "form" };
        const next = switched(registry, values, { args: [], kwargs: {} });
        const { settings } = read(next.values, null);
        const preview = settings === null ? null : previewOf(settings);
        const shown = { values: next.values, arguments: next.form, faults: [] };
        return formPage(call, { old: null, preview, ...around(), ...shown });
      },
    },
    {
      method: "POST",
      path: NEW,
      scope: "control",
      handle: (call) =>
        handleForm(call, null, async (change, values) => {
          const name = textOf(values, "name");
          const created = await desk.create(
            { ...change, ...checked({ name, task: change.task }, createSchema) },
            call.caller,
          );
          return seeOther(placeOf.schedule(created.name), `The schedule ${created.name} is made.`);
        }),
    },
    {
      method: "POST",
      path: `${NEW}/preview`,
      scope: "control",
      changesNothing: true,
      handle: (call) => handleForm(call, null, null),
    },
    {
      method: "POST",
      path: `${PLACE}/:name/edit/preview`,
      scope: "control",
      changesNothing: true,
      handle: async (call) => handleForm(call, await desk.found(call.params["name"]), null),
    },
    {
      method: "GET",
      path: `${PLACE}/:name/edit`,
      scope: "control",
      handle: async (call) => {
        const old = await desk.found(call.params["name"]);
        const { values, form } = argumentValues(registry, old);
        const shown = { ...newValues(timezone), ...valuesOfSettings(old), ...values };
        const state = { values: shown, faults: [], arguments: form, preview: previewOf(old) };
        return formPage(call, { old, ...around(), ...state });
      },
    },
    {
      method: "POST",
      path: `${PLACE}/:name/edit`,
      scope: "control",
      handle: async (call) => {
        const old = await desk.found(call.params["name"]);
        return handleForm(call, old, async (change) => {
          await desk.change(old.name, change, call.caller);
          return seeOther(placeOf.schedule(old.name), "It is changed.");
        });
      },
    },
  ];
}

function actionRoutes(parts: ApiParts, desk: ScheduleDesk): Route[] {
  function action(what: string, run: (call: ApiCall, name: string) => Promise<Response>): Route {
    return {
      method: "POST",
      path: `${PLACE}/:name/${what}`,
      scope: "control",
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
