import * as z from "zod";
import {
  InvalidOptionError,
  isTerminal,
  LovageError,
  secret,
  traceparentOf,
  type CallbackTo,
  type TaskReader,
  type TaskRecord,
} from "#engine";
import { defineShopTask } from "../services/index.ts";
import { callbackBody, type EndedTask } from "./callback-body.ts";
import type { CallbackAnswer, CallbackSender } from "./callback-sender.ts";
import { readCallbackUrl, type CallbackRules } from "./callback-url.ts";

/** What callbacks are told with. */
export interface CallbackServices {
  readonly rules: CallbackRules;
  readonly sender: CallbackSender;
  /** Reads the task that ended. */
  readonly tasks: Pick<TaskReader, "get">;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Waits between the tries: those of Standard Webhooks, three days in all. */
const RETRY_SECONDS = [
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;
const LONGEST_WAIT_SECONDS = 24 * HOUR;
/** A wait is up to so much longer, so that what failed together doesn't come back together. */
const JITTER = 0.2;
/**
 * Calls of one host at a time, over the whole deployment. A consumer has six connections: one host that
 * hangs leaves the others most of them.
 */
const PER_HOST = 2;

/**
 * The hard limit would end the delivery for good, the soft one ends a try. All that it waits for besides the receiver,
 * who has ten seconds, answers in less.
 */
const TRY_SECONDS = 40;

/** It was not delivered this time. Says the host and no more of the URL, and nothing of the answer's text. */
class CallbackFailedError extends LovageError {
  constructor(host: string, answer: CallbackAnswer) {
    const what =
      answer.status !== null
        ? `answered ${answer.status}`
        : answer.reason === "timeout"
          ? "did not answer in time"
          : "could not be reached";
    super("callback_failed", `${host} ${what}.`, { retryable: true });
  }
}

/** It can't be delivered: the receiver is gone for good (410), or there is nothing any more to tell or to call. */
class CallbackRefusedError extends LovageError {
  constructor(message: string) {
    super("callback_refused", message);
  }
}

/**
 * Tells a receiver that a task or canvas has ended, by a signed POST (Standard Webhooks). Started in the
 * transaction of the end, for its owner; nobody outside may call it. A try that comes twice or late says
 * the same under the same id. Rows written: those of a task.
 */
export const deliverCallback = defineShopTask({
  name: "deliver_callback",
  params: z.object({ task_id: z.string(), url: secret(z.string()) }),
  queue: "callbacks",
  maxRetries: RETRY_SECONDS.length,
  softTimeLimitSeconds: TRY_SECONDS,
  timeLimitSeconds: MINUTE,
  key: { of: ({ url }) => URL.parse(url)?.host ?? null, concurrency: PER_HOST },
  handler: async ({ task_id, url: text }, ctx) => {
    const { callbacks, clock, publicUrl } = ctx.services;
    const url = allowedUrl(text, callbacks.rules);
    let wait = retrySeconds(ctx.taskId, ctx.retries);
    try {
      const found = await beforeAbort(callbacks.tasks.get(task_id), ctx.signal);
      const task = endedTask(found, ctx.lovage.owner);
      const body = callbackBody(task, publicUrl, clock.now());
      const traceparent = traceparentOf(ctx.traceId, ctx.taskId);
      const message = { id: ctx.taskId, body, traceparent };
      const answer = await callbacks.sender.post(url, message, ctx.signal);
      if (isDelivered(answer)) return { host: url.host, status: answer.status };
      if (answer.status === 410) throw new CallbackRefusedError(`${url.host} answered 410: gone.`);
      wait = Math.max(wait, askedSeconds(answer));
      throw new CallbackFailedError(url.host, answer);
    } catch (cause) {
      if (cause instanceof CallbackRefusedError) throw cause;
      return ctx.retry({ countdown: wait, cause });
    }
  },
});

/** How calls get their callbacks: checked when they are given, and again by each delivery. */
export function createCallbackTo(rules: CallbackRules): CallbackTo {
  return (text) => {
    const url = readCallbackUrl(text, rules);
    return { host: url.host, call: deliverCallback.s({ url: url.href }) };
  };
}

/** @throws CallbackRefusedError when it may not be called any more */
function allowedUrl(text: string, rules: CallbackRules): URL {
  try {
    return readCallbackUrl(text, rules);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw new CallbackRefusedError(`The URL is not allowed any more: ${error.message}`);
  }
}

/** What comes before the attempt is to end. @throws the reason why it is */
function beforeAbort<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new Promise<never>((_resolve, reject) => {
    const end = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  return Promise.race([answer, over]);
}

/** @throws CallbackRefusedError when there is nothing to tell its owner */
function endedTask(task: TaskRecord | null, owner: string): EndedTask {
  if (task === null || task.owner !== owner) {
    throw new CallbackRefusedError("There is no such task any more.");
  }
  const { state, finishedAt } = task;
  if (!isTerminal(state) || finishedAt === null) {
    throw new CallbackRefusedError("The task has not ended.");
  }
  return { ...task, state, finishedAt };
}

function isDelivered(answer: CallbackAnswer): boolean {
  return answer.status !== null && answer.status >= 200 && answer.status < 300;
}

/** Seconds until the next try. */
function retrySeconds(taskId: string, retries: number): number {
  const base = RETRY_SECONDS[retries] ?? LONGEST_WAIT_SECONDS;
  // The end of an id is random, and the same for every replay of a crash.
  const chance = Number.parseInt(taskId.slice(-4), 16) / 0xffff;
  return base * (1 + JITTER * chance);
}

/** Who is overloaded says when to come back; nobody else is asked. */
function askedSeconds(answer: CallbackAnswer): number {
  if (answer.status !== 429 && answer.status !== 503) return 0;
  return Math.min(answer.retryAfterSeconds ?? 0, LONGEST_WAIT_SECONDS);
}
