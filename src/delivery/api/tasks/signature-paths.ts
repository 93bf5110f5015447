import type { InvalidSignatureError } from "#engine";
import { invalid, problemOf, type Problem } from "../http/problems.ts";

/** Fields of a call that stand beside its options also in Celery's form. */
const OWN_FIELDS = /^(args|kwargs)(\.|$)/;

/** What doesn't fit in a canvas, by where it stands in the request. */
export function problemIn(request: unknown, error: InvalidSignatureError): Problem {
  const { errors } = problemOf(error.cause);
  return invalid(
    errors.map(({ field, message }) => ({
      field: pathIn(request, error.path.split("."), field),
      message,
    })),
  );
}

/** Follows the compiler's path (`tasks.0.body`) through a request, whatever form its parts are in. */
function pathIn(request: unknown, path: readonly string[], field: string): string {
  const steps: string[] = [];
  let at = request;
  const go = (...keys: string[]) => {
    steps.push(...keys);
    for (const key of keys) at = (at as Record<string, unknown> | undefined)?.[key];
  };
  const rest = [...path];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const isCelery = has(at, "task");
    if (name === "header") go(isCelery ? "kwargs" : "chord", "header");
    else if (name === "tasks") {
      if (!Array.isArray(at) && !goToMembers(isCelery)) break;
      go(rest.shift() ?? "0");
    } else if (name === "body") go(isCelery ? "kwargs" : "chord", "body");
    else if (name === "undo") go(...(isCelery ? ["options"] : []), "undo");
    else go(...(isCelery ? ["options"] : []), snakeCase(name), rest.shift() ?? "0");
  }
  return [...steps, leaf()].join(".");

  /** False: they were made of one signature, and stand nowhere. */
  function goToMembers(isCelery: boolean): boolean {
    const form = ["chain", "group"].find((each) => has(at, each));
    if (isCelery) go("kwargs", "tasks");
    else if (form === undefined) return false;
    else go(form);
    return Array.isArray(at);
  }

  function leaf(): string {
    if (!has(at, "task")) return field;
    if (field === "name") return "task";
    return OWN_FIELDS.test(field) ? field : `options.${field}`;
  }
}

function has(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
