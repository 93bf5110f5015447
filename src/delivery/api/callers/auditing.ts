import { LEFT_OUT, shownDetail, type Audited } from "#domain/audit";
import { ANONYMOUS, isCustomer, isStaff, may, type Caller } from "./access.ts";
import { jsonOf, readBytes } from "../http/body.ts";
import { isSafe } from "./own-site.ts";
import { Problem, problemOf } from "../http/problems.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";

/** What only those do who run the deployment or the shop. */
const OPERATORS_SCOPES: ReadonlySet<string> = new Set(["control", "admin", "orders:manage"]);

/** What changes an own account, or nothing but how a page looks. */
const NO_ACTIONS: ReadonlySet<string> = new Set([
  ...["public", "person", "monitor", "tasks:read", "orders:read"],
]);

const TASK_ID = /^[0-9a-f-]{36}$/;

/** Of larger bodies the log has the size alone. */
const MAX_READ_BYTES = 65_536;

const RETRY_SECONDS = 5;

/**
 * Answers a request; one that is an operator's action is in the audit log before anything is done, and its answer
 * after. Rows written: 2 for these, none for others.
 * @throws Problem 503 when it can't be logged: then nothing was done; and whatever `run` throws
 */
export async function answerAudited(
  parts: ApiParts,
  route: Route,
  call: ApiCall,
  run: () => Response | Promise<Response>,
): Promise<Response> {
  if (!(await isAction(parts, route, call))) return run();
  const action = await actionOf(parts, route, call);
  const entry = await parts.audit.begin(action).catch((error: unknown) => {
    parts.log("audit_failed", { action: action.action, error });
    throw new Problem(503, "not_audited", "The audit log can't be written: nothing was done.", {
      headers: { "Retry-After": String(RETRY_SECONDS) },
    });
  });
  // What was done was done, also where this is not noted.
  const note = (status: number) =>
    parts.audit.end(entry, status).catch((error: unknown) => {
      parts.log("audit_failed", { action: action.action, status, error });
    });
  try {
    const response = await run();
    await note(response.status);
    return response;
  } catch (error) {
    await note(problemOf(error).status);
    throw error;
  }
}

/** Notes that somebody came to the dashboard. Rows written: 2. */
export async function noteSignIn(
  parts: ApiParts,
  { request }: ApiCall,
  caller: Caller,
  path: string,
): Promise<void> {
  const action = `POST ${path}`;
  const entry = { ...whoOf(parts, request, caller), action, target: {}, detail: null };
  await parts.audit.end(await parts.audit.begin(entry), 303);
}

/**
 * Whether it is an operator's action: a change by a route for operators; by whom the dashboard is for, other than of
 * the own account; by the shop's side of an escrow or an order that is there; or of somebody else's task.
 */
async function isAction(
  { tasks }: ApiParts,
  { scope, changesNothing }: Route,
  { request, caller, params }: ApiCall,
): Promise<boolean> {
  if (isSafe(request) || changesNothing === true || NO_ACTIONS.has(scope)) return false;
  if (OPERATORS_SCOPES.has(scope) || isStaff(caller)) return true;
  if (scope === "person or shop") return !isCustomer(caller);
  if (scope === "orders:write") return "id" in params && may(caller, "orders:manage");
  // Nobody else changes others' tasks: who may not is spared the question whose it is.
  if (scope !== "tasks:write" || !may(caller, "control")) return false;
  const id = Object.values(params).find((value) => TASK_ID.test(value));
  const task = id === undefined ? null : await tasks.get(id);
  return task !== null && task.owner !== caller.owner;
}

async function actionOf(
  parts: ApiParts,
  { method, path }: Route,
  { request, caller, params, query }: ApiCall,
): Promise<Audited> {
  return {
    ...whoOf(parts, request, caller),
    action: `${method} ${path}`,
    target: targetOf(params),
    detail: shownDetail({ ...listsOf(query), ...(await fieldsOf(request)) }),
  };
}

/** Mail addresses are not kept, in paths as in bodies. */
function targetOf({ address, ...others }: ApiCall["params"]): Audited["target"] {
  return address === undefined ? others : { ...others, address: LEFT_OUT };
}

function whoOf({ trace }: Pick<ApiParts, "trace">, { headers }: Request, caller: Caller) {
  return {
    actor: caller.owner,
    userId: caller.userId,
    how: proofOf(caller),
    address: headers.get("CF-Connecting-IP"),
    traceId: trace.current(),
  };
}

function proofOf(caller: Caller): Audited["how"] {
  if (caller === ANONYMOUS) return "open";
  return caller.userId === null ? "key" : "session";
}

/** What a form or a JSON body asks for; the handler reads it again, and refuses what is wrong with it. */
async function fieldsOf(request: Request): Promise<Record<string, unknown>> {
  const type = request.headers.get("Content-Type") ?? "";
  const isForm = type.startsWith("application/x-www-form-urlencoded");
  const declared = Number(request.headers.get("Content-Length") ?? 0);
  if (request.body === null) return {};
  if (!(isForm || /^application\/([\w.-]+\+)?json\b/i.test(type)) || declared > MAX_READ_BYTES) {
    return { bytes: declared };
  }
  try {
    const bytes = await readBytes(request.clone(), MAX_READ_BYTES);
    if (isForm) return listsOf(new URLSearchParams(new TextDecoder().decode(bytes)));
    const body = jsonOf(bytes);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

/** Fields by their names; what was given more than once is a list. Each is looked at once, however many there are. */
function listsOf(fields: URLSearchParams): Record<string, unknown> {
  const byName = Map.groupBy(fields, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, pairs]) => {
      const values = pairs.map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}
