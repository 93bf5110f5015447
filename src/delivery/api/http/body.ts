import type * as z from "zod";
import { invalid, Problem, type FieldError } from "./problems.ts";

/** How large a request's body may be. */
export interface BodyLimits {
  readonly bytes: number;
  /** Objects and lists within each other. */
  readonly depth: number;
}

const DEFAULT_LIMITS: BodyLimits = { bytes: 1_048_576, depth: 32 };
const MAX_KEYS = 1_000;
const MAX_ITEMS = 10_000;

/**
 * The JSON body of a request, checked against a schema.
 * @throws Problem 415, 413, 400 (not JSON) or 422 (JSON that doesn't fit, with the fields)
 */
export async function readBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  limits: BodyLimits = DEFAULT_LIMITS,
): Promise<z.output<Schema>> {
  const type =
    (request.headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new Problem(415, "unsupported_media_type", "Send the body as application/json.");
  }
  const body = jsonOf(await readBytes(request, limits.bytes), limits.depth);
  const checked = schema.safeParse(body);
  if (!checked.success) throw invalid(checked.error.issues.flatMap(fieldErrors));
  return checked.data;
}

/** What zod found, by the fields of the request. */
export function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String);
  const form = issue.code === "invalid_union" ? nearestForm(issue.errors) : null;
  if (form !== null) {
    return form.flatMap((one) => fieldErrors({ ...one, path: [...issue.path, ...one.path] }));
  }
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: [...path, key].join("."),
      message: "There is no such field.",
    }));
  }
  return [{ field: path.length > 0 ? path.join(".") : "body", message: messageOf(issue) }];
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_format" && issue.format === "datetime") {
    return "Must be a time as 2026-11-21T08:00:00Z.";
  }
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue.message;
  return issue.errors.flatMap((issues) => issues.map(({ message }) => message)).join("; ");
}

type Issues = readonly z.core.$ZodIssue[];

/** Of the forms that a value may have, what is wrong by the one that it is most like; null: it is like none. */
function nearestForm(forms: readonly Issues[]): Issues | null {
  const within = forms.find((issues) => issues.some(({ path }) => path.length > 0));
  const ofItsType = forms.find((issues) => issues.some(({ code }) => code !== "invalid_type"));
  return within ?? ofItsType ?? null;
}

/**
 * The JSON in a body that was read already.
 * @throws Problem 400 (not JSON) or 422 (JSON that nobody should take)
 */
export function jsonOf(bytes: Uint8Array, maxDepth = DEFAULT_LIMITS.depth): unknown {
  const body = parse(textOf(bytes));
  refuseHostile(body, maxDepth);
  return body;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Problem(400, "malformed_body", "The body is not UTF-8.");
  }
}

/** A body as it came. @throws Problem 413 */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  // A declared length is kept by the server that framed the body, and one read is much faster than many.
  const declared = request.headers.get("Content-Length");
  if (declared !== null) {
    if (Number(declared) > limit) throw tooLarge(limit);
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    const bytes = chunk as Uint8Array;
    length += bytes.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(bytes);
  }
  const all = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return all;
}

function tooLarge(limit: number): Problem {
  return new Problem(413, "body_too_large", `The body may have ${limit} bytes at most.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, "malformed_body", "The body is not JSON.");
  }
}

/**
 * Refuses JSON that is legal but hostile, without recursion: nested too deep (schemas and RPC recurse),
 * too wide, numbers that became Infinity, text that no database or header takes.
 */
function refuseHostile(body: unknown, maxDepth: number): void {
  const open: Node[] = [{ value: body, key: "", parent: null, depth: 0 }];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { value, depth } = node;
    const reason = hostility(value, depth, maxDepth);
    if (reason !== null) throw invalid([{ field: pathOf(node) || "body", message: reason }]);
    if (value === null || typeof value !== "object") continue;
    for (const [key, inner] of Object.entries(value)) {
      if (inner === null || typeof inner === "boolean") continue;
      open.push({ value: inner, key, parent: node, depth: depth + 1 });
    }
  }
}

/** A value on its way through the walk; its path is put together only when it is needed. */
interface Node {
  readonly value: unknown;
  readonly key: string;
  readonly parent: Node | null;
  readonly depth: number;
}

function pathOf({ key, parent }: Node): string {
  if (parent === null) return "";
  const above = pathOf(parent);
  return above === "" ? key : `${above}.${key}`;
}

function hostility(value: unknown, depth: number, maxDepth: number): string | null {
  if (typeof value === "string") {
    if (!value.isWellFormed()) return "The text has half a surrogate pair.";
    return value.includes("\0") ? "The text has a NUL character." : null;
  }
  if (typeof value === "number") return Number.isFinite(value) ? null : "The number is too large.";
  if (value === null || typeof value !== "object") return null;
  if (depth >= maxDepth) return `Nested deeper than ${maxDepth} levels.`;
  if (Array.isArray(value)) {
    return value.length > MAX_ITEMS ? `More than ${MAX_ITEMS} items.` : null;
  }
  const keys = Object.keys(value);
  if (keys.length > MAX_KEYS) return `More than ${MAX_KEYS} keys.`;
  if (keys.includes("__proto__")) return "'__proto__' is not a key.";
  const bad = keys.find((key) => !key.isWellFormed() || key.includes("\0"));
  return bad === undefined ? null : "A key has characters that text can't have.";
}
