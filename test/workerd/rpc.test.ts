import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { LovageBinding } from "../../src/delivery/rpc/binding.ts";
import type { RpcProps } from "../../src/delivery/rpc/calls.ts";
import type { shopTasks } from "../../src/domain/index.ts";
import { get } from "./api.ts";

type Binding = LovageBinding<typeof shopTasks>;

/** The service binding as another Worker has it, with these props. */
function binding(props: RpcProps = {}): Binding {
  const { LovageService } = exports as unknown as {
    LovageService: (options: { props: RpcProps }) => Binding;
  };
  return LovageService({ props });
}

/** The code of the error that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return { ...(error as { code?: string; field?: string }), name: (error as Error).name };
  }
  throw new Error("It did not fail.");
}

it("another Worker calls a task, waits for its result, and reads its state", async () => {
  const lovage = binding();
  const id = await lovage.delay("process_data", { data: "hello" });
  expect(await lovage.result<"process_data">(id, { timeoutSeconds: 20 })).toEqual({
    processed_data: "HELLO",
  });
  expect(await lovage.status(id)).toEqual({
    task_id: id,
    trace_id: id.replaceAll("-", ""),
    state: "SUCCESS",
    retries: 0,
    error: null,
  });
  // It belongs to the service, and the API's admin sees it.
  expect(await (await get(`/api/tasks/${id}/`)).json()).toMatchObject({ state: "SUCCESS" });
});

it("options hold, and an idempotency key makes a repeated call one task", async () => {
  const lovage = binding();
  const options = { countdown: 3_600, idempotency_key: "order-1" };
  const id = await lovage.applyAsync("process_data", { data: "later" }, options);
  expect(await lovage.applyAsync("process_data", { data: "later" }, options)).toBe(id);
  expect(await codeOf(lovage.applyAsync("process_data", { data: "other" }, options))).toMatchObject(
    { code: "idempotency_key_reused", field: "idempotency_key" },
  );
  expect(await codeOf(lovage.result(id))).toMatchObject({ code: "not_ready" });
  expect(await lovage.revoke(id)).toMatchObject({ state: "REVOKED" });
  expect(await codeOf(lovage.result(id))).toMatchObject({ code: "task_failed" });
});

it("a unique call answers with the task that is there", async () => {
  const lovage = binding();
  const options = { countdown: 3_600, unique: { key: "daily" } };
  const id = await lovage.applyAsync("process_data", { data: "x" }, options);
  expect(await lovage.applyAsync("process_data", { data: "y" }, options)).toBe(id);
});

it("errors say what is wrong and where", async () => {
  const lovage = binding();
  const wrong = lovage as unknown as {
    delay(name: string, params: unknown): Promise<string>;
    applyAsync(name: string, params: unknown, options: unknown): Promise<string>;
  };
  expect(await codeOf(wrong.delay("nobody", {}))).toMatchObject({ code: "unknown_task" });
  expect(await codeOf(wrong.delay("process_data", { data: 1 }))).toMatchObject({
    code: "invalid_arguments",
    field: "data",
  });
  expect(
    await codeOf(wrong.applyAsync("process_data", { data: "x" }, { soon: true })),
  ).toMatchObject({ code: "invalid_request", field: "options" });
  const member = { task: "process_data", kwargs: { data: "x" }, options: { eta: "soon" } };
  expect(await codeOf(wrong.delay("celery.chain", { tasks: [member] }))).toMatchObject({
    ...{ name: "LovageError", code: "invalid_request" },
    field: expect.stringMatching(/tasks\.0\..*eta$/) as string,
  });
  for (const key of ["", "x".repeat(256), "snow\u2603", 5]) {
    expect(
      await codeOf(wrong.applyAsync("process_data", { data: "x" }, { idempotency_key: key })),
    ).toMatchObject({ code: "invalid_request", field: "idempotency_key" });
  }
  expect(
    await codeOf(wrong.applyAsync("process_data", { data: "x" }, { queue: "nope" })),
  ).toMatchObject({ code: "invalid_option", field: "queue" });
  expect(await codeOf(lovage.status("nonsense"))).toMatchObject({ code: "not_found" });
});

it("a binding sees its own tasks only, and does what its scopes allow", async () => {
  const id = await binding({ owner: "a" }).delay("process_data", { data: "x" });
  expect(await codeOf(binding({ owner: "b" }).status(id))).toMatchObject({ code: "not_found" });
  const reader = binding({ owner: "a", scopes: ["tasks:read"] });
  expect(await reader.status(id)).toMatchObject({ task_id: id });
  expect(await codeOf(reader.delay("process_data", { data: "x" }))).toMatchObject({
    code: "forbidden",
  });
  expect(await codeOf(binding({ owner: "a" }).revoke(id, { terminate: true }))).toMatchObject({
    code: "forbidden",
  });
});

it("what tells of ends of tasks is called by nobody, whatever the scopes", async () => {
  const lovage = binding({ scopes: ["admin"] });
  const call = lovage.delay("deliver_callback", {
    task_id: "x",
    url: "https://hooks.example.com/",
  });
  expect(await codeOf(call)).toMatchObject({ code: "forbidden" });
  const told = { callback_url: "https://hooks.example.com/" };
  expect(await codeOf(lovage.applyAsync("process_data", { data: "x" }, told))).toMatchObject({
    code: "invalid_option",
    field: "callbackUrl",
  });
});

it("names, params and results are checked by the compiler", () => {
  const calls = async (lovage: Binding) => {
    // @ts-expect-error -- there is no such task
    await lovage.delay("nobody", {});
    // @ts-expect-error -- a number is no text
    await lovage.delay("process_data", { data: 1 });
    // @ts-expect-error -- data is missing
    await lovage.delay("process_data", {});
    const { processed_data: text } = await lovage.result<"process_data">("id");
    // @ts-expect-error -- the result is a text
    const amount: number = text;
    return amount;
  };
  expect(calls).toBeTypeOf("function");
});
