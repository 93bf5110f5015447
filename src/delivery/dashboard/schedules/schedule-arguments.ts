import { paramsSchema, type JsonSchema, type ScheduleSettings } from "#engine";
import type { FieldError } from "../../api/http/problems.ts";
import type { ApiParts } from "../../api/route.ts";
import {
  isShownWhole,
  keptSecrets,
  masked,
  maskedArgs,
  paramsOf,
  readParams,
  valuesOf,
  type Param,
} from "../params/index.ts";
import { textOf, type Fields } from "../shell/index.ts";
import { jsonField } from "./schedule-fields.ts";

type Registry = ApiParts["registry"];

/** The arguments of a schedule's calls. */
export interface Arguments {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** How a form asks for arguments: by fields made for its task, or as JSON (null). */
export interface ArgumentsForm {
  readonly task: string;
  readonly params: readonly Param[] | null;
}

/** Null: no such task is registered. */
function schemaOf(registry: Registry, task: string): JsonSchema | null {
  const definition = registry.find(task);
  return definition === null ? null : paramsSchema(definition);
}

/** A schedule's arguments as they may be shown. */
export function shownArguments(registry: Registry, { task, args, kwargs }: ScheduleSettings) {
  const schema = schemaOf(registry, task);
  if (schema === null) return { args, kwargs };
  return {
    args: maskedArgs(schema, args),
    kwargs: masked(schema, kwargs) as Readonly<Record<string, unknown>>,
  };
}

/** A schedule's arguments as fields: by name in fields of their own where these show all of them. */
export function argumentValues(
  registry: Registry,
  settings: ScheduleSettings,
): { readonly values: Fields; readonly form: ArgumentsForm } {
  const { task, args, kwargs } = settings;
  const schema = schemaOf(registry, task);
  const shown = shownArguments(registry, settings);
  const isForm = schema !== null && args.length === 0 && isShownWhole(schema, kwargs);
  const params = isForm ? paramsOf(schema) : null;
  return {
    form: { task, params },
    values: {
      args: JSON.stringify(shown.args),
      kwargs: JSON.stringify(shown.kwargs, null, 2),
      args_as: isForm ? "form" : "json",
      ...(params === null ? {} : valuesOf(params, kwargs)),
    },
  };
}

/** How the form that was sent asked for arguments. */
export function formSent(registry: Registry, values: Fields): ArgumentsForm {
  const task = textOf(values, "form_of");
  const schema = task === "" ? null : schemaOf(registry, task);
  return { task, params: schema === null ? null : paramsOf(schema) };
}

/**
 * The arguments that were entered. What still reads `[secret]` is what it was, and so is a secret that a form made
 * for the task did not show.
 */
export function readArguments(
  registry: Registry,
  values: Fields,
  old: ScheduleSettings | null,
): Arguments & { readonly faults: readonly FieldError[] } {
  const { task, params } = formSent(registry, values);
  // Of another task it would come out in a field that is not secret.
  const isKept = old !== null && old.task === textOf(values, "task");
  const kept = isKept && registry.find(old.task) !== null ? old : null;
  const restore = (given: Readonly<Record<string, unknown>>, from: object) =>
    kept === null ? given : registry.withOldSecrets(kept.task, given, JSON.stringify(from));
  if (params !== null) {
    const isSame = kept !== null && kept.task === task;
    if (!isSame) return { args: [], ...readParams(params, values) };
    const secrets = keptSecrets(params, values, shownArguments(registry, kept).kwargs);
    const { kwargs, faults } = readParams(params, { ...values, ...secrets });
    return { args: [], kwargs: restore(kwargs, kept.kwargs), faults };
  }
  const faults: FieldError[] = [];
  const args = jsonField(textOf(values, "args"), "args", "list", faults);
  const kwargs = jsonField(textOf(values, "kwargs"), "kwargs", "object", faults);
  if (kept === null) return { args, kwargs, faults };
  const names = Object.keys(registry.get(kept.task).params.shape as object);
  const byName = (list: readonly unknown[]) =>
    Object.fromEntries(list.map((value, index) => [names[index] ?? String(index), value]));
  return {
    args: Object.values(restore(byName(args), byName(kept.args))),
    kwargs: restore(kwargs, kept.kwargs),
    faults,
  };
}

/** The form for the task and the way that were chosen now, with what was entered in the form before. */
export function switched(
  registry: Registry,
  values: Fields,
  { args, kwargs }: Arguments,
): { readonly values: Fields; readonly form: ArgumentsForm } {
  const task = textOf(values, "task");
  const schema = textOf(values, "args_as") === "form" ? schemaOf(registry, task) : null;
  const params = schema === null ? null : paramsOf(schema);
  const shown = schemaOf(registry, task);
  const before = {
    args: JSON.stringify(shown === null ? args : maskedArgs(shown, args)),
    kwargs: JSON.stringify(shown === null ? kwargs : masked(shown, kwargs), null, 2),
  };
  const fields = params === null ? before : valuesOf(params, kwargs);
  return { form: { task, params }, values: { ...values, ...fields } };
}
