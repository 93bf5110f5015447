import * as z from "zod";
import { createTaskDefiner, effectKey, Ignore, Registry, Reject, type TaskContext } from "#engine";
import type { EffectBook } from "./effect-book.ts";
import type { Process } from "./process.ts";
import { never } from "../../src/testing/world.ts";

/** What the tasks of a simulation do when they run. */
export const KINDS = [
  "succeed",
  "fail",
  /** Ends itself without a result. */
  "ignore",
  /** Gives itself back to its queue once, then is rejected. */
  "reject",
  /** Retried twice by its declaration, then succeeds. */
  "flaky",
  /** Asks for a retry in `n` seconds, once. */
  "again",
  "exhaust",
  /** Longer than a lease: heartbeats have to keep it. */
  "slow",
  /** Longer than its time limit, and deaf to every signal. */
  "overlong",
  /** Ends when its soft limit tells it to. */
  "soft",
  /** Kills its consumer in its first one or two attempts, then succeeds. */
  "deadly",
  /** Kills its consumer whenever it runs. */
  "poison",
  /** Makes two effects, is retried once, and gets their results again. */
  "once",
] as const;
export type Kind = (typeof KINDS)[number];

export const params = z.object({
  kind: z.enum(KINDS),
  n: z.number(),
  /** Of a task that was started because another ended: that one. */
  of: z.string().optional(),
});
export type Params = z.output<typeof params>;

/** How a task of a kind may end when nobody calls it off and its consumers live: state and error. */
export const ENDS: Readonly<Record<Kind, readonly [state: string, error: string | null]>> = {
  succeed: ["SUCCESS", null],
  fail: ["FAILURE", "TypeError"],
  ignore: ["IGNORED", null],
  reject: ["FAILURE", "Reject"],
  flaky: ["SUCCESS", null],
  again: ["SUCCESS", null],
  exhaust: ["FAILURE", "RangeError"],
  slow: ["SUCCESS", null],
  overlong: ["FAILURE", "TimeLimitExceeded"],
  soft: ["FAILURE", "SoftTimeLimitExceeded"],
  deadly: ["SUCCESS", null],
  poison: ["FAILURE", "WorkerLostError"],
  once: ["SUCCESS", null],
};

/** How often a task of a kind is retried until it has ended so. */
export const RETRIES: Readonly<Record<Kind, number>> = {
  ...{ succeed: 0, fail: 0, ignore: 0, reject: 1, flaky: 2, again: 1, exhaust: 3 },
  ...{ slow: 0, overlong: 0, soft: 0, deadly: 0, poison: 0, once: 1 },
};

export interface SimServices {
  readonly process: Process;
  readonly between: (low: number, high: number) => number;
  /** Tells the oracle of a run that begins. */
  readonly started: (taskId: string, attempt: number) => void;
  /** Tells it of one that has come a part further, and whether it was told to stop by then. */
  readonly goesOn: (taskId: string, isTold: boolean) => void;
  /** A moment at which the consumer may die or stand still, with the effect just made. */
  readonly effect: () => void;
  /** The world outside, where effects happen. */
  readonly effects: Pick<EffectBook, "run" | "got">;
}

type Ctx = TaskContext<SimServices>;

async function behave({ kind, n }: Params, ctx: Ctx): Promise<number> {
  const { process, between, started, effect } = ctx.services;
  started(ctx.taskId, ctx.attempt);
  if (kind === "poison" || (kind === "deadly" && ctx.attempt <= 1 + (n % 2))) {
    await process.sleep(between(0, 40));
    process.die();
    return never();
  }
  await meanwhile(ctx, kind === "slow" ? 45_000 : between(0, 40));
  effect();
  switch (kind) {
    case "fail":
      throw new TypeError("not retried");
    case "ignore":
      throw new Ignore();
    case "reject":
      throw new Reject("not mine", { requeue: ctx.retries === 0 });
    case "flaky":
      if (ctx.retries < 2) throw new RangeError("retried");
      return n;
    case "again":
      return ctx.retries === 0 ? ctx.retry({ countdown: n }) : n;
    case "once":
      await makeEffects(ctx);
      if (ctx.retries < 1) throw new RangeError("retried");
      return n;
    case "exhaust":
      throw new RangeError("retried until no retry is left");
    case "overlong":
      await process.sleep(60_000);
      return n;
    case "soft":
      return untilAborted(ctx.signal);
    case "succeed":
    case "slow":
    case "deadly":
      return n;
  }
}

/** Two effects side by side, one of them asked for twice. */
async function makeEffects(ctx: Ctx): Promise<void> {
  const { process, between, effect, effects } = ctx.services;
  const make = async (name: string) => {
    const result = await ctx.once(name, async (given) => {
      await process.sleep(between(0, 20));
      effect();
      const answer = effects.run(given);
      effect();
      await process.sleep(between(0, 20));
      return answer;
    });
    effects.got(effectKey(ctx.taskId, name), result);
  };
  await Promise.all([make("a"), make("b"), make("a")]);
}

/** Log lines of an attempt that comes past its beginning. */
export const LINES = 3;

/** Passes the time, and says so. */
async function meanwhile(ctx: Ctx, ms: number): Promise<void> {
  const { attempt, services } = ctx;
  for (let part = 0; part < LINES; part += 1) {
    ctx.log("still here", { attempt, part });
    ctx.progress({ attempt, current: part, total: LINES });
    await services.process.sleep(Math.ceil(ms / LINES));
    services.goesOn(ctx.taskId, ctx.signal.aborted);
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
}

const define = createTaskDefiner<SimServices>();
const policy = { autoretryFor: [RangeError], retryBackoff: true, maxRetries: 3 };

export const behaviourTasks = [
  define({ name: "single", params, ...policy, handler: behave }),
  define({
    name: "batch",
    params,
    ...policy,
    batch: {
      size: 3,
      handler: (calls) => Promise.allSettled(calls.map((call) => behave(call.params, call.ctx))),
    },
  }),
];

export const registry = new Registry<SimServices>(behaviourTasks);
