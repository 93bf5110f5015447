import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { readCallbackUrl } from "#domain/callbacks";
import { post } from "./api.ts";

const URL_ = "https://hooks.example.com/";
const work = { name: "process_data", kwargs: { data: "x" } };
const tell = { name: "deliver_callback", kwargs: { task_id: "x", url: URL_ } };

async function refusal(path: string, body: unknown) {
  const answer = await post(path, body);
  const { code, errors = [] } = await answer.json<{
    code: string;
    errors?: { field: string; message: string }[];
  }>();
  return { status: answer.status, code, errors };
}

it("a deployment without CALLBACK_HOSTS refuses callbacks, and stores nothing", async () => {
  const message = "callbacks are not configured.";
  const refused = (field: string) => ({
    status: 422,
    code: "invalid_request",
    errors: [{ field, message }],
  });
  const told = { ...work, callback_url: URL_ };
  expect(await refusal("/api/tasks/", told)).toEqual(refused("callback_url"));
  expect(await refusal("/api/tasks/bulk/", { tasks: [work, told] })).toEqual(
    refused("tasks.1.callback_url"),
  );
  const canvas = { chain: [work], callback_url: URL_ };
  expect(await refusal("/api/canvas/", canvas)).toEqual(refused("callback_url"));
  const { results } = await env.DB.prepare("SELECT id FROM tasks").all();
  expect(results).toEqual([]);
});

it("a URL that is no text is refused, and so is one of a schedule", async () => {
  expect(await refusal("/api/tasks/", { ...work, callback_url: 5 })).toMatchObject({
    status: 422,
    errors: [{ field: "callback_url" }],
  });
  const schedule = {
    ...{ name: "s", task: "process_data", kwargs: { data: "x" }, callback_url: URL_ },
    interval: { every: 60, period: "seconds" },
  };
  expect(await refusal("/api/schedules/", schedule)).toMatchObject({
    status: 422,
    errors: [{ field: "callback_url" }],
  });
});

it.each([
  ["/api/tasks/", tell],
  ["/api/tasks/", { ...work, link: [{ ...tell, kwargs: { url: URL_ } }] }],
  ["/api/tasks/", { ...work, link_error: [{ ...tell, immutable: true }] }],
  ["/api/tasks/bulk/", { tasks: [work, tell] }],
  ["/api/canvas/", { chain: [work, { ...tell, immutable: true }] }],
  ["/api/canvas/", { chord: { header: [work], body: { ...tell, immutable: true } } }],
  ["/api/canvas/", { chord: { header: [tell], body: work } }],
  ["/api/canvas/", { map: { task: { name: "deliver_callback" }, items: ["x"] } }],
  ["/api/canvas/", { chunks: { task: { name: "deliver_callback" }, items: [["x"]], size: 1 } }],
  ["/api/canvas/", { chain: [{ ...work, undo: { name: "deliver_callback", kwargs: {} } }] }],
  ["/api/canvas/", { task: "deliver_callback", kwargs: tell.kwargs }],
  ["/api/tasks/", { name: "celery.map", kwargs: { task: { task: "deliver_callback" }, it: [] } }],
  ["/api/tasks/", { name: "celery.map", args: [{ task: "deliver_callback" }, [URL_]] }],
  ["/api/tasks/", { name: "celery.starmap", args: [{ task: "deliver_callback" }, [["x", URL_]]] }],
  ["/api/tasks/", { name: "celery.chain", kwargs: { tasks: [{ task: "deliver_callback" }] } }],
  [
    "/api/tasks/",
    { ...work, link: [{ name: "celery.map", args: [{ task: "deliver_callback" }, [URL_]] }] },
  ],
  [
    "/api/canvas/",
    { chain: [{ name: "celery.map", args: [{ task: "deliver_callback" }, [URL_]] }] },
  ],
  [
    "/api/schedules/",
    {
      ...{ name: "s", task: "deliver_callback", kwargs: tell.kwargs },
      interval: { every: 60, period: "seconds" },
    },
  ],
])("what tells of ends can't be called over %s: %j", async (path, body) => {
  expect(await refusal(path, body)).toEqual({ status: 403, code: "forbidden", errors: [] });
});

it.each([
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://0177.0.0.1/",
  "https://１２７。0。0。1/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://localhost/",
  "https://a.internal/",
  "https://hooks.example.com./",
  "https://user@hooks.example.com/",
  "https://hooks.example.com\\@evil.example/",
  "https://hooks.example.com:8443/",
  "https://hooks\u00ad.example.com/",
  "https://hooks.example.com.evil.example/",
])("this runtime reads %j as what it is, and refuses it", (url) => {
  const rules = {
    hosts: ["hooks.example.com", "127.0.0.1", "localhost", "*.internal"],
    isLocalAllowed: false,
    publicUrl: "https://shop.example.com",
  };
  expect(() => readCallbackUrl(url, rules)).toThrow(/^callbackUrl: must /);
  expect(readCallbackUrl("https://hooks。example．com/a", rules).href).toBe(`${URL_}a`);
});
