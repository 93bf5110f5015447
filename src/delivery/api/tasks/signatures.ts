import * as z from "zod";
import type { CallOptions, Signature } from "#engine";
import { fieldErrors } from "../http/body.ts";
import { invalid } from "../http/problems.ts";
import {
  besideSchema,
  celeryForm,
  chordForm,
  chunksForm,
  kwargs,
  list,
  mapForm,
  strictOptions,
  taskForm,
} from "./signature-schema.ts";
import { withoutUndefined } from "../http/without-undefined.ts";

/** @param path where the options stand in the request, with a dot behind it */
export function toOptions(given: z.output<typeof strictOptions>, path: string): CallOptions {
  // Most calls have none, and many come at once.
  if (Object.keys(given).length === 0) return {};
  const {
    max_retries,
    soft_time_limit,
    time_limit,
    ignore_result,
    result_expires,
    callback_url,
    link,
    link_error,
    undo,
    unique,
    throttle,
    debounce,
    debounce_max,
    ...same
  } = given;
  const signatures = (field: string, all: readonly unknown[] | undefined) =>
    all?.map((each, index) => readSignature(each, `${path}${field}.${index}`));
  return withoutUndefined({
    ...same,
    maxRetries: max_retries,
    softTimeLimit: soft_time_limit,
    timeLimit: time_limit,
    ignoreResult: ignore_result,
    resultExpires: result_expires,
    callbackUrl: callback_url,
    link: signatures("link", link),
    linkError: signatures("link_error", link_error),
    undo: undo === undefined ? undefined : readSignature(undo, `${path}undo`),
    unique: toUnique(unique),
    throttleSeconds: throttle,
    debounceSeconds: debounce,
    debounceMaxSeconds: debounce_max,
  });
}

function toUnique(unique: z.output<typeof strictOptions>["unique"]): CallOptions["unique"] {
  if (unique === undefined || typeof unique === "boolean") return unique;
  const { for_seconds: forSeconds, ...same } = unique;
  return withoutUndefined({ ...same, forSeconds });
}

/** What Celery writes into the options of a signature that is under way: nothing of it is needed here. */
const BOOKKEEPING = ["task_id", "root_id", "parent_id", "group_id", "group_index", "reply_to"];

/** The readable forms but a task's: one key says what it is, its options stand beside it. */
const READABLE: Readonly<
  Record<string, (content: unknown, at: string) => Record<string, unknown>>
> = {
  chain: (content, at) => ({ tasks: readAll(check(list, content, at), at) }),
  group: (content, at) => ({ tasks: readAll(check(list, content, at), at) }),
  chord: (content, at) => {
    const { header, body } = check(chordForm, content, at);
    return { header: readHeader(header, `${at}.header`), body: readSignature(body, `${at}.body`) };
  },
  map: mapped,
  starmap: mapped,
  chunks: (content, at) => {
    const { size, ...rest } = check(chunksForm, content, at);
    return { ...mapped(rest, at), n: size };
  },
};

function mapped(content: unknown, at: string) {
  const { task, items } = check(mapForm, content, at);
  return { task: readSignature(task, `${at}.task`), it: items };
}

/**
 * A signature from a request: as Celery writes it (`json.dumps` of one), or in the readable form. Members,
 * callbacks and undos may be in either.
 * @param path where it stands in the request; empty: it is the request
 * @throws Problem 422 with the fields that don't fit
 */
export function readSignature(value: unknown, path = ""): Signature {
  const isObject = typeof value === "object" && value !== null;
  if (isObject && "task" in value) return readCelery(value, path);
  const forms = ["name", ...Object.keys(READABLE)];
  const found = isObject ? forms.filter((form) => Object.hasOwn(value, form)) : [];
  const [form] = found;
  if (!isObject || form === undefined || found.length > 1) {
    const message = `Must be a signature: an object with task, or one of ${forms.join(", ")}.`;
    throw wrong(path || "body", message);
  }
  return readReadable(form, value, path);
}

function readReadable(form: string, value: object, path: string): Signature {
  const inside = path === "" ? "" : `${path}.`;
  if (form === "name") {
    const {
      name,
      args: given,
      kwargs: byName,
      immutable: isImmutable,
      ...rest
    } = check(taskForm, value, path);
    const read = argumentsOf(name, given, byName, path);
    return build(name, given, read, toOptions(rest, inside), isImmutable);
  }
  const { [form]: content, ...beside } = value as Record<string, unknown>;
  const { immutable: isImmutable, ...options } = check(besideSchema, beside, path);
  const byName = READABLE[form]?.(content, `${inside}${form}`) ?? {};
  return build(`celery.${form}`, [], byName, toOptions(options, inside), isImmutable);
}

/**
 * The named arguments of a call: the signatures that they are, if a canvas is called by its name. A map whose task is
 * given by position has none.
 * @throws Problem 422 with the fields that don't fit
 */
export function argumentsOf(
  name: string,
  args: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
  path = "",
): Readonly<Record<string, unknown>> {
  const isPlaced = args.length > 0 && (name === "celery.map" || name === "celery.starmap");
  if (isPlaced || !name.startsWith("celery.")) return named;
  return readCelery({ task: name, kwargs: named }, path).kwargs;
}

function readCelery(value: object, path: string): Signature {
  const inside = path === "" ? "" : `${path}.`;
  const signature = check(celeryForm, value, path);
  const { task, args: given, kwargs: byName, immutable: isImmutable } = signature;
  const own = celeryOptions(signature.options, `${inside}options`);
  const at = (field: string) => `${inside}kwargs.${field}`;
  const member = (field: string) => readSignature(byName[field], at(field));
  const listed = (field: string) => check(list, byName[field], at(field));
  switch (task) {
    case "celery.chain":
    case "celery.group":
      return build(task, given, { tasks: readAll(listed("tasks"), at("tasks")) }, own, isImmutable);
    case "celery.chord": {
      const header = readHeader(byName["header"], at("header"));
      return build(task, given, { header, body: member("body") }, own, isImmutable);
    }
    case "celery.map":
    case "celery.starmap":
      return build(task, [], { task: member("task"), it: listed("it") }, own, true);
    case "celery.chunks": {
      const n = check(z.int().min(1), byName["n"], at("n"));
      return build(task, [], { task: member("task"), it: listed("it"), n }, own, true);
    }
    default:
      return build(task, given, byName, own, isImmutable);
  }
}

/** Stamps become labels: `stamped_headers` names the options that are some. */
function celeryOptions(given: Readonly<Record<string, unknown>>, path: string): CallOptions {
  const { stamped_headers: stamps, ...rest } = given;
  const names = Array.isArray(stamps) ? stamps.map(String) : [];
  const options: Record<string, unknown> = {};
  const stamped: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (BOOKKEEPING.includes(name)) continue;
    if (names.includes(name)) stamped[name] = Array.isArray(value) ? value.join(",") : value;
    else options[name] = value;
  }
  if (Object.keys(stamped).length > 0) {
    const labels = check(kwargs, options["labels"], `${path}.labels`);
    options["labels"] = { ...labels, ...stamped };
  }
  return toOptions(check(strictOptions, options, path), `${path}.`);
}

function readAll(all: readonly unknown[], path: string): Signature[] {
  return all.map((each, index) => readSignature(each, `${path}.${index}`));
}

/** A list, or the group that Celery makes of one. */
function readHeader(header: unknown, path: string): Signature[] {
  if (Array.isArray(header)) return readAll(header, path);
  const group = readSignature(header, path);
  if (group.task !== "celery.group") throw wrong(path, "Must be a list of signatures, or a group.");
  return group.kwargs["tasks"] as Signature[];
}

function build(
  task: string,
  given: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
  options: CallOptions,
  isImmutable: boolean,
): Signature {
  const kind = task.replace("celery.", "");
  const isCanvas = kind === "chain" || kind === "group" || kind === "chord";
  return {
    task,
    args: given,
    kwargs: named,
    options,
    subtask_type: task.startsWith("celery.") && isCanvas ? kind : null,
    immutable: isImmutable,
  };
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: string,
): z.output<Schema> {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const errors = checked.error.issues.flatMap(fieldErrors);
  const at = (field: string) => (path === "" ? field : `${path}.${field}`);
  throw invalid(
    errors.map(({ field, message }) => ({
      field: field === "body" ? path || field : at(field),
      message,
    })),
  );
}

function wrong(field: string, message: string) {
  return invalid([{ field, message }]);
}
