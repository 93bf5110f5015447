import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, expect, it } from "vitest";
import { NO_CONTROLS } from "#engine";
import { declaredRoutes } from "../../scripts/openapi/declared-routes.ts";
import { isDocumented, openApiDocument } from "../../src/delivery/api/openapi/document.ts";
import { mintSession, openSession } from "../../src/domain/accounts/sessions.ts";
import { users } from "../../src/domain/accounts/tables.ts";
import worker from "../../src/worker.ts";
import { Campaign, type ReadAnswer, type Report, type Target } from "../fuzz/campaign.ts";
import { operationsOf, type OpenApi, type Operation, type Placed } from "../fuzz/document.ts";
import { PERSON, PREPARED } from "../fuzz/prepared.ts";
import type { Asker, MadeRequest } from "../fuzz/requests.ts";
import { documented } from "./documented.ts";

/*
 * Made-up requests to every route, inside Cloudflare's runtime: `npm run fuzz` sends more of them, and takes a seed.
 */

const REQUESTS = Number(env.FUZZ_REQUESTS);
const SEED = Number(env.FUZZ_SEED);
/** A machine that has other things to do sends fewer. */
const AT_MOST_MS = Number(env.FUZZ_SECONDS) * 1_000;
/** What every operation gets at least, however slow it is. */
const FEWEST = 5;
const ANSWER_MS = 20_000;
const ORIGIN = "http://lovage";

const routes = declaredRoutes();
const document = openApiDocument(routes, ORIGIN) as unknown as OpenApi;

/** Pages for people: the document says nothing of them, but they take queries and forms. */
const pages: Placed[] = routes
  .filter((route) => !isDocumented(route))
  .map(({ method, path }) => ({
    method,
    path: path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}"),
    operation: pageOperation(method, path),
  }));

function pageOperation(method: string, path: string): Operation {
  const text = { type: "string" };
  const named = [
    "search",
    "state",
    "name",
    "cursor",
    "next",
    "task",
    "from",
    "until",
    "sort",
    "period",
  ];
  const form = { "application/x-www-form-urlencoded": { schema: {} } };
  return {
    operationId: `${method} ${path}`,
    parameters: [
      ...Array.from(path.matchAll(/:(\w+)/g), ([, name = ""]) => ({
        ...({ name, in: "path", required: true } as const),
        schema: text,
      })),
      ...named.map((name) => ({ name, in: "query", schema: text }) as const),
    ],
    ...(method !== "GET" && { requestBody: { content: form } }),
    responses: {},
  };
}

/** As many requests are logged together as would be otherwise: a row each would be most of the work. */
const DEPLOYMENT = { ...env, LOG_WAIT_MS: "2000" };

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return worker.fetch(new Request(ORIGIN + path, init), DEPLOYMENT, createExecutionContext());
}

let token = "";

/** As after a login, without the time that a password takes. */
async function signIn(): Promise<void> {
  const db = drizzle(env.DB);
  const [user] = await db.select().from(users).where(eq(users.username, PERSON.username));
  if (user === undefined) throw new Error("Nobody is there.");
  const session = mintSession(Date.now(), "fuzz");
  token = session.token;
  await openSession(db, session, user);
}

const STRANGER = `lv_${"a".repeat(12)}_${"a".repeat(43)}`;

async function send(request: MadeRequest, asker: Asker): Promise<ReadAnswer> {
  const { method, path, headers, body } = request;
  const who: Record<string, string> =
    asker === "operator"
      ? {}
      : { Authorization: `Bearer ${asker === "person" ? token : STRANGER}` };
  // Not `AbortSignal.timeout`: its timers outlive the answer, and an invocation may have 10,000 of them.
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error("No answer in time.")), ANSWER_MS);
  try {
    const answer = await ask(path, {
      method,
      headers: { ...who, ...headers },
      body,
      redirect: "manual",
      signal: patience.signal,
    });
    const type = answer.headers.get("Content-Type")?.split(";")[0] ?? "";
    const isStream = type === "text/event-stream";
    if (isStream) await answer.body?.cancel();
    if (answer.status === 401 && asker === "person") await signIn();
    return { status: answer.status, type, text: isStream ? "" : await answer.text() };
  } finally {
    clearTimeout(timer);
  }
}

const target: Target = {
  send,
  fault: async ({ path, method }, request, { status, type, text }) => {
    if (status >= 500 && status !== 503) return `${status}: ${text.slice(0, 300)}`;
    if (Object.hasOwn(Object.prototype, "polluted")) return "Object.prototype is polluted.";
    const isPage = pages.some((page) => page.path === path && page.method === method);
    if (isPage) return status === 503 ? `${status}: ${text.slice(0, 300)}` : null;
    const hasNoBody = [204, 205, 304].includes(status) || type === "text/event-stream";
    const headers = { "Content-Type": type };
    const again = new Response(hasNoBody ? null : text, { status, headers });
    try {
      await documented(method, ORIGIN + request.path, again);
      return null;
    } catch (error) {
      return `${String(error).slice(0, 600)}: ${text.slice(0, 300)}`;
    }
  },
  start: async () => {
    await post("/api/control/start", {});
  },
};

function post(path: string, body: unknown): Promise<Response> {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

let report: Report;

beforeAll(async () => {
  await post("/api/register", PERSON);
  await signIn();
  const campaign = new Campaign(target, document, [...operationsOf(document), ...pages]);
  await campaign.prepare(PREPARED);
  report = await campaign.run(REQUESTS, SEED, AT_MOST_MS);
  console.log(`${report.sent} requests, seed ${SEED}: ${JSON.stringify(report.statuses)}`);
}, 3_600_000);

it("whatever is sent, nothing breaks, hangs or is answered as the OpenAPI document does not say", () => {
  expect(report.faults).toEqual([]);
});

it("every route was asked often, and not all of it was refused", () => {
  const asked = routes.map(({ method, path }) => {
    const name = `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`;
    return [name, report.byOperation[name] ?? 0] as const;
  });
  expect(asked.filter(([, count]) => count < FEWEST)).toEqual([]);
  expect(report.done.size).toBeGreaterThan(80);
  expect(report.statuses[422]).toBeGreaterThan(report.sent / 20);
  // Forms of the dashboard that did what they are for: ten in one round, one without what pages say.
  const forms = [...report.done].filter((name) => name.startsWith("POST /dashboard"));
  expect(forms.length).toBeGreaterThan(5);
});

/** Takes back what the campaign may have set as operators do: a rate of 10/m would be one start in 6 s. */
async function takeBackControls(): Promise<void> {
  const watchdog = env.WATCHDOG.getByName("watchdog");
  const command = async (name: string, body: unknown) => {
    expect((await post(`/api/control/${name}`, body)).status).toBe(200);
  };
  const { pausedQueues, rateLimits, timeLimits } = await watchdog.controls();
  await command("start", {});
  for (const queue of pausedQueues) await command("add_consumer", { queue });
  for (const task of Object.keys(rateLimits)) {
    await command("rate_limit", { task, rate_limit: null });
  }
  for (const task of Object.keys(timeLimits)) await command("time_limit", { task });
  const left = await watchdog.controls();
  expect(left).toEqual({ ...NO_CONTROLS, version: left.version, pauses: {} });
}

it("afterwards the deployment works as before", async () => {
  await takeBackControls();
  // Right after a flood a part may take longer than a probe waits.
  const ready = async () => (await ask("/readyz")).status;
  await expect.poll(ready, { timeout: 15_000, interval: 1_000 }).toBe(200);
  const submitted = await post("/api/tasks/", { name: "process_data", args: ["after"] });
  expect(submitted.status).toBe(202);
  const { task_id: id } = await submitted.json<{ task_id: string }>();
  const task = await ask(`/api/tasks/${id}/?wait=20`);
  expect(await task.json()).toMatchObject({ state: "SUCCESS" });
});
