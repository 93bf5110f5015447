import type { AnyTaskDefinition, ParamsOf, ResultOf, State } from "#engine";

/** Options of a call from another Worker, with Celery's words. Times are seconds or ISO 8601. */
export interface RpcCallOptions {
  readonly countdown?: number;
  readonly eta?: string;
  readonly expires?: number | string;
  readonly queue?: string;
  readonly priority?: number;
  readonly max_retries?: number | null;
  readonly soft_time_limit?: number;
  readonly time_limit?: number;
  readonly ignore_result?: boolean;
  readonly result_expires?: number;
  readonly key?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Who is told by a signed POST when it has ended; see README. */
  readonly callback_url?: string;
  readonly unique?:
    | boolean
    | {
        readonly key?: string;
        readonly for_seconds?: number;
        readonly keep?: "first" | "replace";
      };
  readonly throttle?: number;
  readonly debounce?: number;
  readonly debounce_max?: number;
  /** The caller's trace (W3C Trace Context), which the task then belongs to; what is none is passed over. */
  readonly traceparent?: string;
  /** The same key is the same task: a call that was repeated is made once. 1 to 255 visible ASCII characters. */
  readonly idempotency_key?: string;
}

/** A task as another Worker sees it. `error` is null unless it failed. */
export interface RpcStatus {
  readonly task_id: string;
  /** The trace that it belongs to: 32 hex digits. */
  readonly trace_id: string;
  readonly state: State;
  readonly retries: number;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
}

// oxlint-disable-next-line typescript/no-explicit-any -- variance: tasks of any services
type Tasks = readonly AnyTaskDefinition<any>[];
type Named<All extends Tasks, Name> = Extract<All[number], { readonly name: Name }>;

/**
 * What a service binding to Lovage offers, checked by the tasks of the deployment:
 * `env.LOVAGE as LovageBinding<typeof shopTasks>`. Every method rejects with an Error whose `code` says
 * what is wrong (`unknown_task`, `invalid_arguments`, `not_found`, …) and whose `field` says where.
 */
export interface LovageBinding<All extends Tasks> {
  /** Calls a task now. @returns its id */
  delay<Name extends All[number]["name"]>(
    name: Name,
    params: ParamsOf<Named<All, Name>>,
  ): Promise<string>;
  /** Calls a task with options of this call. @returns its id */
  applyAsync<Name extends All[number]["name"]>(
    name: Name,
    params: ParamsOf<Named<All, Name>>,
    options?: RpcCallOptions,
  ): Promise<string>;
  status(taskId: string): Promise<RpcStatus>;
  /**
   * The result of a task; waits for it up to `timeoutSeconds` (default 0, at most 60).
   * @throws `not_ready` while it has not ended, `task_failed` with its error when it did not succeed
   */
  result<Name extends All[number]["name"] = All[number]["name"]>(
    taskId: string,
    options?: { readonly timeoutSeconds?: number },
  ): Promise<ResultOf<Named<All, Name>>>;
  /** See `TaskControl.revoke`. */
  revoke(taskId: string, options?: { readonly terminate?: boolean }): Promise<RpcStatus>;
}
