import type { Command } from "commander";
import { now } from "../clock.ts";
import {
  instant,
  integer,
  jsonList,
  jsonObject,
  namedArgument,
  pair,
  queueOption,
  seconds,
  secondsOrInstant,
} from "../options.ts";
import type { Shell } from "../shell.ts";
import { awaitTask, sayResult } from "../tasks.ts";

interface CallOptions {
  readonly args: unknown[];
  readonly kwargs: Record<string, unknown>;
  readonly eta?: string;
  readonly countdown?: number;
  readonly expires?: number | string;
  readonly queue?: string;
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly softTimeLimit?: number;
  readonly timeLimit?: number;
  readonly key?: string;
  readonly label?: Record<string, string>;
  readonly ignoreResult?: boolean;
  readonly callbackUrl?: string;
  readonly idempotencyKey?: string;
  readonly wait?: true | number;
}

interface Called {
  readonly task_id: string;
  readonly duplicate?: boolean;
  readonly replaced?: boolean;
}

/** `celery call`. */
export function addCall(program: Command, shell: Shell): void {
  program
    .command("call")
    .summary("call a task by name")
    .description("Calls a task by name and prints its id.")
    .addArgument(namedArgument("tasks", "<task>", "the task's name"))
    .option("-a, --args <json>", "positional arguments, a JSON list", jsonList, [])
    .option("-k, --kwargs <json>", "arguments by name, a JSON object", jsonObject, {})
    .option("--eta <time>", "not before then (ISO 8601; UTC unless it says otherwise)", instant)
    .option("--countdown <seconds>", "not before so many seconds from now", seconds)
    .option("--expires <when>", "not after then: seconds from now, or a time", secondsOrInstant)
    .addOption(queueOption("the queue"))
    .option("--priority <n>", "0 to 9, 9 first", integer(0, 9))
    .option("--max-retries <n>", "how often it may be tried again", integer(0, 1_000_000))
    .option("--soft-time-limit <seconds>", "an attempt is asked to end then", seconds)
    .option("--time-limit <seconds>", "an attempt is ended then", seconds)
    .option("--key <key>", "whose call it is: keys share a queue fairly")
    .option("--label <name=value>", "a label, as often as wanted", pair)
    .option("--ignore-result", "keep no result")
    .option("--callback-url <url>", "who is told of its end")
    .option("--idempotency-key <key>", "called again with the same key it is the same task")
    .option("-w, --wait [seconds]", "wait for its end and print the result instead", seconds)
    .action((name: string, options: CallOptions) => call(shell, name, options));
}

async function call(shell: Shell, name: string, options: CallOptions): Promise<void> {
  const { deployment, output } = shell;
  const { idempotencyKey: key, wait } = options;
  const called = await deployment.post<Called>("/api/tasks/", bodyOf(name, options), {
    ...(key !== undefined && { headers: { "Idempotency-Key": key } }),
  });
  const { task_id: id, duplicate, replaced } = called;
  if (duplicate === true) output.note("There is such a task already: this is its id.");
  if (replaced === true) output.note("The task that waited has these arguments now.");
  if (wait === undefined) {
    output.answer(called, () => {
      output.line(id);
    });
    return;
  }
  const timeoutSeconds = wait === true ? null : wait;
  const task = await awaitTask(deployment, id, { timeoutSeconds, now });
  await sayResult(deployment, output, task);
}

function bodyOf(name: string, options: CallOptions) {
  const { args, kwargs, eta, countdown, expires, queue, priority, key } = options;
  return {
    name,
    args,
    kwargs,
    eta,
    countdown,
    expires,
    queue,
    priority,
    key,
    max_retries: options.maxRetries,
    soft_time_limit: options.softTimeLimit,
    time_limit: options.timeLimit,
    labels: options.label,
    ignore_result: options.ignoreResult,
    callback_url: options.callbackUrl,
  };
}
