import { exports } from "cloudflare:workers";
import { documented } from "./documented.ts";

/** A task as `GET /api/tasks/{id}/` answers it, as far as tests look. */
export interface TaskAnswer {
  readonly task_id: string;
  readonly state: string;
  readonly result: unknown;
  readonly error: { exc_type: string; exc_message: string } | null;
  readonly retries: number;
  readonly attempts: { attempt: number; outcome: string | null }[];
  readonly dead_lettered: boolean;
}

export interface OrderAnswer {
  readonly message: string;
  readonly data: {
    readonly message: string;
    readonly tasks: { send_order_confirmation_email: string; process_payment: string };
  };
}

/** What the Worker answers; fails if the OpenAPI document says otherwise. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  return documented(init.method ?? "GET", url, await exports.default.fetch(url, init));
}

export function get(path: string): Promise<Response> {
  return ask(`http://lovage${path}`);
}

export function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return ask(`http://lovage${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** The task when it has ended; waits 20 s at most. */
export async function ended(taskId: string): Promise<TaskAnswer> {
  const answer = await get(`/api/tasks/${taskId}/?wait=20`);
  return answer.json();
}

/** Creates an order of the guides' shape. */
export async function order(id: string, over: Record<string, unknown> = {}): Promise<OrderAnswer> {
  const body = {
    orderId: id,
    userId: 1,
    totalAmount: 150,
    customerEmail: "customer@example.com",
    ...over,
  };
  const answer = await post("/api/create-order/", body);
  return answer.json();
}
