import { isSealed } from "./secrets.ts";
import type { TaskRecord } from "./wire.ts";

/** What of a task a text is looked for in. `pair`: its arguments, for one as `name=value`. */
export type MatchField = "id" | "name" | "state" | "args" | "pair" | "result" | "error";

/**
 * What is to be true of a task. A text is in a field without regard to case of ASCII letters; in a state or a
 * pair it is all of it. Arguments and results are JSON text, in which a text is looked for as it stands and as
 * JSON would write it. Secret arguments are in nothing.
 */
export type Match =
  | { readonly all: readonly Match[] }
  | { readonly any: readonly Match[] }
  | { readonly field: MatchField; readonly text: string };

/** Tasks that have a text in their arguments, or in their error. */
export function mentions(text: string): Match {
  return {
    any: [
      { field: "args", text },
      { field: "error", text },
    ],
  };
}

/** ASCII alone, as SQLite's `lower`. */
export function lowered(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A text as it stands in JSON text, between the quotes. */
export function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

export function matches(task: TaskRecord, match: Match): boolean {
  if ("all" in match) return match.all.every((each) => matches(task, each));
  if ("any" in match) return match.any.some((each) => matches(task, each));
  const text = lowered(match.text);
  const isIn = (value: string | null) => value !== null && lowered(value).includes(text);
  switch (match.field) {
    case "id":
      return isIn(task.id);
    case "name":
      return isIn(task.name);
    case "state":
      return lowered(task.state) === text;
    case "args":
      return isInJson(withoutSecrets(task.kwargs), match.text);
    case "pair":
      return pairsOf(task.kwargs).includes(text);
    case "result":
      return task.result !== null && isInJson(task.result, match.text);
    case "error":
      return isIn(task.error?.exc_type ?? null) || isIn(task.error?.exc_message ?? null);
  }
}

function isInJson(json: string, text: string): boolean {
  const all = lowered(json);
  return all.includes(lowered(text)) || all.includes(lowered(inJson(text)));
}

function withoutSecrets(kwargs: string): string {
  if (!kwargs.includes('"$secret"')) return kwargs;
  return JSON.stringify(shown(kwargs));
}

function shown(kwargs: string): unknown {
  return JSON.parse(kwargs, (_name, value: unknown) => (isSealed(value) ? undefined : value));
}

/** Arguments as `name=value`, lowered; what is no text as JSON. */
function pairsOf(kwargs: string): string[] {
  return Object.entries(shown(kwargs) as Record<string, unknown>).map(([name, value]) =>
    lowered(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`),
  );
}
