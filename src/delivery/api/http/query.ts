import { LABEL_NAME, MAX_GLOB_BYTES } from "#engine";
import { invalid, type FieldError } from "./problems.ts";

export const NAME_OR_GLOB = `Must be a task's name, or a glob of at most ${MAX_GLOB_BYTES} characters.`;

export function isNameOrGlob(text: string): boolean {
  return /^[\w.*?-]{1,200}$/.test(text) && (!/[*?]/.test(text) || text.length <= MAX_GLOB_BYTES);
}

/**
 * Reads the parameters of a request and collects what is wrong with them; `check` then throws all of it
 * at once. A parameter that is given twice, or that nobody asked for, is wrong too.
 */
export class QueryReader {
  readonly #query: URLSearchParams;
  readonly #errors: FieldError[] = [];
  readonly #read = new Set<string>();

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  text(name: string, max = 200): string | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    if (value === "" || value.length > max) this.refuse(name, `Must have 1 to ${max} characters.`);
    return value;
  }

  /** A task's name, or a glob. */
  name(name: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !isNameOrGlob(value)) this.refuse(name, NAME_OR_GLOB);
    return value;
  }

  /** What an answer gave as its `next_cursor`. */
  cursor(name: string, form: RegExp): string | null {
    const value = this.#one(name) ?? null;
    if (value !== null && !form.test(value)) this.refuse(name, "Must be an answer's next_cursor.");
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    const choice = choices.find((one) => one === value);
    if (choice === undefined) this.refuse(name, `Must be one of ${choices.join(", ")}.`);
    return choice;
  }

  /** An instant as ISO 8601 with its offset; epoch ms. */
  instant(name: string): number | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    const at = Date.parse(value);
    if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(value) || Number.isNaN(at)) {
      this.refuse(name, "Must be a time as 2026-11-21T08:00:00Z.");
    }
    return at;
  }

  integer(name: string, fallback: number, max: number, min = 1): number {
    const value = this.#one(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      this.refuse(name, `Must be an integer from ${min} to ${max}.`);
    }
    return number;
  }

  /** Seconds from 0 to `max`; 0 where it is not given. */
  seconds(name: string, max: number): number {
    const value = this.#one(name);
    if (value === undefined) return 0;
    const seconds = Number(value);
    if (value.trim() === "" || !(seconds >= 0 && seconds <= max)) {
      this.refuse(name, `Must be a number of seconds from 0 to ${max}.`);
    }
    return seconds;
  }

  /** As often as wanted, from once to `max` times. */
  several(name: string, max: number): readonly string[] {
    this.#read.add(name);
    const values = this.#query.getAll(name);
    if (values.length === 0 || values.length > max) {
      this.refuse(name, `Give 1 to ${max} ${name}s: ?${name}=…&${name}=…`);
    }
    return values;
  }

  /** `label=name:value`, as often as wanted. */
  labels(name: string): Record<string, string> | undefined {
    this.#read.add(name);
    const given = this.#query.getAll(name);
    if (given.length === 0) return undefined;
    const labels = new Map<string, string>();
    for (const text of given) {
      const end = text.indexOf(":");
      const label = text.slice(0, Math.max(0, end));
      if (!LABEL_NAME.test(label) || end === text.length - 1 || given.length > 5) {
        this.refuse(name, "Must be name:value, five at most.");
      } else labels.set(label, text.slice(end + 1));
    }
    // Whatever they are called: a `__proto__` that is assigned is none, and all would fit.
    return Object.fromEntries(labels);
  }

  /** @throws Problem 422 with all that is wrong */
  check(): void {
    for (const name of new Set(this.#query.keys())) {
      if (!this.#read.has(name)) this.refuse(name, "There is no such parameter.");
    }
    if (this.#errors.length > 0) throw invalid(this.#errors);
  }

  #one(name: string): string | undefined {
    this.#read.add(name);
    const values = this.#query.getAll(name);
    if (values.length > 1) this.refuse(name, "Given more than once.");
    return values[0];
  }

  /** Adds to what `check` throws. */
  refuse(name: string, message: string): void {
    this.#errors.push({ field: name, message });
  }
}
