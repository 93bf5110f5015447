import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner } from "#engine";
import { deliverCallback } from "#domain/callbacks";
import { Deployment } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

interface Services {
  readonly world: World;
  /** Posts to the host that hangs: under way, and the most at once. */
  readonly hanging: { now: number; most: number };
}

/** Limited as deliveries are; one host hangs until its time is up. */
const tell = createTaskDefiner<Services>()({
  name: "tell",
  params: z.object({ host: z.string() }),
  key: { of: ({ host }) => host, concurrency: deliverCallback.limits?.perKey.concurrency ?? null },
  handler: async ({ host }, { services: { world, hanging } }) => {
    if (host !== "hanging") return world.sleep(50);
    hanging.now += 1;
    hanging.most = Math.max(hanging.most, hanging.now);
    await world.sleep(10_000);
    hanging.now -= 1;
  },
});

it("a receiver that hangs has two deliveries at a time, and those to others begin at once", async () => {
  const hanging = { now: 0, most: 0 };
  const deployment = new Deployment([tell], { services: (world) => ({ world, hanging }) });
  const to = (host: string) => ({ key: host, kwargs: JSON.stringify({ host }) });
  await deployment.submit(100, "tell", () => to("hanging"));
  await deployment.pass(5_000);
  const begin = deployment.world.now();
  const others = new Set(await deployment.submit(80, "tell", (n) => to(`host ${n % 8}`)));
  await deployment.pass(5_000);
  const starts = deployment.starts.filter(({ id }) => others.has(id));
  expect(starts).toHaveLength(80);
  expect(Math.max(...starts.map(({ at }) => at)) - begin).toBeLessThan(2_500);
  expect(hanging.most).toBe(2);
});
