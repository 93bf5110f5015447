import type { EndCallback, Plan, PlanNode } from "./canvas/plan.ts";
import type { AnySignature } from "./canvas/signatures.ts";
import { InvalidOptionError } from "./errors.ts";

/**
 * How a deployment tells a URL of an end: the call that does it, which gets the id of what ended as its first
 * argument, and what may be shown of the URL. It goes to a queue of its own: a purge of the queue takes it, and
 * one of another leaves it.
 * @throws InvalidOptionError `callbackUrl` for one that is not to be called
 */
export type CallbackTo = (url: string) => { readonly call: AnySignature; readonly host: string };

/**
 * What a call carries that has a `callbackUrl`.
 * @param id that of the task that will tell of the end: in the shard of the call
 * @throws InvalidOptionError `callbackUrl`
 */
export function endCallback(
  url: string,
  callbackTo: CallbackTo | undefined,
  { id, planOf }: { readonly id: string; readonly planOf: (call: AnySignature) => Plan },
): EndCallback {
  if (callbackTo === undefined) {
    throw new InvalidOptionError("callbackUrl", "callbacks are not configured.");
  }
  const { call, host } = callbackTo(url);
  return { host, id, plan: { nodes: planOf(call).nodes.map(telling) } };
}

function telling(node: PlanNode): PlanNode {
  if (node.kind !== "task") return node;
  return { ...node, call: { ...node.call, options: { ...node.call.options, tells_end: true } } };
}
