import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Role } from "#domain/accounts";
import worker from "../../src/worker.ts";

const ORIGIN = "http://lovage";
export const PASSWORD = "correct horse battery";

/** A deployment as it is by default: closed. */
const CLOSED = { ...env, OPEN_ACCESS: "false" };
/** A deployment is put together once, and asked many times. */
const deployments = new WeakMap<object, typeof CLOSED>();

function deploymentWith(settings: Readonly<Record<string, unknown>>): typeof CLOSED {
  const deployment = deployments.get(settings) ?? { ...CLOSED, ...settings };
  deployments.set(settings, deployment);
  return deployment;
}

const USUAL = {};

let sender = 0;

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: a closed one. */
  readonly deployment?: Readonly<Record<string, unknown>>;
}

/** One request, from an address of its own unless it says one; redirects are not followed. */
export async function send(path: string, sent: Sent = {}): Promise<Response> {
  const { method = "GET", headers = {}, body, deployment = USUAL } = sent;
  const ctx = createExecutionContext();
  sender += 1;
  const request = new Request(`${ORIGIN}${path}`, {
    method,
    headers: { "CF-Connecting-IP": `198.51.100.${sender % 250}`, ...headers },
    redirect: "manual",
    ...(body !== undefined && { body }),
  });
  const answer = await worker.fetch(request, deploymentWith(deployment), ctx);
  await waitOnExecutionContext(ctx);
  return answer;
}

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
export const JSON_BODY = { "Content-Type": "application/json" };
/** What a browser says when somebody opens a page. */
export const PAGE = { Accept: "text/html,application/xhtml+xml" };
/** What a browser says when a page of the deployment sends something. */
export const OURS = { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin" };

/** Posts a form as a page of the deployment does. */
export function post(
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = new URLSearchParams(fields).toString();
  return send(path, { method: "POST", headers: { ...FORM, ...PAGE, ...OURS, ...headers }, body });
}

/** Posts JSON as a page of the deployment does. */
export function postJson(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return send(path, {
    method: "POST",
    headers: { ...JSON_BODY, ...OURS, ...headers },
    body: JSON.stringify(body),
  });
}

/** Makes an account. @returns its id */
export async function account(username: string, role: Role): Promise<number> {
  const answer = await postJson("/api/register/", {
    username,
    email: `${username}@example.com`,
    password: PASSWORD,
  });
  const { user_id: id } = await answer.json<{ user_id: number }>();
  await env.DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, id).run();
  return id;
}

/** What the browser keeps after an answer: `name=value`, or "" when it keeps nothing. */
export function keptCookie(answer: Response): string {
  const [pair = ""] = (answer.headers.get("Set-Cookie") ?? "").split(";");
  return pair;
}

/** Signs somebody in at the dashboard's page. @returns the cookie that a browser sends from then on */
export async function signIn(username: string, cookie = ""): Promise<string> {
  const headers = cookie === "" ? {} : { Cookie: cookie };
  const answer = await post("/dashboard/sign-in", { username, password: PASSWORD }, headers);
  if (answer.status !== 303) throw new Error(`${answer.status}: ${await answer.text()}`);
  return keptCookie(answer);
}
