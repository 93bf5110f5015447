import * as z from "zod";
import type { TaskContext } from "./context.ts";
import { createTaskDefiner, type AnyTaskDefinition } from "./definition.ts";
import { ResultError } from "./errors.ts";

/*
 * `celery.map` and `celery.starmap`: tasks of every deployment that call another for each item, in one
 * attempt of their own (Celery's `xmap` and `xstarmap`, celery/app/builtins.py). Retries, time limits and
 * queue are those of the task that is called; its rate and concurrency count starts, and this is one.
 */

/** Their params: a signature with Celery's keys, and the items (of starmap: lists of arguments). */
const mapParams = z.object({
  task: z.looseObject({
    task: z.string(),
    args: z.array(z.unknown()).default([]),
    kwargs: z.record(z.string(), z.unknown()).default({}),
  }),
  it: z.array(z.unknown()).max(10_000),
});
const starmapParams = mapParams.extend({ it: z.array(z.array(z.unknown())).max(10_000) });

export type MapParams = z.output<typeof mapParams>;

const define = createTaskDefiner();

function unrun(): never {
  throw new Error("A map is run as its own task says: see Registry.runnerOf.");
}

/** As calls of them are checked and stored. */
export const MAP_DEFINITIONS: readonly AnyTaskDefinition<never>[] = [
  define({ name: "celery.map", params: mapParams, handler: unrun }),
  define({ name: "celery.starmap", params: starmapParams, handler: unrun }),
];

/** The task that a stored call of them calls. */
export function mappedName(kwargs: string): string {
  return (JSON.parse(kwargs) as MapParams).task.task;
}

export type MapName = "celery.map" | "celery.starmap";

export function isMap(name: string): name is MapName {
  return name === "celery.map" || name === "celery.starmap";
}

/**
 * The definition of one call of them.
 * @param inner the task that is called
 * @param parse makes its params of the call's: one for each item
 */
export function mappedDefinition<Services>(
  name: MapName,
  inner: AnyTaskDefinition<Services>,
  parse: (params: MapParams) => unknown[],
): AnyTaskDefinition<Services> {
  return {
    ...inner,
    name,
    params: name === "celery.map" ? mapParams : starmapParams,
    limits: null,
    keyOf: null,
    uniqueness: null,
    batch: null,
    handler: (params: MapParams, ctx: TaskContext<Services>) => callEach(inner, parse(params), ctx),
  };
}

/** One after the other, in their order; the first that fails ends the attempt. Who is told to stop begins no other. */
async function callEach<Services>(
  { handler, batch }: AnyTaskDefinition<Services>,
  items: readonly unknown[],
  ctx: TaskContext<Services>,
): Promise<unknown[]> {
  const results: unknown[] = [];
  if (batch === null) {
    // What a handler gives back without a result has the result null, as everywhere.
    for (const [index, params] of items.entries()) {
      ctx.signal.throwIfAborted();
      results.push((await handler?.(params, contextOfItem(ctx, index))) ?? null);
    }
    return results;
  }
  for (let from = 0; from < items.length; from += batch.size) {
    ctx.signal.throwIfAborted();
    const calls = items
      .slice(from, from + batch.size)
      .map((params, index) => ({ params, ctx: contextOfItem(ctx, from + index) }));
    const answers = await batch.handler(calls, ctx.services);
    for (const index of calls.keys()) {
      const answer = answers[index];
      if (answer === undefined) {
        throw new ResultError("The batch handler gave no answer to an item.");
      }
      if (answer.status === "rejected") throw answer.reason;
      results.push(answer.value ?? null);
    }
  }
  return results;
}

/** The attempt as the handler of one item sees it: an effect is the item's, not the whole map's. */
function contextOfItem<Services>(ctx: TaskContext<Services>, index: number): TaskContext<Services> {
  const { taskId, name, traceId, attempt, retries, maxRetries, slot, services } = ctx;
  return {
    ...{ taskId, name, traceId, attempt, retries, maxRetries, slot, services },
    get lovage() {
      return ctx.lovage;
    },
    get signal() {
      return ctx.signal;
    },
    get log() {
      return ctx.log;
    },
    retry: (options) => ctx.retry(options),
    replace: (call) => ctx.replace(call),
    addToGroup: (call) => {
      ctx.addToGroup(call);
    },
    progress: (meta) => {
      ctx.progress(meta);
    },
    updateState: (state, meta) => {
      ctx.updateState(state, meta);
    },
    step: (step, fn, options) => ctx.step(step, fn, options),
    once: (effect, fn) => ctx.once(`${effect}[${index}]`, fn),
    sleep: (time) => ctx.sleep(time),
    waitForEvent: (event, options) => ctx.waitForEvent(event, options),
  };
}
