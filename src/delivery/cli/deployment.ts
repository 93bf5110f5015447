import { eventsOf, type ServerEvent } from "./server-events.ts";
import { RefusedError, UnreachableError, UsageError } from "./failures.ts";

/** How long an answer may take, when nobody says. */
export const TIMEOUT_MS = 15_000;

export interface DeploymentOptions {
  readonly url: string;
  /** Null: where access is open. */
  readonly token: string | null;
  /** Ends every request. */
  readonly signal: AbortSignal;
  /** How long an answer may take where a request doesn't say. */
  readonly timeoutMs: number;
}

/** Parameters of a request; those that are undefined are left out, lists are given more than once. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Request {
  readonly query?: Query;
  readonly body?: unknown;
  /** How long an answer may take; null: as long as it takes. */
  readonly timeoutMs?: number | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A deployment, over HTTP. The only file that knows how it is talked to. */
export class Deployment {
  readonly url: string;
  readonly #token: string | null;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;

  /** @throws UsageError for an address or a token that can't be one */
  constructor({ url, token, signal, timeoutMs }: DeploymentOptions) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
      throw new UsageError(
        `'${url}' is no address of a deployment: give one as https://shop.example.com.`,
      );
    }
    if (token !== null && !/^[!-~]{1,200}$/.test(token)) {
      throw new UsageError("The token has characters that no token has.");
    }
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  get<Answer>(path: string, request: Request = {}): Promise<Answer> {
    return this.#json<Answer>("GET", path, request);
  }

  post<Answer>(path: string, body: unknown, request: Request = {}): Promise<Answer> {
    return this.#json<Answer>("POST", path, { ...request, body });
  }

  /** Null: it is done, and what it was done to the token may not read. */
  async change<Answer>(path: string, body: unknown): Promise<Answer | null> {
    const answer = await this.#send("POST", path, { body });
    return answer.status === 204 ? null : this.#read<Answer>(path, answer);
  }

  patch<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#json<Answer>("PATCH", path, { body });
  }

  async delete(path: string): Promise<void> {
    await this.#send("DELETE", path, {});
  }

  /** Null: there is no such thing here. */
  async find<Answer>(path: string, request: Request = {}): Promise<Answer | null> {
    try {
      return await this.get<Answer>(path, request);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return null;
      throw error;
    }
  }

  /** Server-sent events until either side ends; there as soon as the deployment has agreed. */
  async events(path: string, query: Query): Promise<AsyncIterable<ServerEvent>> {
    const request = { query, timeoutMs: null, headers: { Accept: "text/event-stream" } };
    const { body } = await this.#send("GET", path, request);
    return this.#eventsIn(body);
  }

  async *#eventsIn(body: Response["body"]): AsyncGenerator<ServerEvent> {
    if (body === null) return;
    try {
      yield* eventsOf(body);
    } catch (error) {
      throw this.#failure(error, null);
    }
  }

  async #json<Answer>(method: string, path: string, request: Request): Promise<Answer> {
    return this.#read<Answer>(path, await this.#send(method, path, request));
  }

  async #read<Answer>(path: string, answer: Response): Promise<Answer> {
    try {
      return (await answer.json()) as Answer;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw this.#failure(error, null);
      throw this.#stranger(`answered ${path} with something that is not JSON`);
    }
  }

  async #send(method: string, path: string, request: Request): Promise<Response> {
    const { query = {}, body, timeoutMs = this.#timeoutMs } = request;
    const headers = new Headers(request.headers);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    const signals = timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)];
    const answer = await fetch(this.url + path + queryText(query), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([this.#signal, ...signals]),
    }).catch((error: unknown) => {
      throw this.#failure(error, timeoutMs);
    });
    if (answer.ok) return answer;
    throw await this.#refusal(answer);
  }

  async #refusal(answer: Response): Promise<Error> {
    const text = await answer.text().catch(() => "");
    if (!(answer.headers.get("Content-Type") ?? "").includes("problem+json")) {
      return this.#stranger(`answered ${answer.status} ${answer.statusText}`.trim());
    }
    const {
      code = "",
      detail = "",
      errors = [],
    } = JSON.parse(text) as Partial<{
      code: string;
      detail: string;
      errors: { field: string; message: string }[];
    }>;
    return new RefusedError(answer.status, { code, detail, errors });
  }

  /** Why there is no answer; an interruption stays what it is. */
  #failure(error: unknown, timeoutMs: number | null): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    const { name, cause } = error as Error;
    if (name === "TimeoutError") {
      const seconds = (timeoutMs ?? 0) / 1_000;
      return new UnreachableError(`${this.url} gave no answer within ${seconds} s.`);
    }
    const { code = "", message = (error as Error).message } = (cause ?? {}) as Partial<Error> & {
      code?: string;
    };
    const why = WHY[code] ?? (message || code);
    return new UnreachableError(`Nothing answers at ${this.url}: ${why}.`, [
      "Start one with: npm start. Or say where it is: --url, or set LOVAGE_URL.",
    ]);
  }

  #stranger(what: string): UnreachableError {
    return new UnreachableError(`${this.url} ${what}: is it a Lovage deployment?`);
  }
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host's name can't be resolved just now",
};

function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}
