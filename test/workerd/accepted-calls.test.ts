import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { TaskSpec } from "#engine";
import { keyFor } from "./credentials.ts";
import { documented } from "./documented.ts";
import { JSON_BODY, send } from "./visitors.ts";

const LATER = { args: ["x"], countdown: 900 };

/** Ledgers that take tasks, and have no place for anybody who waits. */
const FULL_LEDGERS = {
  idFromName: (name: string) => env.LEDGER.idFromName(name),
  get: (id: DurableObjectId) => {
    const shard = env.LEDGER.get(id);
    return {
      submit: (tasks: TaskSpec[]) => shard.submit(tasks),
      submitToRun: (task: TaskSpec, offer: string) => shard.submitToRun(task, offer),
      fetch: async () => new Response(null, { status: 503 }),
      read: (taskId: string) => shard.read(taskId),
    };
  },
};

const DEPLOYMENT = { LEDGER: FULL_LEDGERS };
const WORK = "process_data";

let both: Record<string, string> = {};
let reader: Record<string, string> = {};
let sender: Record<string, string> = {};

beforeAll(async () => {
  const key = async (...scopes: string[]) => ({
    Authorization: `Bearer ${await keyFor("accepted", scopes)}`,
  });
  both = await key("tasks:read", "tasks:write");
  reader = await key("tasks:read");
  sender = await key("tasks:write");
});

function post(path: string, key: Record<string, string>, body: unknown, deployment = {}) {
  const headers = { ...JSON_BODY, ...key };
  return send(path, { method: "POST", headers, body: JSON.stringify(body), deployment });
}

async function countTasks(): Promise<number> {
  const answer = await send("/api/tasks", { headers: reader });
  return Object.keys(await answer.json<object>()).length;
}

it("a call that was accepted says so, also when there is no place to wait", async () => {
  const answer = await post("/api/tasks/?wait=5", both, { name: WORK, ...LATER }, DEPLOYMENT);
  expect(answer.status).toBe(202);
  const { task_id: id } = await answer.json<{ task_id: string }>();
  expect((await send(`/api/tasks/${id}/`, { headers: reader })).status).toBe(200);
});

it("a call as Flower makes it is answered with its id then", async () => {
  const answer = await post(`/api/task/apply/${WORK}`, both, LATER, DEPLOYMENT);
  expect(answer.status).toBe(200);
  const { "task-id": id, state } = await answer.json<{ "task-id": string; state: string }>();
  expect(state).toBe("PENDING");
  expect((await send(`/api/tasks/${id}/`, { headers: reader })).status).toBe(200);
});

it("who may not read waits for no result, whichever way they call", async () => {
  const before = await countTasks();
  expect((await post("/api/tasks/?wait=5", sender, { name: WORK, ...LATER })).status).toBe(403);
  expect((await post(`/api/task/apply/${WORK}`, sender, LATER)).status).toBe(403);
  expect(await countTasks()).toBe(before);
});

it.each([
  ["revoke", {}],
  ["reschedule", { countdown: 800 }],
])("who may not read can %s a task, and learns nothing of it", async (what, body) => {
  const sent = await post("/api/tasks/", sender, { name: WORK, ...LATER });
  const { task_id: id } = await sent.json<{ task_id: string }>();
  const path = `/api/tasks/${id}/${what}/`;
  const answer = await post(path, sender, body);
  expect(answer.status).toBe(204);
  await documented("POST", `http://lovage${path}`, answer.clone());
  expect(await answer.text()).toBe("");
  const seen = await (await send(`/api/tasks/${id}/`, { headers: reader })).json<object>();
  expect(seen).toMatchObject(
    what === "revoke" ? { state: "REVOKED" } : { eta: expect.any(String), state: "PENDING" },
  );
});
