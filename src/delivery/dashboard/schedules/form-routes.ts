import type * as z from "zod";
import type { Schedule, ScheduleSettings } from "#engine";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import type { ScheduleDesk } from "../../api/schedules/schedule-desk.ts";
import { changeSchema, createSchema } from "../../api/schedules/schedule-schema.ts";
import {
  filledIn,
  checked,
  faultsOf,
  placeOf,
  readFields,
  seeOther,
  textOf,
  type Fields,
} from "../shell/index.ts";
import { formPage, type Preview, type ScheduleForm } from "./form-page.tsx";
import { argumentValues, formSent, readArguments, switched } from "./schedule-arguments.ts";
import { givenOf, newValues, valuesOfSettings } from "./schedule-fields.ts";

const PLACE = "/dashboard/schedules";
/** Beside them: a schedule may have any name. */
const NEW = "/dashboard/new-schedule";
const STEERING = { scope: "control", rate: "control" } as const;
const SHOWN_SLOTS = 10;

type Change = z.output<typeof changeSchema>;

/** Making and changing: one form, which is shown again until what it says fits. */
export function formRoutes(parts: ApiParts, desk: ScheduleDesk): Route[] {
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
      rate: "read",
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
      ...STEERING,
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
      ...STEERING,
      changesNothing: true,
      handle: (call) => handleForm(call, null, null),
    },
    {
      method: "POST",
      path: `${PLACE}/:name/edit/preview`,
      ...STEERING,
      changesNothing: true,
      handle: async (call) => handleForm(call, await desk.found(call.params["name"]), null),
    },
    {
      method: "GET",
      path: `${PLACE}/:name/edit`,
      scope: "control",
      rate: "read",
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
      ...STEERING,
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
