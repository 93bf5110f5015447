import { LovageError } from "#engine";
import type { Env } from "./env.ts";

/** A queue message: "this shard has work on this queue". Losing one delays work, doubling it does nothing. */
export interface Doorbell {
  readonly shard: number;
  readonly queue: string;
}

const BINDINGS = {
  default: "QUEUE_DEFAULT",
  "high-priority": "QUEUE_HIGH_PRIORITY",
  emails: "QUEUE_EMAILS",
  payments: "QUEUE_PAYMENTS",
  callbacks: "QUEUE_CALLBACKS",
} as const satisfies Record<string, keyof Env>;

/** The queues that tasks may be sent to. */
export const QUEUES: ReadonlySet<string> = new Set(Object.keys(BINDINGS));

/** Cloudflare's queue for doorbells that could not be answered. */
export const DEAD_DOORBELLS = "doorbells-dead";

/** A queue's name as the code has it: of each environment's queues the account knows by names of their own. */
export function ownName(queue: string): string {
  return queue.replace(/^lovage-(?:staging|production)-/, "");
}

/** Rings; rejects when the platform does not take the message. */
export async function ring(env: Env, bell: Doorbell): Promise<void> {
  if (!Object.hasOwn(BINDINGS, bell.queue)) {
    throw new LovageError("unknown_queue", `There is no queue '${bell.queue}'.`);
  }
  await env[BINDINGS[bell.queue as keyof typeof BINDINGS]].send(bell);
}
