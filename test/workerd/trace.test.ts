import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { LovageBinding } from "../../src/delivery/rpc/binding.ts";
import type { shopTasks } from "../../src/domain/index.ts";
import { ended, get, order, post } from "./api.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const HEADERS = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };

async function traceOf(taskId: string): Promise<string> {
  const answer = await get(`/api/tasks/${taskId}/`);
  return (await answer.json<{ trace_id: string }>()).trace_id;
}

it("a task belongs to the trace of its request, and the answer names it", async () => {
  const answer = await post(
    "/api/tasks/",
    { name: "process_data", kwargs: { data: "x" } },
    HEADERS,
  );
  expect(answer.headers.get("X-Trace-Id")).toBe(TRACE);
  const { task_id: id } = await answer.json<{ task_id: string }>();
  const task = (await ended(id)) as unknown as { trace_id: string; options: unknown };
  expect(task).toMatchObject({ state: "SUCCESS", trace_id: TRACE });
  expect(task.options).not.toHaveProperty("trace");
});

it("requests without a trace begin one each, also where the header makes no sense", async () => {
  const traces = await Promise.all(
    [{}, {}, { traceparent: "00-nonsense" }].map(async (headers: Record<string, string>) => {
      const answer = await post(
        "/api/tasks/",
        { name: "process_data", kwargs: { data: "x" } },
        headers,
      );
      return answer.headers.get("X-Trace-Id");
    }),
  );
  for (const trace of traces) expect(trace).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(traces).size).toBe(3);
});

it("a problem names its trace too", async () => {
  const answer = await exports.default.fetch("http://lovage/api/nowhere/", { headers: HEADERS });
  expect([answer.status, answer.headers.get("X-Trace-Id")]).toEqual([404, TRACE]);
});

it("requests at the same time keep their traces apart", async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const trace = n.toString(16).padStart(32, "a");
      const answer = await post(
        "/api/tasks/",
        { name: "process_data", kwargs: { data: String(n) } },
        { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
      );
      return [(await answer.json<{ task_id: string }>()).task_id, trace] as const;
    }),
  );
  for (const [id, trace] of ids) expect(await traceOf(id)).toBe(trace);
});

it("the tasks of an order, which go through the outbox, belong to its request's trace", async () => {
  const { data } = await order("trace-1");
  const [mail, payment] = await Promise.all(Object.values(data.tasks).map(traceOf));
  expect(mail).toMatch(/^[0-9a-f]{32}$/);
  expect(payment).toBe(mail);
});

it("the same call again under its key is the same task, whatever trace it comes in", async () => {
  const call = { name: "process_data", kwargs: { data: "again" } };
  const send = (trace: string) =>
    post("/api/tasks/", call, {
      "Idempotency-Key": "trace-key",
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    });
  const first = await (await send(TRACE)).json<{ task_id: string }>();
  const second = await (await send("b".repeat(32))).json<{ task_id: string }>();
  expect(second.task_id).toBe(first.task_id);
  expect(await traceOf(first.task_id)).toBe(TRACE);
});

it("another Worker's call belongs to the trace that it names", async () => {
  const { LovageService } = exports as unknown as {
    LovageService: (options: { props: object }) => LovageBinding<typeof shopTasks>;
  };
  const service = LovageService({ props: {} });
  const id = await service.applyAsync("process_data", { data: "x" }, HEADERS);
  expect(await service.status(id)).toMatchObject({ trace_id: TRACE });
  const alone = await service.delay("process_data", { data: "x" });
  expect(await service.status(alone)).toMatchObject({ trace_id: alone.replaceAll("-", "") });
});
