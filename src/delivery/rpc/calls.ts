import {
  isTerminal,
  LovageError,
  parseTraceparent,
  traceIdOf,
  type Signature,
  type TaskRecord,
} from "#engine";
import { commands, may, sees, type Caller, type Scope } from "../api/callers/access.ts";
import { CanvasResult } from "../api/canvas/canvas-result.ts";
import { Problem } from "../api/http/problems.ts";
import type { ApiCall, ApiParts } from "../api/route.ts";
import { callSchema, isCallKey, refusalOf, toSignature } from "../api/tasks/task-calls.ts";
import { isResultExpired } from "../api/tasks/task-views.ts";
import type { RpcCallOptions, RpcStatus } from "./binding.ts";

/** Who calls over a service binding, as the binding's `props` in the caller's configuration say. */
export interface RpcProps {
  /** Whose tasks these are. Default `service`. */
  readonly owner?: string;
  /** Default `tasks:read`, `tasks:write`. */
  readonly scopes?: readonly Scope[];
}

type RpcParts = Pick<
  ApiParts,
  "tasks" | "expressLovageFor" | "largeResults" | "canvases" | "clock"
>;

const MAX_WAIT_SECONDS = 60;

/** @throws LovageError `invalid_request` naming the field */
function readCall(given: unknown): Signature {
  const checked = callSchema.safeParse(given);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw invalid(issue?.path.map(String).join(".") || "options", issue?.message ?? "is wrong");
  }
  try {
    return toSignature(checked.data);
  } catch (error) {
    // What the API answers to a canvas whose members don't fit.
    const [wrong] = error instanceof Problem ? error.errors : [];
    throw wrong === undefined ? error : invalid(wrong.field, wrong.message);
  }
}

function invalid(field: string, message: string): LovageError {
  return new LovageError("invalid_request", `${field}: ${message}`, { field });
}

/** Calls that come from other Workers over a service binding: the same rules as over HTTP. */
export class RpcCalls {
  readonly #parts: RpcParts;
  readonly #background: ApiCall["background"];
  readonly #caller: Caller;

  /** @param background what lets the invocation run on after its answer */
  constructor(parts: RpcParts, background: ApiCall["background"], props: RpcProps = {}) {
    this.#parts = parts;
    this.#background = background;
    this.#caller = {
      owner: props.owner ?? "service",
      scopes: new Set(props.scopes ?? ["tasks:read", "tasks:write"]),
      userId: null,
    };
  }

  async apply(name: string, kwargs: unknown, options: RpcCallOptions): Promise<string> {
    this.#need("tasks:write");
    const { idempotency_key: key, traceparent, ...rest } = options;
    if (key !== undefined && !isCallKey(key)) {
      throw invalid("idempotency_key", "must be 1 to 255 visible ASCII characters.");
    }
    const call = readCall({ ...rest, name, kwargs });
    const refusal = refusalOf(this.#caller, call);
    if (refusal !== null) throw new LovageError("forbidden", refusal);
    const route = key === undefined ? undefined : { route: "rpc", key };
    const trace = parseTraceparent(typeof traceparent === "string" ? traceparent : null);
    const lovage = this.#parts.expressLovageFor(this.#background, this.#caller.owner, trace);
    const { taskId, answer } = await lovage.send(call, route);
    if (answer === "conflict" || answer === "busy") {
      throw new LovageError(
        answer === "busy" ? "request_in_progress" : "idempotency_key_reused",
        answer === "busy"
          ? "A call with this idempotency_key is in progress."
          : "This idempotency_key was used for another call.",
        { retryable: answer === "busy", field: "idempotency_key" },
      );
    }
    return taskId;
  }

  async status(taskId: string): Promise<RpcStatus> {
    return statusOf(await this.#visible(taskId));
  }

  async result(taskId: string, timeoutSeconds: number): Promise<unknown> {
    if (!(timeoutSeconds >= 0 && timeoutSeconds <= MAX_WAIT_SECONDS)) {
      const message = `timeoutSeconds: must be from 0 to ${MAX_WAIT_SECONDS}.`;
      throw new LovageError("invalid_option", message, { field: "timeoutSeconds" });
    }
    let task = await this.#visible(taskId);
    if (!isTerminal(task.state) && timeoutSeconds > 0) {
      const signal = AbortSignal.timeout(timeoutSeconds * 1_000);
      for await (const seen of this.#parts.tasks.watch(taskId, signal)) task = seen;
    }
    if (!isTerminal(task.state)) {
      throw new LovageError("not_ready", `The task is ${task.state}.`, { retryable: true });
    }
    if (task.state !== "SUCCESS") {
      const { exc_type: type, exc_message: message } = task.error ?? { exc_type: task.state };
      throw new LovageError("task_failed", `${type}: ${message ?? ""}`);
    }
    if (isResultExpired(task, this.#parts.clock.now())) {
      throw new LovageError("result_expired", "The result is not kept any longer.");
    }
    const { large } = task;
    const { tree, joined } = task.options;
    if (tree !== undefined && joined === true) {
      const list = new CanvasResult(task, tree, this.#parts, this.#parts.clock.now());
      return new Response(list.stream()).json();
    }
    if (large === undefined) return task.result === null ? null : JSON.parse(task.result);
    const body = await this.#parts.largeResults.get(large.key);
    if (body === null) throw notFound();
    return new Response(body).json();
  }

  async revoke(taskId: string, terminate: boolean): Promise<RpcStatus> {
    this.#need(terminate ? "control" : "tasks:write");
    const { id, owner } = await this.#visible(taskId);
    if (!commands(this.#caller, owner)) this.#need("control");
    const task = await this.#parts.tasks.revoke(id, { terminate });
    if (task === null) throw notFound();
    return statusOf(task);
  }

  async #visible(taskId: string): Promise<TaskRecord> {
    this.#need("tasks:read");
    const task = await this.#parts.tasks.get(String(taskId));
    if (task === null || !sees(this.#caller, task.owner)) throw notFound();
    return task;
  }

  #need(scope: Scope): void {
    if (may(this.#caller, scope)) return;
    throw new LovageError("forbidden", `This needs the scope ${scope}.`);
  }
}

function notFound(): LovageError {
  return new LovageError("not_found", "There is no such task, or it isn't yours.");
}

function statusOf(task: TaskRecord): RpcStatus {
  const { id, state, retries, error } = task;
  const shown = error && { exc_type: error.exc_type, exc_message: error.exc_message };
  return { task_id: id, trace_id: traceIdOf(task), state, retries, error: shown };
}
