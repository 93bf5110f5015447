import createFetchClient, { type Client as FetchClient } from "openapi-fetch";
import type { components, paths, tasks } from "./api.ts";
import { readEvents, type TaskEventList } from "./events.ts";
import { ProblemError, ResultTimeoutError, TaskFailedError } from "./errors.ts";

export type { components, paths, tasks } from "./api.ts";
export type { TaskEvent, TaskEventList } from "./events.ts";
export { ProblemError, ResultTimeoutError, TaskFailedError } from "./errors.ts";

/** The names of the deployment's tasks. */
export type TaskName = keyof tasks;

/** Options of a call, as the API names them: countdown, queue, labels … */
export type DelayOptions = Omit<components["schemas"]["TaskCall"], "name" | "args" | "kwargs"> & {
  /** A request that is repeated with the same key is made once. */
  readonly idempotencyKey?: string;
};

export interface ClientOptions {
  /** Where the deployment is reached, as `https://lovage.example.workers.dev`. */
  readonly baseUrl: string;
  /** An API key, or the token of an account; absent: a deployment that is open. */
  readonly token?: string;
  /** Instead of the global one; as that of a service binding. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Which events to watch; absent: all that the caller may see. */
export type EventFilter = NonNullable<paths["/api/events"]["get"]["parameters"]["query"]> & {
  readonly signal?: AbortSignal;
};

/** The longest that one request waits; longer waits are several. */
const WAIT_SECONDS = 50;

/** A client of one deployment; holds no connection and may be kept. */
export function createClient({ baseUrl, token, fetch }: ClientOptions): Client {
  const headers: Record<string, string> =
    token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const own = fetch === undefined ? {} : { fetch };
  return new Client(createFetchClient<paths>({ baseUrl, headers, ...own }));
}

export class Client {
  /** Every path with its types: `api.GET("/api/orders/{id}", { params: { path: { id } } })`. */
  readonly api: FetchClient<paths>;

  constructor(api: FetchClient<paths>) {
    this.api = api;
  }

  /**
   * Calls a task.
   * @returns its id; of a call that was merged with another, the other's
   * @throws ProblemError
   */
  async delay<Name extends TaskName>(
    name: Name,
    kwargs: tasks[Name],
    { idempotencyKey, ...options }: DelayOptions = {},
  ): Promise<string> {
    const { data, error, response } = await this.api.POST("/api/tasks", {
      params: { header: idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey } },
      body: { name, kwargs: { ...kwargs }, ...options },
    });
    if (data === undefined) throw new ProblemError(response.status, error);
    return data.task_id;
  }

  /**
   * Waits until a task has ended, and gets what it returned, however large.
   * @param timeout seconds; default 60
   * @throws TaskFailedError, ResultTimeoutError, ProblemError
   */
  async result(id: string, { timeout = 60 }: { readonly timeout?: number } = {}): Promise<unknown> {
    for (let left = timeout; ; left -= WAIT_SECONDS) {
      const wait = Math.max(0, Math.min(WAIT_SECONDS, left));
      const { data, error, response } = await this.api.GET("/api/tasks/{id}", {
        params: { path: { id }, query: { wait } },
      });
      if (data === undefined) throw new ProblemError(response.status, error);
      if (data.state === "SUCCESS") {
        return data.result_url === undefined ? data.result : this.#whole(id);
      }
      if (data.finished_at !== null) throw new TaskFailedError(id, data.state, data.error);
      if (left <= WAIT_SECONDS) throw new ResultTimeoutError(id, data.state);
    }
  }

  /**
   * What happens to tasks, list by list, until the connection ends.
   * @throws ProblemError, and the reason of `signal` when it aborts
   */
  async *events({ signal, ...query }: EventFilter = {}): AsyncGenerator<TaskEventList> {
    const { data, error, response } = await this.api.GET("/api/events", {
      params: { query },
      parseAs: "stream",
      ...(signal !== undefined && { signal }),
    });
    if (data == null) throw new ProblemError(response.status, error);
    yield* readEvents(data, signal);
  }

  async #whole(id: string): Promise<unknown> {
    const { data, error, response } = await this.api.GET("/api/tasks/{id}/result", {
      params: { path: { id } },
    });
    if (error !== undefined) throw new ProblemError(response.status, error);
    return data;
  }
}
