import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Account, Refusal, type Answer, type Asked } from "./account.ts";
import type { Fault } from "./fault-plan.ts";

const SLOW_MS = 40;

/**
 * A stand-in for the part of Stripe's API that the shop uses, over HTTP, with its rules of idempotency: a
 * key's first answer is stored and repeated, errors of the server too; another request under it is refused;
 * one at the same time is a conflict. Every secret key is an account with a book of its own. `/book` shows it,
 * `/events` what it would tell by webhook, `/control` sets faults.
 */
export class StripeServer {
  readonly accounts = new Map<string, Account>();
  /** Told of every answer that went out, with its status. */
  onAnswered: (path: string, status: number) => void = () => {};
  /** Asked of every request: true if nothing is done for it, and it is never answered. */
  isLost: (params: ReadonlyMap<string, string>) => boolean = () => false;
  /** Requests that were under way at the same time, at most. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #server: Server;

  private constructor(delayMs: number) {
    this.#server = createServer((request, response) => {
      this.#atOnce += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
      response.once("close", () => {
        this.#atOnce -= 1;
      });
      response.once("finish", () => {
        this.onAnswered(request.url ?? "", response.statusCode);
      });
      const waited = new Promise((resolve) => setTimeout(resolve, delayMs));
      (delayMs > 0 ? waited : Promise.resolve())
        .then(() => this.#handle(request, response))
        .catch(() => response.destroy());
    });
  }

  /** @param delayMs what every answer takes longer */
  static async start(delayMs = 0): Promise<StripeServer> {
    const server = new StripeServer(delayMs);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  account(secretKey: string): Account {
    const account = this.accounts.get(secretKey) ?? new Account();
    this.accounts.set(secretKey, account);
    return account;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const url = new URL(request.url ?? "/", this.url);
    const secretKey = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    if (!/^(sk|rk)_test_\w{8,}$/.test(secretKey)) {
      const message = `Invalid API Key provided: ${secretKey}`;
      send(response, { status: 401, body: { error: { type: "invalid_request_error", message } } });
      return;
    }
    const account = this.account(secretKey);
    if (!url.pathname.startsWith("/v1/")) {
      send(response, { status: 200, body: control(account, url.pathname, body) });
      return;
    }
    const params = new Map(request.method === "GET" ? url.searchParams : new URLSearchParams(body));
    if (this.isLost(params)) return;
    const asked: Asked = { method: request.method ?? "GET", path: url.pathname, params };
    const key = request.headers["idempotency-key"];
    await this.#answer(account, asked, typeof key === "string" ? key : null, response);
  }

  async #answer(
    account: Account,
    asked: Asked,
    key: string | null,
    response: ServerResponse,
  ): Promise<void> {
    const fault = account.faults.take();
    if (fault === "hang") return;
    if (fault === "drop_before") {
      response.destroy();
      return;
    }
    if (fault === "too_many") {
      send(response, refused(429, { code: "rate_limit" }), { "Retry-After": "1" });
      return;
    }
    if (fault === "conflict") {
      send(response, refused(409, { code: "lock_timeout" }));
      return;
    }
    const stored = key === null ? undefined : account.answers.get(key);
    const fingerprint = JSON.stringify([asked.path, ...asked.params]);
    if (stored !== undefined && stored.asked !== fingerprint) {
      send(response, refused(400, { type: "idempotency_error" }));
      return;
    }
    if (stored?.answer === null) {
      send(response, refused(409, { code: "idempotency_key_in_use" }));
      return;
    }
    if (stored !== undefined) {
      send(response, stored.answer, { "Idempotent-Replayed": "true" });
      return;
    }
    const entry = { asked: fingerprint, answer: null as Answer | null };
    if (key !== null) account.answers.set(key, entry);
    const answer = await worked(account, asked, fault);
    entry.answer = answer;
    // Like Stripe, it stores nothing under a key when it could not begin.
    if (key !== null && answer.status === 409) account.answers.delete(key);
    if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    if (fault === "drop_after") response.destroy();
    else if (fault === "garbled") response.writeHead(200).end('{"id": "pi_');
    else send(response, answer);
  }
}

async function worked(account: Account, asked: Asked, fault: Fault | null): Promise<Answer> {
  if (fault === "error_before") return refused(500, { type: "api_error" });
  try {
    const answer = await account.answer(asked);
    return fault === "error_after" ? refused(500, { type: "api_error" }) : answer;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: { error: error.error } };
  }
}

/** What tests look at and set. */
function control(account: Account, path: string, body: string): unknown {
  if (path === "/book") return { intents: [...account.intents.values()], refunds: account.refunds };
  if (path === "/events") return account.events.splice(0);
  if (path === "/forget") return account.answers.clear();
  const set = JSON.parse(body) as Partial<{
    share: number;
    seed: number;
    next: Account["faults"]["next"];
    searchLagMs: number;
    latencyMs: number;
  }>;
  const { share, seed, next, searchLagMs, latencyMs } = set;
  if (share !== undefined) account.faults.share = share;
  if (seed !== undefined) account.faults.seed = seed;
  if (next !== undefined) account.faults.next.push(...next);
  if (searchLagMs !== undefined) account.searchLagMs = searchLagMs;
  if (latencyMs !== undefined) account.latencyMs = latencyMs;
  return account.faults.counts;
}

function refused(status: number, error: Readonly<Record<string, string>>): Answer {
  const whole = { type: "invalid_request_error", message: "As the test asked for.", ...error };
  return { status, body: { error: whole } };
}

function send(
  response: ServerResponse,
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Request-Id": "req_x",
    ...headers,
  });
  response.end(JSON.stringify(body ?? null));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
