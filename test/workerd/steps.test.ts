import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, Registry } from "#engine";
import { drain } from "#platform/consumer/drain.ts";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import { systemRandom, systemTimers } from "#platform/system.ts";
import { ended, get, post } from "./api.ts";
import { read, spec, withLedger, type World } from "./ledger.ts";
import { NO_LARGE_RESULTS, noInput } from "../no-large.ts";

interface Services {
  readonly ran: string[];
}

const workflow = createTaskDefiner<Services>()({
  name: "workflow",
  params: z.object({}),
  handler: async (_params, ctx) => {
    const first = await ctx.step("first", () => {
      ctx.services.ran.push("first");
      return { n: 1 };
    });
    await ctx.sleep(3_600);
    const event = await ctx.waitForEvent("approved", { timeoutSeconds: 60 });
    return { first, event };
  },
});

/** A consumer that does what is due. */
function consume(world: World, ledger: TaskLedger, services: Services): Promise<number> {
  return drain(
    {
      ledger: {
        exchange: async (request) => ledger.exchange(request),
        heartbeat: async (held, reports) => ledger.heartbeat(held, reports),
        report: async (reports) => {
          ledger.report(reports);
        },
        input: noInput,
        durable: async (id, token) => ledger.durable(id, token),
        recordSteps: async (entries) => ledger.recordSteps(entries),
      },
      registry: new Registry([workflow]),
      supplies: {
        services,
        largeResults: NO_LARGE_RESULTS,
        lovageFor: () => {
          throw new Error("These tasks call no others.");
        },
        background: () => {
          throw new Error("Who sleeps has nothing to write down.");
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

it("steps, a sleep and an event over evictions, on a Durable Object's storage", async () => {
  await withLedger(async ({ world, ledger, restart, shard }) => {
    const services: Services = { ran: [] };
    const task = spec(shard, { name: "workflow", kwargs: "{}" });
    await ledger.submit([task]);
    await consume(world, ledger, services);
    expect(ledger.get(task.id)).toMatchObject({
      state: "SUSPENDED",
      steps: [
        { kind: "step", name: "first", state: "done" },
        { kind: "sleep", state: "waiting" },
      ],
    });
    expect(ledger.questions.whyWaiting(task.id)).toMatchObject({ reason: "sleep" });
    const second = restart();
    world.now += 3_599_000;
    expect(await consume(world, second, services)).toBe(0);
    world.now += 1_001;
    await consume(world, second, services);
    expect(second.questions.whyWaiting(task.id)).toMatchObject({
      reason: "event",
      name: "approved",
    });
    const third = restart();
    third.sendEvent(task.id, { name: "approved", payload: '"yes"', key: null });
    await consume(world, third, services);
    await world.settled();
    expect(await read(third, task.id)).toMatchObject({
      state: "SUCCESS",
      result: '{"first":{"n":1},"event":"yes"}',
      steps: [{ name: "first" }, { name: "sleep" }, { name: "approved", state: "done" }],
    });
    expect(services.ran).toEqual(["first"]);
  });
});

async function submitLater(): Promise<string> {
  const call = { name: "process_data", kwargs: { data: "x" }, countdown: 600 };
  const answer = await post("/api/tasks/", call);
  return (await answer.json<{ task_id: string }>()).task_id;
}

async function send(id: string, name: string, body: unknown, headers?: Record<string, string>) {
  const answer = await post(`/api/tasks/${id}/events/${name}/`, body, headers);
  return { status: answer.status, ...(await answer.json<Record<string, unknown>>()) };
}

it("an event is kept for a live task, once per Idempotency-Key", async () => {
  const id = await submitLater();
  expect(await send(id, "paid", { payload: { amount: 5 } })).toMatchObject({
    status: 202,
    task_id: id,
    event: "paid",
    duplicate: false,
  });
  const key = { "Idempotency-Key": "event-1" };
  expect(await send(id, "paid", { payload: 1 }, key)).toMatchObject({ duplicate: false });
  expect(await send(id, "paid", { payload: 1 }, key)).toMatchObject({ duplicate: true });
  await post(`/api/tasks/${id}/revoke/`, {});
  expect((await ended(id)).state).toBe("REVOKED");
  expect(await send(id, "paid", {})).toMatchObject({ status: 409, code: "task_ended" });
});

it("bad events are refused and change nothing", async () => {
  const id = await submitLater();
  expect(await send(id, "x".repeat(101), {})).toMatchObject({
    status: 422,
    errors: [{ field: "name" }],
  });
  expect(await send(id, "a%0Ab", {})).toMatchObject({ status: 422, errors: [{ field: "name" }] });
  expect(await send(id, "big", { payload: "x".repeat(270_000) })).toMatchObject({
    status: 422,
    errors: [{ field: "payload" }],
  });
  expect(await send(id, "a", { payload: 1, more: 2 })).toMatchObject({
    status: 422,
    errors: [{ field: "more" }],
  });
  expect(await send("nonsense", "a", {})).toMatchObject({ status: 404 });
  expect((await get(`/api/tasks/${id}/events/a/`)).status).toBe(405);
  await post(`/api/tasks/${id}/revoke/`, {});
});
