import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createClient, ProblemError } from "lovage/client";
import { documented } from "./documented.ts";

const client = createClient({
  baseUrl: "http://lovage",
  fetch: async (request) =>
    documented(request.method, request.url, await exports.default.fetch(request)),
});

it("the typed client calls a task, and gets its result", async () => {
  const id = await client.delay("process_data", { data: "hello" });
  expect(await client.result(id, { timeout: 20 })).toEqual({ processed_data: "HELLO" });
});

it("the same key is the same call", async () => {
  const send = () => client.delay("process_data", { data: "once" }, { idempotencyKey: "once-1" });
  expect(await send()).toBe(await send());
});

it("what doesn't fit is refused by name", async () => {
  const refused = client.delay("process_data", { data: "x" }, { queue: "nowhere" });
  await expect(refused).rejects.toThrow(ProblemError);
  await expect(refused).rejects.toMatchObject({ errors: [{ field: "queue" }] });
});

it("every path has its types", async () => {
  const { data } = await client.api.GET("/api/tasks/definitions");
  const task = data?.tasks.find(({ name }) => name === "process_data");
  expect(task?.params_schema).toMatchObject({ properties: { data: { type: "string" } } });
});

it("events of a task come as they happen", async () => {
  const gone = new AbortController();
  const types: string[] = [];
  let id: string | null = null;
  for await (const { events } of client.events({ task: "process_data", signal: gone.signal })) {
    id ??= await client.delay("process_data", { data: "seen" });
    types.push(...events.filter(({ uuid }) => uuid === id).map(({ type }) => type));
    if (types.includes("task-succeeded")) break;
  }
  gone.abort();
  expect(types.at(-1)).toBe("task-succeeded");
});
