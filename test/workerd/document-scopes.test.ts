import { beforeAll, expect, it } from "vitest";
import { SCOPES, type Scope } from "../../src/delivery/api/callers/access.ts";
import { keyFor, request } from "./credentials.ts";
import { account, PASSWORD, postJson, send } from "./visitors.ts";

/*
 * Every operation of the OpenAPI document, with a key that holds the scopes that it names and no others, and with
 * keys that hold all others. Requests fit as far as the document's own examples do.
 */

interface Operation {
  readonly operationId: string;
  readonly security: readonly { readonly token?: readonly Scope[] }[];
  readonly "x-required-scope"?: string;
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { example?: unknown }>> };
}

interface Placed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** Scopes that a scope comes with. */
const HELD_WITH: Readonly<Partial<Record<Scope, readonly Scope[]>>> = {
  "tasks:read": ["monitor", "control", "admin"],
  "orders:read": ["monitor", "control", "admin"],
  monitor: ["control", "admin"],
};

/** There are no pools, for nobody. */
const FOR_NOBODY = /\/pool\//;

const operations: Placed[] = [];
const keys = new Map<string, string>();
let person = "";
let own = "";

beforeAll(async () => {
  const { paths } = await (
    await send("/openapi.json")
  ).json<{ paths: Record<string, Record<string, Operation>> }>();
  for (const [path, ofPath] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(ofPath)) {
      operations.push({ method: method.toUpperCase(), path, operation });
    }
  }
  await account("person", "user");
  const login = await postJson("/api/login/", { username: "person", password: PASSWORD });
  person = (await login.json<{ token: string }>()).token;
  own = await taskOf(await keyWith(["tasks:write"]));
});

async function keyWith(scopes: readonly string[]): Promise<string> {
  const name = scopes.join(" ");
  const known = keys.get(name) ?? (await keyFor("program", scopes));
  keys.set(name, known);
  return known;
}

async function taskOf(key: string): Promise<string> {
  const body = JSON.stringify({ name: "process_data", args: ["x"], countdown: 900 });
  const headers = { "Content-Type": "application/json" };
  const answer = await request("/api/tasks/", key, { method: "POST", headers, body });
  return (await answer.json<{ task_id: string }>()).task_id;
}

/** What stands in a path: what there is, where it matters. */
function valueOf(path: string, name: string): string {
  if (name === "id" && /^\/api\/tasks?\//.test(path)) return own;
  if (name === "name" && path.startsWith("/api/task/")) return "process_data";
  if (name === "worker") return "lovage@lovage";
  if (name === "type") return "task-succeeded";
  return "nothing-of-this-name";
}

/** An operation asked as its document says. */
function sentAs({ method, path, operation }: Placed): [path: string, init: RequestInit] {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => valueOf(path, name));
  const needed = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === "query" && parameter.required === true)
    .map(({ name }) => [name, name === "queue" ? "default" : "1"]);
  const [content] = Object.entries(operation.requestBody?.content ?? {});
  // Nobody waits here for what is to start later.
  const example = { ...(content?.[1].example as object | undefined), countdown: undefined };
  const body = content === undefined ? undefined : JSON.stringify(example);
  const headers = content === undefined ? {} : { "Content-Type": content[0] };
  const query = new URLSearchParams(needed).toString();
  return [
    `${filled}${query === "" ? "" : `?${query}`}`,
    { method, headers, ...(body !== undefined && { body }) },
  ];
}

/** The scopes that an operation says it needs, all of them; null: it needs none. */
function needsOf({ operation }: Placed): readonly Scope[] | null {
  const [first] = operation.security;
  if (first === undefined) return null;
  return operation["x-required-scope"] === "person or shop"
    ? ["orders:manage"]
    : (first.token ?? []);
}

const nameOf = ({ method, path }: Placed) => `${method} ${path}`;

async function answerTo(placed: Placed, token: string | null): Promise<Response> {
  const [path, init] = sentAs(placed);
  const answer = await request(path, token, init);
  await answer.body?.cancel();
  return answer;
}

async function statusWith(placed: Placed, scopes: readonly string[]): Promise<number> {
  return (await answerTo(placed, await keyWith(scopes))).status;
}

it("whoever holds all scopes but one that an operation names is refused by it", async () => {
  const faults: string[] = [];
  let asked = 0;
  for (const placed of operations) {
    for (const missing of needsOf(placed) ?? []) {
      const without = [missing, "admin", ...(HELD_WITH[missing] ?? [])];
      const others = SCOPES.filter((scope) => !without.includes(scope));
      const status = await statusWith(placed, others);
      asked += 1;
      if (status !== 403) faults.push(`${nameOf(placed)} without ${missing}: ${status}`);
    }
  }
  expect(faults).toEqual([]);
  expect(asked).toBeGreaterThan(120);
});

it("whoever holds the scopes that an operation names, and no other, is let in by it", async () => {
  const faults: string[] = [];
  let asked = 0;
  for (const placed of operations) {
    const needs = needsOf(placed);
    if (needs === null || needs.length === 0 || FOR_NOBODY.test(placed.path)) continue;
    const status = await statusWith(placed, needs);
    asked += 1;
    if ([401, 403].includes(status) || status >= 500) {
      faults.push(`${nameOf(placed)} with ${needs.join(" ")}: ${status}`);
    }
  }
  expect(faults).toEqual([]);
  expect(asked).toBeGreaterThan(110);
});

it("what names no scope is for everybody, or for people and no key", async () => {
  const faults: string[] = [];
  for (const placed of operations) {
    const needs = needsOf(placed);
    if (needs !== null && needs.length > 0) continue;
    const isPublic = needs === null;
    const nobody = await answerTo(placed, null);
    if (nobody.headers.has("WWW-Authenticate") === isPublic) faults.push(nameOf(placed));
    if (isPublic) continue;
    const key = await answerTo(placed, await keyWith(["admin"]));
    if (key.status !== 401) faults.push(`${nameOf(placed)} with a key: ${key.status}`);
    // What ends the session comes last, if at all.
    if (/logout|sessions|password/.test(placed.path) && placed.method !== "GET") continue;
    const { status } = await answerTo(placed, person);
    if ([401, 403].includes(status)) faults.push(`${nameOf(placed)} for a person: ${status}`);
  }
  expect(faults).toEqual([]);
});
