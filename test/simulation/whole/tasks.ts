import * as z from "zod";
import { createTaskDefiner, Registry, type TaskContext } from "#engine";
import { behaviourTasks, type SimServices } from "../behaviours.ts";
import { canvasTasks, type Services as CanvasServices } from "../canvases.ts";

/** What the handlers of a simulated deployment find. */
export interface WholeServices extends SimServices, CanvasServices {
  /** Throws while what a task depends on is down, or where it refuses. */
  readonly ask: () => void;
}

export class DependencyDown extends Error {
  override readonly name = "DependencyDown";
}

const define = createTaskDefiner<WholeServices>();
const params = z.object({ n: z.number() });
type Ctx = TaskContext<WholeServices>;

async function work({ n }: { n: number }, ctx: Ctx): Promise<number> {
  const { process, between, started, effect } = ctx.services;
  started(ctx.taskId, ctx.attempt);
  await process.sleep(between(1, 60));
  effect();
  return n;
}

/** Most of what a deployment runs. */
const plain = define({ name: "plain", params, handler: (given, ctx) => work(given, ctx) });
/** At most so many starts in a second. */
const PACED_STARTS = 20;
const paced = define({
  ...{ name: "paced", params, rateLimit: `${PACED_STARTS}/s` },
  handler: (given, ctx) => work(given, ctx),
});
const narrow = define({
  ...{ name: "narrow", params, concurrency: 3 },
  handler: (given, ctx) => work(given, ctx),
});
/** By key, of which there are some. */
const shared = define({
  name: "shared",
  params,
  key: { of: ({ n }) => n % 4, concurrency: 1 },
  handler: (given, ctx) => work(given, ctx),
});
const only = define({
  ...{ name: "only", params, unique: true },
  handler: (given, ctx) => work(given, ctx),
});
/** One in so long, whatever it is called with. */
export const THROTTLE_MS = 20_000;
const throttled = define({
  ...{ name: "throttled", params, throttleSeconds: THROTTLE_MS / 1_000 },
  handler: (given, ctx) => work(given, ctx),
});
/** One with what it was called with last, a second after that. */
const debounced = define({
  ...{ name: "debounced", params, debounceSeconds: 1, debounceMaxSeconds: 5 },
  handler: (given, ctx) => work(given, ctx),
});
/** Two steps and a sleep between them. */
async function last({ n }: { n: number }, ctx: Ctx): Promise<number> {
  const { process, between, effect } = ctx.services;
  const first = await ctx.step("first", async () => {
    await process.sleep(between(0, 20));
    effect();
    return n;
  });
  await ctx.sleep(2);
  return ctx.step("second", () => first + 1);
}

const lasting = define({
  ...{ name: "lasting", params, maxRetries: 5, defaultRetryDelaySeconds: 1 },
  handler: (given, ctx) => last(given, ctx),
});
/** Tried again for as long as what it depends on is down. */
const dependent = define({
  ...{ name: "dependent", params, rateLimit: "20/s", autoretryFor: [DependencyDown] },
  ...{ maxRetries: null, retryBackoff: true, retryBackoffMaxSeconds: 20 },
  handler: async (given, ctx) => {
    ctx.services.ask();
    return work(given, ctx);
  },
});
/** Tried again at once, for as long as what it depends on refuses. */
const insistent = define({
  ...{ name: "insistent", params, autoretryFor: [DependencyDown] },
  ...{ maxRetries: null, defaultRetryDelaySeconds: 0 },
  handler: async (given, ctx) => {
    ctx.services.ask();
    return work(given, ctx);
  },
});
/** Tasks of one tenant that run at once. */
export const TENANT_PLACES = 6;
/** Of its starts in a second. */
export const TENANT_STARTS = 4;
/** The tenant that may be noisy. */
export const NOISY = 0;
/** Of a tenant, `n`; takes seconds. */
const tenant = define({
  ...{ name: "tenant", params },
  key: { of: ({ n }) => n, concurrency: TENANT_PLACES, rateLimit: `${TENANT_STARTS}/s` },
  handler: async (given, ctx) => {
    const { process, between } = ctx.services;
    await process.sleep(between(500, 3_000));
    return work(given, ctx);
  },
});
/** Of the old version only. */
export const RETIRED = "retired";
const retired = define({
  ...{ name: RETIRED, params },
  handler: (given, ctx) => work(given, ctx),
});
/** As `plain`, of the new version: what was called before brings no `more`. */
const plainer = define({
  ...{ name: "plain", params: z.object({ n: z.number(), more: z.number().default(1) }) },
  handler: async ({ n, more }, ctx) => (await work({ n }, ctx)) * more,
});
/** What schedules call. */
const tick = define({ name: "tick", params, handler: (given, ctx) => work(given, ctx) });

const lastingOnes = [
  ...[...behaviourTasks, ...canvasTasks, paced, narrow, shared, only, lasting, dependent],
  ...[tick, throttled, debounced, insistent, tenant],
];
export const registry = new Registry<WholeServices>([...lastingOnes, plain, retired]);
/** Of the version that is deployed in the middle. */
export const newRegistry = new Registry<WholeServices>([...lastingOnes, plainer]);
