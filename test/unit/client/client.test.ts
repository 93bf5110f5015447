import { readFileSync } from "node:fs";
import { expect, expectTypeOf, it } from "vitest";
import type { MonitorEvent, MonitorEventList } from "#engine";
import { createClient, type Client, type TaskEvent, type TaskEventList } from "lovage/client";
import { clientText } from "../../../scripts/openapi/made.ts";

/** A client whose requests are answered here, and what it asked for. */
function clientOf(...answers: Response[]): { client: Client; asked: Request[] } {
  const asked: Request[] = [];
  const client = createClient({
    baseUrl: "http://lovage",
    token: "lv_key",
    fetch: async (request) => {
      asked.push(request);
      return answers.shift() ?? Response.json({});
    },
  });
  return { client, asked };
}

const task = (over: object) => Response.json({ state: "SUCCESS", finished_at: "…", ...over });

it("its types are those of the routes and tasks: `npm run openapi` makes them", () => {
  expect(readFileSync("client/api.ts", "utf8") === clientText()).toBe(true);
});

it("a call is sent with its arguments, options and key", async () => {
  const { client, asked } = clientOf(Response.json({ task_id: "1" }, { status: 202 }));
  const options = { countdown: 5, idempotencyKey: "k" };
  expect(await client.delay("process_data", { data: "x" }, options)).toBe("1");
  const [request] = asked;
  expect(request?.url).toBe("http://lovage/api/tasks");
  expect(request?.headers.get("Authorization")).toBe("Bearer lv_key");
  expect(request?.headers.get("Idempotency-Key")).toBe("k");
  const body = { name: "process_data", kwargs: { data: "x" }, countdown: 5 };
  expect(await request?.json()).toEqual(body);
});

it("tasks that there are not, and arguments that don't fit, are type errors", () => {
  type Delay = Client["delay"];
  expectTypeOf<Delay>().toBeCallableWith("send_welcome_email", { user_id: 1 });
  expectTypeOf<Parameters<Delay>[0]>().not.toEqualTypeOf<string>();
  const wrong = (client: Client) => [
    // @ts-expect-error -- there is no such task
    () => client.delay("send_welcome_mail", { user_id: 1 }),
    // @ts-expect-error -- its argument is a number
    () => client.delay("send_welcome_email", { user_id: "1" }),
    // @ts-expect-error -- it has no such argument
    () => client.delay("send_welcome_email", { user_id: 1, soon: true }),
    // @ts-expect-error -- there is no such path
    () => client.api.GET("/api/nothing"),
  ];
  expect(wrong).toBeTypeOf("function");
});

it("its events are what the deployment tells of", () => {
  expectTypeOf<Omit<MonitorEvent, "owner">>().toExtend<TaskEvent>();
  expectTypeOf<keyof TaskEvent>().toEqualTypeOf<Exclude<keyof MonitorEvent, "owner">>();
  expectTypeOf<TaskEvent["type"]>().toEqualTypeOf<MonitorEvent["type"]>();
  expectTypeOf<keyof TaskEventList>().toEqualTypeOf<keyof MonitorEventList>();
});

it("a result is what the task returned", async () => {
  const { client, asked } = clientOf(task({ result: { n: 1 } }));
  expect(await client.result("1", { timeout: 5 })).toEqual({ n: 1 });
  expect(asked[0]?.url).toBe("http://lovage/api/tasks/1?wait=5");
});

it("a large result is fetched from where it is", async () => {
  const { client, asked } = clientOf(
    task({ result: null, result_url: "/api/tasks/1/result/" }),
    Response.json([1, 2]),
  );
  expect(await client.result("1")).toEqual([1, 2]);
  expect(asked[1]?.url).toBe("http://lovage/api/tasks/1/result");
});

it("a longer wait is several requests", async () => {
  const waiting = () => task({ state: "STARTED", finished_at: null });
  const { client, asked } = clientOf(waiting(), waiting(), task({ result: 7 }));
  expect(await client.result("1", { timeout: 120 })).toBe(7);
  expect(asked.map(({ url }) => new URL(url).search)).toEqual(["?wait=50", "?wait=50", "?wait=20"]);
});

it("a task that has not ended in time goes on", async () => {
  const { client } = clientOf(task({ state: "STARTED", finished_at: null }));
  await expect(client.result("1", { timeout: 1 })).rejects.toMatchObject({
    name: "ResultTimeoutError",
    taskId: "1",
    state: "STARTED",
  });
});

it("a task that failed throws what it failed with", async () => {
  const error = { exc_type: "ValueError", exc_message: "boom" };
  const { client } = clientOf(task({ state: "FAILURE", error }));
  await expect(client.result("1")).rejects.toMatchObject({
    name: "TaskFailedError",
    message: "ValueError: boom",
    error,
  });
});

it("a refusal says its code and the fields that don't fit", async () => {
  const errors = [{ field: "kwargs.data", message: "…" }];
  const problem = { status: 422, code: "invalid_request", detail: "It doesn't fit.", errors };
  const { client } = clientOf(Response.json(problem, { status: 422 }));
  await expect(client.delay("process_data", { data: "x" })).rejects.toMatchObject({
    name: "ProblemError",
    status: 422,
    code: "invalid_request",
    errors,
  });
});

it("events are read however the stream cuts them; what is no list is passed over", async () => {
  const text =
    ': keep-alive\n\nevent: tasks\ndata: {"events":[],"missed":2}\n\nevent: other\ndata: 1\n\n';
  const bytes = new TextEncoder().encode(text);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const { client, asked } = clientOf(new Response(stream));
  const lists = [];
  for await (const list of client.events({ task: "send_*" })) lists.push(list);
  expect(lists).toEqual([{ events: [], missed: 2 }]);
  expect(asked[0]?.url).toBe("http://lovage/api/events?task=send_*");
});

it("a watch that is called off ends, also where its request has forgotten the signal", async () => {
  const aborted = new AbortController();
  const { client } = clientOf(new Response(new ReadableStream()));
  const watch = client.events({ signal: aborted.signal }).next();
  const reason = new Error("enough");
  setImmediate(() => {
    aborted.abort(reason);
  });
  await expect(watch).rejects.toBe(reason);
});
