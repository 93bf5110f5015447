import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { LovageBinding } from "../../src/delivery/rpc/binding.ts";
import type { shopTasks } from "../../src/domain/index.ts";
import { ended, get, post } from "./api.ts";

/** A letter of two bytes whose capital has six: the result is three times the argument. */
const LETTER = "\u0390";

async function submit(data: string, over: Record<string, unknown> = {}): Promise<string> {
  const call = { name: "process_data", kwargs: { data }, ...over };
  const answer = await post("/api/tasks/", call);
  expect(answer.status).toBe(202);
  return (await answer.json<{ task_id: string }>()).task_id;
}

it("a large result is kept in R2, out of the answers, and fetched on demand", async () => {
  const data = LETTER.repeat(100_000);
  const id = await submit(data);
  const url = `/api/tasks/${id}/result/`;
  expect(await ended(id)).toMatchObject({
    state: "SUCCESS",
    result: null,
    result_size: 600_021,
    result_url: url,
  });
  expect(await (await get(`/api/tasks/status/${id}/`)).json()).toEqual({
    task_id: id,
    status: "SUCCESS",
    result: null,
    result_size: 600_021,
    result_url: url,
  });
  const answer = await get(url);
  expect(answer.headers.get("Content-Type")).toBe("application/json");
  expect(await answer.json()).toEqual({ processed_data: data.toUpperCase() });
  const { objects } = await env.RESULTS.list({ prefix: `results/${id}/` });
  expect(objects).toHaveLength(1);
  const { LovageService } = exports as unknown as {
    LovageService: (options: { props: object }) => LovageBinding<typeof shopTasks>;
  };
  const lovage = LovageService({ props: { owner: "anonymous" } });
  expect(await lovage.result<"process_data">(id)).toEqual({ processed_data: data.toUpperCase() });
});

it("a result that fits a row is at the same address; without one there is nothing", async () => {
  const id = await submit("x");
  await ended(id);
  expect(await (await get(`/api/tasks/${id}/result/`)).json()).toEqual({ processed_data: "X" });
  const ignored = await submit("x", { ignore_result: true });
  expect(await ended(ignored)).toMatchObject({ state: "SUCCESS", result: null });
  expect((await get(`/api/tasks/${ignored}/result/`)).status).toBe(404);
});

it("a result that has expired is not shown any more, and says so", async () => {
  const id = await submit("x", { result_expires: 0 });
  expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: null, result_expired: true });
  const answer = await get(`/api/tasks/${id}/result/`);
  expect(answer.status).toBe(410);
  expect(await answer.json()).toMatchObject({ code: "result_expired" });
  const kept = await submit("x", { result_expires: 3_600 });
  expect(await ended(kept)).toMatchObject({ result: { processed_data: "X" } });
});
