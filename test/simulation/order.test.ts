import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner } from "#engine";
import { Rig } from "../unit/ledger/rig.ts";
import { Deployment, NO_DEPLOYMENT_FAULTS } from "./deployment.ts";
import type { World } from "../../src/testing/world.ts";

interface Services {
  readonly world: World;
}

const defineTask = createTaskDefiner<Services>();
const work = defineTask({
  name: "work",
  params: z.object({}),
  handler: (_params, ctx) => ctx.services.world.sleep(5),
});

it("priorities hold under a backlog of 10,000: higher first, then due, then submitted", async () => {
  const rig = new Rig();
  const ranks: [priority: number, dueAt: number, n: number][] = [];
  const rankOf = new Map<string, number>();
  for (let n = 0; n < 10_000; n += 1) {
    const priority = rig.world.between(0, 9);
    // Some are due at once, some later, some were due before: all are by the time of the claims.
    const dueAt = n % 3 === 0 ? rig.now + rig.world.between(1, 1_000) : null;
    const spec = rig.spec({ priority, dueAt });
    await rig.ledger.submit([spec]);
    rankOf.set(spec.id, n);
    ranks.push([priority, dueAt ?? rig.now, n]);
    if (n % 100 === 0) await rig.pass(1);
  }
  await rig.pass(1_000);
  const claimed: string[] = [];
  for (;;) {
    const { tasks } = rig.claim(200, { isIdle: false });
    if (tasks.length === 0) break;
    claimed.push(...tasks.map(({ id }) => id));
  }
  const order = claimed.map((id) => ranks[rankOf.get(id) ?? -1] ?? [0, 0, 0]);
  const expected = ranks.toSorted(([p, d], [q, e]) => q - p || d - e);
  expect(order.map(([priority, dueAt]) => [priority, dueAt])).toEqual(
    expected.map(([priority, dueAt]) => [priority, dueAt]),
  );
});

it("keys share a queue: one with ten tasks does not wait for one with a thousand", async () => {
  const deployment = new Deployment([work], { shards: 1, services: (world) => ({ world }) });
  // Nobody comes before all are there.
  deployment.faults = { ...NO_DEPLOYMENT_FAULTS, bellLost: 1 };
  const big = await deployment.submit(1_000, "work", () => ({ key: "big" }));
  const small = await deployment.submit(10, "work", () => ({ key: "small" }));
  const none = await deployment.submit(10, "work");
  deployment.faults = NO_DEPLOYMENT_FAULTS;
  await deployment.pass(60_000);
  const order = deployment.starts.map(({ id }) => id);
  expect(order).toHaveLength(1_020);
  const last = (ids: readonly string[]) => Math.max(...ids.map((id) => order.indexOf(id)));
  expect(last(small)).toBeLessThan(40);
  expect(last(none)).toBeLessThan(40);
  // Among those of a key the order is that of submission.
  const ofBig = order.filter((id) => big.includes(id));
  expect(ofBig).toEqual(big);
});

it("keys take turns one by one, also over claims of one", async () => {
  const rig = new Rig();
  const keyOf = new Map<string, string>();
  for (const key of ["a", "a", "a", "a", "b", "b", "c"]) {
    const spec = rig.spec({ key });
    keyOf.set(spec.id, key);
    await rig.pass(1);
    await rig.ledger.submit([spec]);
  }
  const turns: (string | undefined)[] = [];
  for (let n = 0; n < 7; n += 1) {
    const [task] = rig.claim(1, { isIdle: false }).tasks;
    turns.push(keyOf.get(task?.id ?? ""));
  }
  expect(turns).toEqual(["a", "b", "c", "a", "b", "a", "a"]);
});

it("a higher priority goes before every turn", async () => {
  const rig = new Rig();
  await rig.ledger.submit([rig.spec({ key: "a" }), rig.spec({ key: "b" })]);
  const urgent = rig.spec({ key: "a", priority: 5 });
  await rig.ledger.submit([urgent]);
  expect(rig.claim(1).tasks.map(({ id }) => id)).toEqual([urgent.id]);
});
