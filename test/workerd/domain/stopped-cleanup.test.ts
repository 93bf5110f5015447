import { expect, it } from "vitest";
import { SoftTimeLimitExceeded, TaskRevokedError, type TaskContext } from "#engine";
import { shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { createShop } from "./shop.ts";

function cleanUp(reason: Error) {
  const { services, lovage } = createShop();
  const signal = AbortSignal.abort(reason);
  const ctx = { taskId: "task", services, lovage, signal } as TaskContext<ShopServices>;
  const handler = shopTasks.find(({ name }) => name === "cleanup_old_logs")?.handler as (
    params: unknown,
    ctx: TaskContext<ShopServices>,
  ) => Promise<unknown>;
  return handler({}, ctx);
}

it("cleanup_old_logs goes on in another task when its time is up, and not when it was terminated", async () => {
  const late = await cleanUp(new SoftTimeLimitExceeded(600));
  expect(late).toMatchObject({ finished: false, continued_by: expect.any(String) });
  const reason = new TaskRevokedError("terminated");
  await expect(cleanUp(reason)).rejects.toBe(reason);
});
