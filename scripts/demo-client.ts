/** The few requests of the HTTP API that the demo makes. */

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

export interface Order {
  readonly orderId: string;
  readonly totalAmount: number;
}

/** An answer that is not the one asked for; the message is for people. */
export class RequestError extends Error {}

const TERMINAL = new Set(["SUCCESS", "FAILURE", "REVOKED"]);

export function isDone(task: Task): boolean {
  return TERMINAL.has(task.state);
}

/** A Lovage server, and the API key to use it with (null where access is open). */
export class DemoClient {
  readonly #url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  async isThere(): Promise<boolean> {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${this.#url}/healthz`, { signal }).catch(() => null);
    return answer?.ok === true;
  }

  /** @returns the ids of the tasks that the order set off, by their names */
  async createOrder(order: Order): Promise<Readonly<Record<string, string>>> {
    const body = { ...order, userId: 1, customerEmail: "customer@example.com" };
    const answer = (await this.#call("POST", "/api/create-order/", body)) as {
      data: { tasks: Record<string, string> };
    };
    return answer.data.tasks;
  }

  /** @returns the id of the task */
  async process(data: string): Promise<string> {
    const answer = (await this.#call("POST", "/api/tasks/process/", { data })) as {
      task_id: string;
    };
    return answer.task_id;
  }

  /** @returns the id of the canvas */
  async canvas(signature: unknown): Promise<string> {
    const answer = (await this.#call("POST", "/api/canvas/", signature)) as { canvas_id: string };
    return answer.canvas_id;
  }

  /** The task as soon as it has ended, or as it is after that many seconds. */
  async task(taskId: string, waitSeconds: number): Promise<Task> {
    return (await this.#call("GET", `/api/tasks/${taskId}/?wait=${waitSeconds}`)) as Task;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = new Headers({ "Content-Type": "application/json" });
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    const answer = await fetch(this.#url + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as unknown;
    throw new RequestError(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  }
}
