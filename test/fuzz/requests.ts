import {
  array,
  boolean,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
  tuple,
  type Arbitrary,
} from "fast-check";
import { isHeard, isNamed, type Book, type Form, type Heard } from "./book.ts";
import type { Content, OpenApi, Parameter, Placed } from "./document.ts";
import {
  HOSTILE_BODIES,
  HOSTILE_HEADERS,
  HOSTILE_TEXTS,
  HOSTILE_TYPES,
  HUGE_BODY,
} from "./hostile.ts";
import { KNOWN, Values } from "./values.ts";

type Text = string | Heard;

const FORM = "application/x-www-form-urlencoded";
/** What people do enter, here or there. */
const ENTERED = [
  "1",
  "10",
  "10/m",
  "true",
  "process_data",
  "default",
  "*/5 * * * *",
  "{}",
  "2027-01-01T08:00",
];

/** Who asks: whoever operates the deployment, somebody with an account, or with a key that is none. */
export type Asker = "operator" | "person" | "stranger";

/** A form of a page that was seen, filled in. */
interface FormDraft extends Heard {
  /** What stands in some of its fields instead, by their place; null: the field is left out. */
  readonly changes: readonly (readonly [field: number, value: Text | null])[];
}

/** A request that may still ask about what was heard. */
export interface Draft {
  readonly asker: Asker;
  readonly params: Readonly<Record<string, Text>>;
  readonly hasSlash: boolean;
  readonly query: readonly (readonly [name: string, value: Text])[];
  readonly headers: readonly (readonly [name: string, value: Text])[];
  readonly type: string | null;
  readonly body:
    | { readonly json: unknown }
    | { readonly raw: string | Uint8Array<ArrayBuffer> }
    | { readonly form: FormDraft }
    | null;
}

/** A request as it is sent. */
export interface MadeRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

/** Requests to an operation: most nearly as its document says, some as nobody should. */
export function draftsOf(document: OpenApi, { path, operation }: Placed): Arbitrary<Draft> {
  const values = new Values(document.components.schemas);
  const given = operation.parameters ?? [];
  const of = (place: Parameter["in"]) => given.filter((one) => one.in === place);
  const text = (parameter: Parameter) => textOf(values, path, parameter);
  return record({
    asker: oneof(
      { weight: 13, arbitrary: constant<Asker>("operator") },
      { weight: 6, arbitrary: constant<Asker>("person") },
      { weight: 1, arbitrary: constant<Asker>("stranger") },
    ),
    params: record(Object.fromEntries(of("path").map((one) => [one.name, text(one)]))),
    hasSlash: boolean(),
    query: pairs(of("query"), text, 1).chain((usual) =>
      rarely(oddPairs(), []).map((odd) => [...usual, ...odd]),
    ),
    headers: pairs(of("header"), text, 0.5).chain((usual) =>
      rarely(
        constantFrom(...HOSTILE_HEADERS).map((odd) => [odd]),
        [],
      ).map((odd) => [...usual, ...odd]),
    ),
    content: contentOf(values, operation.requestBody?.content ?? {}),
  }).map(({ content, ...draft }) => ({ ...draft, ...content }));
}

/** What is sent, with what is known by now. */
export function requestOf({ method, path }: Placed, draft: Draft, book: Book): MadeRequest {
  const told = (text: Text) => (isHeard(text) ? book.text(path, text) : text);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    inPath(told(draft.params[name] ?? "x")),
  );
  const query = new URLSearchParams(
    draft.query.map(([name, value]) => [name.toWellFormed(), told(value).toWellFormed()]),
  ).toString();
  const isBare = method === "GET" || method === "HEAD";
  const headers = Object.fromEntries(
    draft.headers.map(([name, value]) => [name, inHeader(told(value))]),
  );
  const type = draft.type === null || isBare ? {} : { "Content-Type": draft.type };
  if (!isBare && draft.body !== null && "form" in draft.body) {
    const { form: wanted } = draft.body;
    const form = book.form(path, wanted);
    const body = form === null ? "" : filledIn(form, wanted, (heard) => book.text(path, heard));
    return { method, path: form?.action ?? filled, headers: { ...headers, ...type }, body };
  }
  return {
    method,
    path: `${filled}${draft.hasSlash ? "/" : ""}${query === "" ? "" : `?${query}`}`,
    headers: { ...headers, ...type },
    body: isBare ? null : bodyOf(draft, (heard) => book.text(path, heard)),
  };
}

export function shown({ method, path, headers, body }: MadeRequest): string {
  const text = body === null ? "" : typeof body === "string" ? body : "bytes";
  return `${method} ${path.slice(0, 400)} ${JSON.stringify(headers).slice(0, 400)} ${text.slice(0, 400)}`;
}

/** A form's fields as a browser sends them, with the changes. */
function filledIn(
  { fields }: Form,
  { changes }: FormDraft,
  told: (heard: Heard) => string,
): string {
  const changed = new Map(changes.map(([place, value]) => [place % fields.length, value]));
  const given = fields.flatMap(([name, value], place) => {
    const instead = changed.get(place);
    if (instead === null) return [];
    const text = instead === undefined ? value : isHeard(instead) ? told(instead) : instead;
    return [[name, text.toWellFormed()]];
  });
  return new URLSearchParams(given).toString();
}

function bodyOf({ body }: Draft, told: (heard: Heard) => string): MadeRequest["body"] {
  if (body === null) return null;
  if ("raw" in body) return body.raw;
  if ("form" in body) return null;
  const filled = JSON.stringify(body.json, (_key, value: unknown) =>
    isHeard(value) ? told(value) : value,
  ) as string | undefined;
  return filled ?? "";
}

function textOf(values: Values, path: string, { name, schema }: Parameter): Arbitrary<Text> {
  const hostile = { weight: 3, arbitrary: constantFrom<Text[]>(...HOSTILE_TEXTS) };
  // Nobody waits here for what goes on.
  if (name === "wait" || name === "timeout") {
    return oneof(hostile, { weight: 12, arbitrary: constantFrom<Text[]>("0", "0.1") });
  }
  const fits = values.of(schema, name).map((value): Text => {
    if (isHeard(value) || typeof value === "string") return value;
    return JSON.stringify(value);
  });
  const isAsked = KNOWN[name] === undefined || (name === "name" && isNamed(path));
  const isText =
    schema.type === "string" && schema.enum === undefined && schema.format === undefined;
  const heard: Arbitrary<Text> = record({ heard: nat(999) });
  return isAsked && isText
    ? oneof(hostile, { weight: 12, arbitrary: heard }, { weight: 3, arbitrary: fits })
    : oneof(hostile, { weight: 12, arbitrary: fits });
}

/** @param most how likely one is that need not be there, from 0 to 1 */
function pairs(
  parameters: readonly Parameter[],
  text: (parameter: Parameter) => Arbitrary<Text>,
  most: number,
): Arbitrary<[string, Text][]> {
  const each = parameters.map((parameter) => {
    const { name, required } = parameter;
    const one = text(parameter).map((value): [string, Text][] => [[name, value]]);
    const twice = tuple(text(parameter), text(parameter)).map((both) =>
      both.map((value): [string, Text] => [name, value]),
    );
    const weight = required === true ? 1 : Math.round(14 / most);
    return oneof(
      { weight, arbitrary: constant<[string, Text][]>([]) },
      { weight: 18, arbitrary: one },
      { weight: 1, arbitrary: twice },
    );
  });
  return tuple(...each).map((all) => all.flat());
}

function oddPairs(): Arbitrary<[string, Text][]> {
  const hostile = constantFrom(...HOSTILE_TEXTS);
  return tuple(hostile, hostile).map((pair): [string, Text][] => [pair]);
}

function rarely<Value>(arbitrary: Arbitrary<Value>, otherwise: Value): Arbitrary<Value> {
  return oneof({ weight: 14, arbitrary: constant(otherwise) }, { weight: 1, arbitrary });
}

function forms(): Arbitrary<FormDraft> {
  const value = oneof(
    { weight: 6, arbitrary: constantFrom<(Text | null)[]>(...HOSTILE_TEXTS) },
    { weight: 3, arbitrary: constantFrom<(Text | null)[]>(...ENTERED) },
    { weight: 2, arbitrary: record({ heard: nat(999) }) },
    { weight: 1, arbitrary: constant<Text | null>(null) },
  );
  return record({ heard: nat(999), changes: array(tuple(nat(40), value), { maxLength: 3 }) });
}

function contentOf(values: Values, content: Content): Arbitrary<Pick<Draft, "type" | "body">> {
  const types = Object.entries(content);
  const raw = constantFrom(...HOSTILE_BODIES).map((bytes): Draft["body"] => ({ raw: bytes }));
  if (types.length === 0) {
    // Some send one where none is expected.
    const nothing: Pick<Draft, "type" | "body"> = { type: null, body: null };
    return rarely(record({ type: constantFrom<string[]>(...HOSTILE_TYPES), body: raw }), nothing);
  }
  return oneof(
    ...types.map(([type, { schema = {}, example }]) => {
      const made: Arbitrary<Draft["body"]> = type.endsWith("json")
        ? values.of(schema).map((json) => ({ json }))
        : type === FORM
          ? forms().map((form) => ({ form }))
          : raw;
      const asShown: Draft["body"] = { json: example };
      const body = oneof(
        { weight: 40, arbitrary: made },
        { weight: example === undefined ? 0 : 14, arbitrary: constant(asShown) },
        { weight: 5, arbitrary: raw },
      );
      const said = rarely<string>(constantFrom(...HOSTILE_TYPES), type);
      const huge: Draft["body"] = { raw: HUGE_BODY };
      return oneof(
        { weight: 400, arbitrary: record({ type: said, body }) },
        { weight: 1, arbitrary: constant({ type, body: huge }) },
      );
    }),
  );
}

/** As one part of a path; what a URL would take for another path is something else. */
function inPath(text: string): string {
  return text === "" || text === "." || text === ".."
    ? "x"
    : encodeURIComponent(text.toWellFormed());
}

/** A header takes no line breaks, and no letters beyond Latin 1. */
function inHeader(text: string): string {
  return text.replaceAll(/[^\u0020-\u00FF]/g, "~").trim();
}
