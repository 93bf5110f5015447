import * as z from "zod";
import { LABEL_NAME, MAX_GLOB_BYTES } from "#engine";
import { fromJsonCursor, JSON_CURSOR } from "./json-cursor.ts";
import { QueryReader } from "./query.ts";

/** One parameter of a query: what the document says that it takes, and how it is read. */
export interface QueryParam<Value> {
  readonly schema: z.ZodType;
  readonly read: (reader: QueryReader, name: string) => Value;
}

/** The parameters that a route takes, by name. */
export type QueryShape = Readonly<Record<string, QueryParam<unknown>>>;

export type QueryOf<Shape extends QueryShape> = {
  readonly [Name in keyof Shape]: ReturnType<Shape[Name]["read"]>;
};

/** @throws Problem 422 with all that is wrong, parameters that there are not included */
export function readQuery<Shape extends QueryShape>(
  shape: Shape,
  query: URLSearchParams,
): QueryOf<Shape> {
  const reader = new QueryReader(query);
  const values = Object.entries(shape).map(([name, param]) => [name, param.read(reader, name)]);
  reader.check();
  return Object.fromEntries(values) as QueryOf<Shape>;
}

/** Undefined: it is not given. */
export function text(words: string, max = 200): QueryParam<string | undefined> {
  return {
    schema: z.string().min(1).max(max).optional().describe(words),
    read: (reader, name) => reader.text(name, max),
  };
}

/** One that a request can't do without. */
export function required<Value>({
  schema,
  read,
}: QueryParam<Value | undefined>): QueryParam<Value> {
  return {
    schema: schema.nonoptional().describe(schema.description ?? ""),
    read: (reader, name) => {
      const value = read(reader, name);
      if (value === undefined) reader.refuse(name, "Is missing.");
      return value as Value;
    },
  };
}

/** A task's name, or a glob. */
export function taskName(words: string): QueryParam<string | undefined> {
  const glob = `${words} A glob (\`send_*\`) has ${MAX_GLOB_BYTES} characters at most.`;
  return {
    schema: z
      .string()
      .regex(/^[\w.*?-]{1,200}$/)
      .optional()
      .describe(glob),
    read: (reader, name) => reader.name(name),
  };
}

/** What an answer gave as its `next_cursor`; null: from the beginning. */
export function cursor(form: RegExp): QueryParam<string | null> {
  return {
    schema: z.string().optional().describe(CURSOR_WORDS),
    read: (reader, name) => reader.cursor(name, form),
  };
}

/** As `cursor`, of those that `jsonCursor` makes. */
export function placeCursor<Schema extends z.ZodType>(
  place: Schema,
): QueryParam<z.output<Schema> | null> {
  return {
    schema: z.string().regex(JSON_CURSOR).optional().describe(CURSOR_WORDS),
    read: (reader, name) => {
      const given = reader.cursor(name, JSON_CURSOR);
      const found = given === null ? null : place.safeParse(fromJsonCursor(given));
      if (found?.success === true) return found.data;
      if (given !== null && JSON_CURSOR.test(given)) reader.refuse(name, CURSOR_FAULT);
      return null;
    },
  };
}

const CURSOR_WORDS = "Where to go on: the `next_cursor` of the answer before.";
const CURSOR_FAULT = "Must be an answer's next_cursor.";

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  words: string,
): QueryParam<Choice | undefined> {
  return {
    schema: z.enum(choices).optional().describe(words),
    read: (reader, name) => reader.oneOf(name, choices),
  };
}

/** A choice with one that holds where none is made. */
export function oneOfOr<const Choice extends string>(
  choices: readonly Choice[],
  fallback: NoInfer<Choice>,
  words: string,
): QueryParam<Choice> {
  return {
    schema: z
      .enum(choices)
      .default(fallback as never)
      .describe(words),
    read: (reader, name) => reader.oneOf(name, choices) ?? fallback,
  };
}

/** Epoch ms. */
export function instant(words: string): QueryParam<number | undefined> {
  return {
    schema: z.iso.datetime({ offset: true }).optional().describe(words),
    read: (reader, name) => reader.instant(name),
  };
}

/** From 1 to `max`, or from 0 where that is what holds without one. */
export function integer(fallback: number, max: number, words: string): QueryParam<number> {
  const min = Math.min(1, fallback);
  return {
    schema: z.int().min(min).max(max).default(fallback).describe(words),
    read: (reader, name) => reader.integer(name, fallback, max, min),
  };
}

/** How many there are on a page. */
export function limit(fallback: number, max: number): QueryParam<number> {
  return integer(fallback, max, "How many at most.");
}

/** From 0 to `max`; 0: not at all. */
export function seconds(max: number, words: string): QueryParam<number> {
  return {
    schema: z.number().min(0).max(max).default(0).describe(words),
    read: (reader, name) => reader.seconds(name, max),
  };
}

/** One that is given once or more often. */
export function several(max: number, words: string): QueryParam<readonly string[]> {
  return {
    schema: z.array(z.string()).min(1).max(max).describe(words),
    read: (reader, name) => reader.several(name, max),
  };
}

/** `label=name:value`, as often as wanted. */
export function labels(words: string): QueryParam<Record<string, string> | undefined> {
  const form = new RegExp(`${LABEL_NAME.source.replace(/\$$/, "")}:.+$`);
  return {
    schema: z.array(z.string().regex(form)).max(5).optional().describe(words),
    read: (reader, name) => reader.labels(name),
  };
}

/** The account that a request names; undefined: none. */
export function userId(words: string): QueryParam<number | undefined> {
  return {
    schema: z.int().min(1).optional().describe(words),
    read: (reader, name) => {
      const id = reader.integer(name, 0, Number.MAX_SAFE_INTEGER);
      return id === 0 ? undefined : id;
    },
  };
}
