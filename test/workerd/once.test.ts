import { env } from "cloudflare:workers";
import { and, eq, inArray, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { beforeEach, expect, it } from "vitest";
import * as z from "zod";
import {
  createTaskDefiner,
  effectKey,
  Registry,
  type EffectContext,
  type StepRecord,
  type TaskContext,
} from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import { drain } from "#platform/consumer/drain.ts";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import { systemRandom, systemTimers } from "#platform/system.ts";
import { ended, post, type TaskAnswer } from "./api.ts";
import { read, spec, withLedger, type World } from "./ledger.ts";
import { noInput, NO_LARGE_RESULTS } from "../no-large.ts";

const LEASE_MS = 30_000;

/** A row that a task has, and that remembers under which lease it was written. */
const parcels = sqliteTable("once_parcels", {
  id: text().primaryKey(),
  taskId: text("task_id").notNull(),
  state: text({ enum: ["packed", "shipped"] }).notNull(),
  label: text(),
  fence: integer().notNull(),
});

interface Services {
  /** What was asked of the world outside. */
  readonly asked: { readonly key: string; readonly isRepeat: boolean }[];
  readonly before: () => Promise<void>;
  readonly after: () => Promise<void>;
}

const db = drizzle(env.DB);
const define = createTaskDefiner<Services>();

beforeEach(async () => {
  await env.DB.batch([
    env.DB.prepare("DROP TABLE IF EXISTS once_parcels"),
    env.DB.prepare(
      "CREATE TABLE once_parcels (id TEXT PRIMARY KEY, task_id TEXT, state TEXT, label TEXT, fence INTEGER)",
    ),
  ]);
});

async function effect(ctx: TaskContext<Services>, given: EffectContext): Promise<string> {
  const { asked, before, after } = ctx.services;
  await before();
  asked.push({ key: given.idempotencyKey, isRepeat: given.isRepeat });
  await after();
  return `label ${asked.length}`;
}

const ship = define({
  name: "ship",
  params: z.object({}),
  handler: (_params, ctx) => ctx.once("label", (given) => effect(ctx, given)),
});
const shipMany = define({
  name: "ship_many",
  params: z.object({}),
  batch: {
    size: 20,
    handler: (calls) =>
      Promise.allSettled(calls.map(({ ctx }) => ctx.once("label", (given) => effect(ctx, given)))),
  },
});
const write = define({
  name: "write",
  params: z.object({}),
  handler: (_params, ctx) =>
    ctx.once("write", async ({ fencingToken }) => {
      const label = `written under ${fencingToken}`;
      await ctx.services.before();
      const written = await db
        .update(parcels)
        .set({ state: "shipped", label, fence: fencingToken })
        .where(
          and(
            eq(parcels.id, "p"),
            eq(parcels.taskId, ctx.taskId),
            inArray(parcels.state, ["packed", "shipped"]),
            lte(parcels.fence, fencingToken),
          ),
        )
        .returning();
      await ctx.services.after();
      return written.length;
    }),
});

const nothing = async () => undefined;
const never = () => new Promise<never>(() => undefined);

/** A moment at which a consumer stays: `reached` when it is there. */
function pause(answer: Promise<void> = never()) {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  return {
    reached,
    stay: () => {
      resolve();
      return answer;
    },
  };
}

function door(ledger: TaskLedger): LedgerDoor {
  return {
    exchange: async (request) => ledger.exchange(request),
    heartbeat: async (held, reports) => ledger.heartbeat(held, reports),
    input: noInput,
    durable: async (id, token) => ledger.durable(id, token),
    recordSteps: async (entries) => ledger.recordSteps(entries),
    report: async (reports) => {
      ledger.report(reports);
    },
  };
}

function consume(world: World, ledger: LedgerDoor, asked: Services["asked"], over = {}) {
  return drain(
    {
      ledger,
      registry: new Registry<Services>([ship, shipMany, write]),
      supplies: {
        services: { asked, before: nothing, after: nothing, ...over },
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("These tasks call no others.");
        },
      },
      clock: { now: () => world.now },
      random: systemRandom,
      timers: systemTimers,
      log: () => undefined,
    },
    "default",
    0,
  );
}

/** The door of a consumer that dies over this call: before it gets through, or before its answer is back. */
function dyingAt(
  ledger: TaskLedger,
  state: StepRecord["state"],
  when: "before" | "after",
  dies: () => Promise<never>,
): LedgerDoor {
  return {
    ...door(ledger),
    recordSteps: async (entries) => {
      const isHere = entries.some(({ step }) => step.state === state);
      if (isHere && when === "before") return dies();
      const held = ledger.recordSteps(entries);
      return isHere ? dies() : held;
    },
  };
}

it.each([
  ["before its intent", "started", "before", [false]],
  ["after its intent", "started", "after", [true]],
  ["after the effect", "done", "before", [false, true]],
  ["after the record", "done", "after", [false]],
] as const)(
  "a consumer that dies %s is followed by one that knows",
  async (_, state, when, told) => {
    await withLedger(async ({ world, ledger, restart, shard }) => {
      const task = spec(shard, { name: "ship", kwargs: "{}" });
      await ledger.submit([task]);
      const asked: Services["asked"] = [];
      const { reached, stay } = pause();
      const dies = async () => {
        await stay();
        return never();
      };
      void consume(world, dyingAt(ledger, state, when, dies), asked);
      await reached;
      world.now += LEASE_MS + 1;
      const next = restart();
      await consume(world, door(next), asked);
      await world.settled();
      const key = effectKey(task.id, "label");
      expect(asked).toEqual(told.map((isRepeat) => ({ key, isRepeat })));
      expect(await read(next, task.id)).toMatchObject({
        state: "SUCCESS",
        result: `"label ${told.length}"`,
        attempts: [{ outcome: "lost" }, { outcome: "success" }],
        steps: [{ kind: "once", name: "label", state: "done" }],
      });
    });
  },
);

it("a batch of twenty that dies in the middle makes none of the effects that it recorded again", async () => {
  await withLedger(async ({ world, ledger, restart, shard }) => {
    const tasks = Array.from({ length: 20 }, () =>
      spec(shard, { name: "ship_many", kwargs: "{}" }),
    );
    await ledger.submit(tasks);
    const asked: Services["asked"] = [];
    const { reached, stay } = pause();
    let begun = 0;
    const before = async () => {
      begun += 1;
      if (begun > 10) await stay();
    };
    void consume(world, door(ledger), asked, { before });
    await reached;
    // What the ten that came through recorded is a turn behind.
    await new Promise((resolve) => setTimeout(resolve, 0));
    world.now += LEASE_MS + 1;
    const next = restart();
    while ((await consume(world, door(next), asked)) > 0);
    await world.settled();
    expect(asked).toHaveLength(20);
    expect(asked.filter(({ isRepeat }) => isRepeat)).toHaveLength(10);
    for (const { id } of tasks) expect(await read(next, id)).toMatchObject({ state: "SUCCESS" });
  });
});

it("the late write of an attempt that lost its lease matches no row, and records nothing", async () => {
  await withLedger(async ({ world, ledger, shard }) => {
    const task = spec(shard, { name: "write", kwargs: "{}" });
    await db
      .insert(parcels)
      .values({ id: "p", taskId: task.id, state: "packed", label: null, fence: 0 });
    await ledger.submit([task]);
    const go = Promise.withResolvers<void>();
    const { reached, stay } = pause(go.promise);
    const { reached: wrote, stay: written } = pause(Promise.resolve());
    const zombie = consume(world, door(ledger), [], { before: stay, after: written });
    await reached;
    world.now += LEASE_MS + 1;
    await consume(world, door(ledger), []);
    const [row] = await db.select().from(parcels);
    const settled = await read(ledger, task.id);
    expect(settled).toMatchObject({ state: "SUCCESS", result: "1" });
    go.resolve();
    await wrote;
    await zombie;
    expect(await db.select().from(parcels)).toEqual([row]);
    expect(row).toMatchObject({ state: "shipped", fence: 2 });
    expect(await read(ledger, task.id)).toEqual(settled);
  });
});

it("a deployed task's effect is recorded over the wire, and shown with the task", async () => {
  const call = { name: "send_daily_transaction_summary", kwargs: {} };
  const { task_id: id } = await (await post("/api/tasks/", call)).json<{ task_id: string }>();
  const { state, steps } = (await ended(id)) as TaskAnswer & { steps?: unknown };
  expect(state).toBe("SUCCESS");
  expect(steps).toMatchObject([{ kind: "once", name: "date", state: "done", tries: 1 }]);
});
