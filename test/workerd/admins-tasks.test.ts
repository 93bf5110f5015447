import { exports } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { RpcProps } from "../../src/delivery/rpc/calls.ts";
import { keyFor, request } from "./credentials.ts";
import { account, OURS, post, postJson, signIn } from "./visitors.ts";

/*
 * What only admins call, and what nobody does, is called by an operator through no door, in whatever it is wrapped.
 */

let operator = "";
let admin = "";
let key = "";

beforeAll(async () => {
  await account("otto", "operator");
  await account("anna", "admin");
  operator = await signIn("otto");
  admin = await signIn("anna");
  key = await keyFor("operations", ["control", "tasks:write"]);
}, 60_000);

const CALLBACK = { url: "https://evil.example", task_id: "x" };
const DATA = { task: "process_data", kwargs: { data: "x" } };

/** Calls that are refused to operators: a task's name and its arguments. */
const CALLS: readonly (readonly [name: string, kwargs: Record<string, unknown>])[] = [
  ["backup_database", {}],
  ["restore_database", { backup_id: "x" }],
  ["deliver_callback", CALLBACK],
  ["celery.map", { task: { task: "backup_database" }, it: [{}] }],
  ["celery.starmap", { task: { task: "deliver_callback" }, it: [{}] }],
  ["celery.chain", { tasks: [DATA, { task: "backup_database", kwargs: {} }] }],
  ["celery.chord", { header: [DATA], body: { task: "restore_database" } }],
  [
    "celery.group",
    { tasks: [{ task: "celery.group", kwargs: { tasks: [{ task: "backup_database" }] } }] },
  ],
];

const timing = { interval: { every: 1, period: "hours" }, enabled: false };

it.each(CALLS)("%s %j is called by operators through no door of the API", async (name, kwargs) => {
  const call = { name, kwargs };
  const doors: [string, unknown][] = [
    ["/api/tasks/", call],
    ["/api/tasks/bulk/", { tasks: [{ name: "process_data", kwargs: { data: "x" } }, call] }],
    ["/api/canvas/", { task: name, kwargs }],
    ["/api/canvas/", { chain: [DATA, { task: name, kwargs }] }],
    ["/api/schedules/", { name: "mine", task: name, kwargs, ...timing }],
    [`/api/task/apply/${name}`, { kwargs }],
    [`/api/task/async-apply/${name}`, { kwargs }],
    [`/api/task/send-task/${name}`, { kwargs }],
    ["/api/task/send-task/process_data", { kwargs: { data: "x" }, link: [{ task: name, kwargs }] }],
    ["/api/task/apply/process_data", { args: ["x"], link_error: [{ task: name, kwargs }] }],
  ];
  for (const [path, body] of doors) {
    const { status } = await postJson(path, body, { Cookie: operator });
    // Flower's door knows no canvas by its name.
    expect([path, status]).toEqual([path, path.includes(`/celery.`) ? 404 : 403]);
  }
});

it.each(CALLS)("%s %j is called by operators through no form", async (name, kwargs) => {
  const headers = { Cookie: operator, ...OURS };
  const json = JSON.stringify(kwargs);
  const forms: [string, Record<string, string>][] = [
    [
      `/dashboard/definitions/${name}`,
      { "p/backup_id": "x", "p/task_id": "x", "p/url": "https://evil.example" },
    ],
    [
      "/dashboard/new-schedule",
      {
        name: "mine",
        task: name,
        args_as: "json",
        kwargs: json,
        kind: "interval",
        every: "1",
        period: "hours",
      },
    ],
  ];
  for (const [path, fields] of forms) {
    const answer = await post(path, fields, headers);
    expect([path, answer.status]).not.toEqual([path, 303]);
    expect(answer.status).toBeLessThan(500);
  }
  const schedule = await request("/api/schedules/mine/", key);
  expect(schedule.status).toBe(404);
});

it.each(CALLS)("%s %j is called by other Workers through no binding", async (name, kwargs) => {
  const { LovageService } = exports as unknown as {
    LovageService: (options: { props: RpcProps }) => {
      applyAsync(name: string, params: unknown, options: unknown): Promise<string>;
    };
  };
  const binding = LovageService({ props: { scopes: ["tasks:read", "tasks:write", "control"] } });
  const linked = { link: [{ task: name, kwargs }] };
  const codes = [
    await codeOf(() => binding.applyAsync(name, kwargs, {})),
    await codeOf(() => binding.applyAsync("process_data", { data: "x" }, linked)),
  ];
  expect(codes).toEqual(["forbidden", "forbidden"]);
});

/** The code of the error that a call ends with. */
async function codeOf(call: () => Promise<string>): Promise<string | undefined> {
  try {
    return await call();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

it("an admin calls no task that only the deployment calls, through any door", async () => {
  const [name, kwargs] = ["deliver_callback", CALLBACK];
  const headers = { Cookie: admin };
  const doors: [string, unknown][] = [
    ["/api/tasks/", { name, kwargs }],
    [`/api/task/apply/${name}`, { kwargs }],
    ["/api/canvas/", { group: [{ task: name, kwargs }] }],
    ["/api/schedules/", { name: "mine", task: name, kwargs, ...timing }],
  ];
  for (const [path, body] of doors) {
    expect([path, (await postJson(path, body, headers)).status]).toEqual([path, 403]);
  }
});
