/** The requests of the HTTP API that the demo makes. */

/** A task as `GET /api/tasks/{id}/` answers it, as far as the demo looks. */
export interface Task {
  readonly task_id: string;
  readonly name: string;
  readonly state: string;
  readonly result: unknown;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly retries: number;
  readonly attempts: readonly unknown[];
  readonly submitted_at: string;
  readonly finished_at: string | null;
}

/** An answer that is not the one asked for; the message is for people. */
export class RequestError extends Error {}

const TERMINAL = new Set(["SUCCESS", "FAILURE", "REVOKED"]);
/** How long a task that must come may take to be there. */
const FIND_TIMEOUT_MS = 30_000;
const FIND_PAUSE_MS = 200;

export function isDone(task: Task): boolean {
  return TERMINAL.has(task.state);
}

/** A Lovage server, and the API key or token to use it with (null where access is open). */
export class DemoClient {
  readonly #url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  /** The same server for somebody who is signed in. */
  as(token: string): DemoClient {
    return new DemoClient(this.#url, token);
  }

  async isThere(): Promise<boolean> {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${this.#url}/healthz`, { signal }).catch(() => null);
    return answer?.ok === true;
  }

  /** The task as soon as it has ended, or as it is after that many seconds. */
  task(taskId: string, waitSeconds: number): Promise<Task> {
    return this.get<Task>(`/api/tasks/${taskId}/?wait=${waitSeconds}`);
  }

  /** The ids of the tasks of a name since then, as soon as there are so many. */
  async find(name: string, since: Date, count: number): Promise<string[]> {
    const until = performance.now() + FIND_TIMEOUT_MS;
    const query = new URLSearchParams({ name, submitted_after: since.toISOString(), limit: "100" });
    for (;;) {
      const { tasks } = await this.get<{ tasks: { task_id: string }[] }>(
        `/api/tasks/search/?${query.toString()}`,
      );
      if (tasks.length >= count) return tasks.map(({ task_id: id }) => id);
      if (performance.now() > until) {
        throw new RequestError(`There are ${tasks.length} tasks ${name} instead of ${count}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, FIND_PAUSE_MS));
    }
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.#call<Answer>("GET", path, null, "application/json");
  }

  post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#call<Answer>("POST", path, JSON.stringify(body), "application/json");
  }

  /** Uploads a text as a file. */
  upload<Answer>(path: string, text: string, type: string): Promise<Answer> {
    return this.#call<Answer>("POST", path, text, type);
  }

  async #call<Answer>(
    method: string,
    path: string,
    body: string | null,
    type: string,
  ): Promise<Answer> {
    const headers = new Headers({ "Content-Type": type });
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    const signal = AbortSignal.timeout(90_000);
    const answer = await fetch(this.#url + path, { method, headers, body, signal });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as Answer;
    throw new RequestError(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  }
}
