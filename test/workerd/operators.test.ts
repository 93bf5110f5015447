import { env } from "cloudflare:workers";
import { beforeAll, expect, it, vi } from "vitest";
import { ended } from "./api.ts";
import { account, JSON_BODY, OURS, postJson, send, signIn } from "./visitors.ts";

let operator = "";
let admin = "";

const BACKUP = { task: "backup_database", kwargs: {} };
const HOURLY = { interval: { every: 1, period: "hours" }, enabled: false };
const RESTORE = { task: "restore_database", kwargs: {} };
const MAP = { task: "celery.map", kwargs: { task: RESTORE, it: ["x"] } };

beforeAll(async () => {
  await account("otto", "operator");
  await account("anna", "admin");
  operator = await signIn("otto");
  admin = await signIn("anna");
  await as(admin, "POST", "/api/schedules/", { name: "admins", ...BACKUP, ...HOURLY });
  await as(admin, "POST", "/api/schedules/", { name: "admins-map", ...MAP, ...HOURLY });
}, 60_000);

function as(cookie: string, method: string, path: string, body: unknown = {}): Promise<Response> {
  const headers = { ...JSON_BODY, ...OURS, Cookie: cookie };
  return send(path, { method, headers, body: JSON.stringify(body) });
}

const codeOf = async (answer: Response) => (await answer.json<{ code: string }>()).code;
const past = { from: "2026-11-01T00:00:00Z", until: "2026-11-01T03:00:00Z" };

it.each([
  ["made", "POST", "", { name: "mine", ...BACKUP, ...HOURLY }],
  ["made of a map", "POST", "", { name: "mine", ...MAP, ...HOURLY }],
  ["changed", "PATCH", "/admins", { description: "mine" }],
  ["made another's", "PATCH", "/admins", { task: "process_data", kwargs: { data: "x" } }],
  ["enabled", "POST", "/admins/enable", {}],
  ["disabled", "POST", "/admins/disable", {}],
  ["run", "POST", "/admins/run", {}],
  ["run, of a map", "POST", "/admins-map/run", {}],
  ["backfilled", "POST", "/admins/backfill", past],
  ["deleted", "DELETE", "/admins", {}],
  ["disabled, declared in code", "POST", "/backup_database/disable", {}],
  ["run, declared in code", "POST", "/backup_database/run", {}],
])("a schedule of an admins' task is not %s by operators", async (_what, method, path, body) => {
  const answer = await as(operator, method, `/api/schedules${path}`, body);
  expect(answer.status).toBe(403);
  expect(await codeOf(answer)).toBe("forbidden");
});

it("a schedule of any other task is theirs, and none can be made to call what is not", async () => {
  const mine = { name: "mine", task: "process_data", kwargs: { data: "x" }, ...HOURLY };
  expect((await as(operator, "POST", "/api/schedules/", mine)).status).toBe(201);
  expect((await as(operator, "PATCH", "/api/schedules/mine", BACKUP)).status).toBe(403);
  const linked = { task: "celery.chain", kwargs: { tasks: [BACKUP] } };
  expect((await as(operator, "PATCH", "/api/schedules/mine", linked)).status).toBe(403);
  expect((await as(operator, "POST", "/api/schedules/mine/run")).status).toBe(202);
  expect((await as(operator, "DELETE", "/api/schedules/mine")).status).toBe(204);
});

it("an admin runs what operators may not", async () => {
  expect((await as(admin, "POST", "/api/schedules/admins/disable")).status).toBe(200);
  expect((await as(admin, "POST", "/api/schedules/admins/backfill", past)).status).toBe(202);
});

it.each([
  ["a chain", { chain: [{ name: "process_data", args: ["x"] }, { name: "backup_database" }] }],
  ["a group", { group: [{ name: "restore_database", kwargs: { backup_id: "x" } }] }],
])("%s with an admins' task in it is refused to operators", async (_what, canvas) => {
  expect((await as(operator, "POST", "/api/canvas/", canvas)).status).toBe(403);
});

/** A dead letter that is made into one of another task. */
async function deadLetterOf(name: string, kwargs: unknown): Promise<string> {
  const call = { name: "process_payment", kwargs: { order_id: "none" } };
  const answer = await postJson("/api/tasks/", call, { Cookie: operator });
  const { task_id: id } = await answer.json<{ task_id: string }>();
  await ended(id);
  const isKept = async () =>
    (await env.DB.prepare("SELECT 1 FROM tasks WHERE id = ?").bind(id).first()) !== null;
  await vi.waitUntil(isKept, { timeout: 20_000, interval: 20 });
  await env.DB.prepare("UPDATE tasks SET name = ?, kwargs = ? WHERE id = ?")
    .bind(name, JSON.stringify(kwargs), id)
    .run();
  return id;
}

it.each([
  ["backup_database", {}],
  ["restore_database", { backup_id: "x" }],
  ["celery.map", MAP.kwargs],
])("a dead letter of %s is replayed by admins alone", async (name, kwargs) => {
  const id = await deadLetterOf(name, kwargs);
  const one = await as(operator, "POST", `/api/dead-letters/${id}/replay/`);
  expect(one.status).toBe(403);
  const edited = await as(operator, "POST", `/api/dead-letters/${id}/replay/`, { kwargs });
  expect(edited.status).toBe(403);
  const many = await as(operator, "POST", "/api/dead-letters/replay/", { ids: [id] });
  expect(await many.json()).toMatchObject({ tasks: [{ id, status: "failed" }] });
  const found = "SELECT resolution FROM tasks WHERE id = ?";
  expect(await env.DB.prepare(found).bind(id).first("resolution")).toBeNull();
});

it("an admin replays what operators may not", async () => {
  const id = await deadLetterOf("backup_database", {});
  expect((await as(admin, "POST", `/api/dead-letters/${id}/replay/`)).status).toBe(202);
});

it("no argument of a replay makes it call an admins' task", async () => {
  const id = await deadLetterOf("celery.map", { task: { task: "process_data" }, it: [] });
  const { kwargs } = MAP;
  const answer = await as(operator, "POST", `/api/dead-letters/${id}/replay/`, { kwargs });
  expect(answer.status).toBe(403);
});

it("what tells others of an end is replayed as it was, and told nothing else", async () => {
  const id = await deadLetterOf("deliver_callback", { url: "https://a.example", task_id: "x" });
  const body = { kwargs: { url: "https://evil.example", task_id: "x" } };
  for (const cookie of [operator, admin]) {
    const answer = await as(cookie, "POST", `/api/dead-letters/${id}/replay/`, body);
    expect(answer.status).toBe(403);
  }
  // Its stored arguments don't fit here: that it is looked at is enough.
  const same = await as(operator, "POST", `/api/dead-letters/${id}/replay/`);
  expect(same.status).not.toBe(403);
});

it("monitors see the list of schedules and make none", async () => {
  await account("vera", "viewer");
  const cookie = await signIn("vera");
  expect((await send("/api/schedules/", { headers: { Cookie: cookie } })).status).toBe(200);
  const mine = { name: "mine", task: "process_data", kwargs: { data: "x" }, ...HOURLY };
  expect((await as(cookie, "POST", "/api/schedules/", mine)).status).toBe(403);
});
