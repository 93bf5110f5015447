import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ended, get, order, post } from "./api.ts";
import { emptyTables } from "./domain/shop.ts";

interface Backup {
  readonly backup_id: string;
  readonly finished: boolean;
}

async function backUp(): Promise<string> {
  const answer = await post("/api/backups/", {});
  expect(answer.status).toBe(202);
  const { task_id: taskId } = await answer.json<{ task_id: string }>();
  const task = await ended(taskId);
  expect(task).toMatchObject({ state: "SUCCESS", result: { encrypted: false } });
  return (task.result as { backup_id: string }).backup_id;
}

it("a backup is made, listed, looked at, and restored into an empty shop", async () => {
  const { data } = await order("kept");
  await ended(data.tasks.process_payment);
  await ended(data.tasks.send_order_confirmation_email);
  const id = await backUp();
  const { backups } = await (await get("/api/backups/")).json<{ backups: Backup[] }>();
  expect(backups).toMatchObject([{ backup_id: id, finished: true, encrypted: false }]);
  const manifest = await (await get(`/api/backups/${id}/`)).text();
  expect(JSON.parse(manifest)).toMatchObject({
    backup_id: id,
    migrations: env.TEST_MIGRATIONS.map(({ name }) => name),
    tables: expect.arrayContaining([expect.objectContaining({ name: "orders", rows: 1 })]),
  });
  const refused = await post(`/api/backups/${id}/restore/`, {});
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    code: "not_empty",
    detail: expect.stringContaining("orders"),
  });
  await emptyTables();
  const answer = await post(`/api/backups/${id}/restore/`, {});
  const { task_id: taskId } = await answer.json<{ task_id: string }>();
  expect(await ended(taskId)).toMatchObject({ state: "SUCCESS", result: { matches: true } });
  const restored = await get("/api/orders/kept/");
  expect(await restored.json()).toMatchObject({ state: "paid", totalAmount: 150 });
});

it("a restore that is called again while it goes on is the same, and that of another backup is refused", async () => {
  const consume = (command: string) => post(`/api/control/${command}/`, { queue: "default" });
  const [first, second] = [await backUp(), await backUp()];
  await emptyTables();
  await consume("cancel_consumer");
  const call = async (id: string) => {
    const answer = await post(`/api/backups/${id}/restore/`, {});
    return { status: answer.status, ...(await answer.json<{ task_id: string }>()) };
  };
  const restoring = await call(first);
  expect(restoring.status).toBe(202);
  const refusal = { status: 409, code: "restoring" };
  expect(await call(second)).toMatchObject(refusal);
  // As if it had written something.
  const sql = "INSERT INTO products VALUES ('A1', 'Lamp', 1, 'EUR', NULL, 0)";
  await env.DB.prepare(sql).run();
  expect(await call(first)).toEqual(restoring);
  expect(await call(second)).toMatchObject(refusal);
  await emptyTables();
  await consume("add_consumer");
  expect(await ended(restoring.task_id)).toMatchObject({ state: "SUCCESS" });
});

it("a backup that is damaged or unfinished is listed as none, and refused", async () => {
  await emptyTables();
  const id = await backUp();
  await env.FILES.put(`backups/${id}/manifest.json`, '{"format":1}');
  const { backups } = await (await get("/api/backups/?limit=1")).json<{ backups: Backup[] }>();
  expect(backups).toMatchObject([{ backup_id: id, finished: false }]);
  expect((await get(`/api/backups/${id}/`)).status).toBe(404);
  const refused = await post(`/api/backups/${id}/restore/`, {});
  expect(await refused.json()).toMatchObject({ status: 409, code: "damaged" });
  await env.FILES.delete(`backups/${id}/manifest.json`);
  expect((await post(`/api/backups/${id}/restore/`, {})).status).toBe(404);
});

it.each(["x", "20261121T040000000Z-00000000", "%2e%2e", "%00"])(
  "there is no backup %j",
  async (id) => {
    expect((await get(`/api/backups/${id}/`)).status).toBe(404);
    expect((await post(`/api/backups/${id}/restore/`, {})).status).toBe(404);
  },
);

it("requests with what nobody asked for are refused", async () => {
  expect((await post("/api/backups/", { tables: ["users"] })).status).toBe(422);
  expect(
    (await post("/api/backups/20261121T040000000Z-00000000/restore/", { force: true })).status,
  ).toBe(422);
  expect((await get("/api/backups/?limit=0")).status).toBe(422);
  expect((await get("/api/backups/?all=1")).status).toBe(422);
});
