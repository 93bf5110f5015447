import { WorkerEntrypoint } from "cloudflare:workers";
import type { DeclaredSchedule, TaskLimits } from "#engine";
import type { LovageBinding, RpcCallOptions, RpcStatus } from "./delivery/rpc/binding.ts";
import type { RpcCalls, RpcProps } from "./delivery/rpc/calls.ts";
import { readConfig } from "./config.ts";
import { shopSchedules, shopTasks } from "./domain/index.ts";
import { BeatObject } from "./platform/beat/beat-object.ts";
import type { Env } from "./platform/env.ts";
import type { BeatPorts } from "./platform/beat/task-beat.ts";
import { LedgerObject } from "./platform/ledger/ledger-object.ts";
import { LimiterObject } from "./platform/limiter/limiter-object.ts";
import type { WatchdogDuty } from "./platform/watchdog/duty-rounds.ts";
import { WatchdogObject } from "./platform/watchdog/watchdog-object.ts";
import { createWorker, declaredKeys, declaredLimits, wire } from "./wiring.ts";

const limits = declaredLimits(shopTasks);
const keyOf = declaredKeys(shopTasks);

/** A shard of the ledger. */
export class Ledger extends LedgerObject {
  protected override limitsOf(name: string): TaskLimits | null {
    return limits.get(name) ?? null;
  }

  protected override keyOf(name: string, kwargs: string): string | null {
    return keyOf(this.env, name, kwargs);
  }
}

/** What bounds the starts of the tasks of one name. */
export class Limiter extends LimiterObject {}

/** What the deployment looks after by itself. */
export class Watchdog extends WatchdogObject {
  #duties: readonly WatchdogDuty[] | null = null;

  /** Put together once for each object. */
  protected override duties(): readonly WatchdogDuty[] {
    this.#duties ??= wire(this.env, shopTasks).watchdogDuties;
    return this.#duties;
  }
}

/** The deployment's clock. */
export class Beat extends BeatObject {
  protected override declared(): readonly DeclaredSchedule[] {
    return shopSchedules(readConfig(this.env).timezone);
  }

  protected override runsAndTasks(): Pick<BeatPorts, "submit" | "isUnfinished"> {
    return wire(this.env, shopTasks).beat;
  }
}

/** Does a queue's due work without a doorbell, when the ledger calls for it. */
export class Consumer extends WorkerEntrypoint<Env> {
  drain(shard: number, queue: string): Promise<number> {
    return wire(this.env, shopTasks).drain(shard, queue, 0);
  }
}

/** What other Workers call over a service binding; see LovageBinding for the types. */
export class LovageService
  extends WorkerEntrypoint<Env, RpcProps>
  implements LovageBinding<typeof shopTasks>
{
  delay(name: string, params: unknown): Promise<string> {
    return this.#calls().apply(name, params, {});
  }

  applyAsync(name: string, params: unknown, options: RpcCallOptions = {}): Promise<string> {
    return this.#calls().apply(name, params, options);
  }

  status(taskId: string): Promise<RpcStatus> {
    return this.#calls().status(taskId);
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- the caller's types say which task it is of
  result(taskId: string, options: { timeoutSeconds?: number } = {}): Promise<any> {
    return this.#calls().result(taskId, options.timeoutSeconds ?? 0);
  }

  revoke(taskId: string, options: { terminate?: boolean } = {}): Promise<RpcStatus> {
    return this.#calls().revoke(taskId, options.terminate ?? false);
  }

  #calls(): RpcCalls {
    return wire(this.env, shopTasks).rpcFor((work) => this.ctx.waitUntil(work), this.ctx.props);
  }
}

export default createWorker(shopTasks);
