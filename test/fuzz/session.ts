import type { Asker, MadeRequest } from "./requests.ts";
import { Campaign, type ReadAnswer, type Report, type Target } from "./campaign.ts";
import { operationsOf, type OpenApi } from "./document.ts";
import { PERSON, PREPARED } from "./prepared.ts";
import { Judge } from "./verdict.ts";

const TIMEOUT_MS = 15_000;

/** Sends made-up requests over HTTP to a deployment that is open, as its operator and as somebody with an account. */
export class FuzzSession implements Target {
  readonly #url: string;
  readonly #judge: Judge;
  readonly #campaign: Campaign;
  #token = "";

  private constructor(url: string, document: OpenApi) {
    this.#url = url;
    this.#judge = new Judge(document);
    this.#campaign = new Campaign(this, document, operationsOf(document));
  }

  static async open(url: string): Promise<FuzzSession> {
    const answer = await fetch(`${url}/openapi.json`);
    const session = new FuzzSession(url, await answer.json<OpenApi>());
    await session.#post("/api/register", PERSON);
    await session.#signIn();
    await session.#campaign.prepare(PREPARED);
    return session;
  }

  /** See `Campaign.run`. */
  run(requests: number, seed: number, forMs: number): Promise<Report> {
    return this.#campaign.run(requests, seed, forMs);
  }

  async send({ method, path, headers, body }: MadeRequest, asker: Asker): Promise<ReadAnswer> {
    const token = asker === "person" ? this.#token : "lv_nobody_nothing";
    const who: Record<string, string> =
      asker === "operator" ? {} : { Authorization: `Bearer ${token}` };
    const answer = await asked(this.#url + path, {
      method,
      headers: { ...who, ...sendable(headers) },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // It was signed out, or its sessions were ended.
    if (answer.status === 401 && asker === "person") await this.#signIn();
    const type = answer.headers.get("Content-Type")?.split(";")[0] ?? "";
    if (type !== "text/event-stream") {
      return { status: answer.status, type, text: await answer.text() };
    }
    await answer.body?.cancel();
    return { status: answer.status, type, text: "" };
  }

  fault: Target["fault"] = async (placed, _request, answer) => this.#judge.fault(placed, answer);

  async start(): Promise<void> {
    await this.#post("/api/control/start", {});
  }

  async #signIn(): Promise<void> {
    const { username, password } = PERSON;
    const answer = await this.#post("/api/login", { username, password });
    if (answer.ok) this.#token = (await answer.json<{ token: string }>()).token;
  }

  #post(path: string, body: unknown): Promise<Response> {
    return asked(this.#url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }
}

/**
 * Once more where the connection was closed meanwhile: the server ends it when it refused a body that it did not read,
 * and the client may have taken it for the next request. A server that is gone is gone the second time too.
 */
async function asked(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    if (code !== "UND_ERR_SOCKET" && code !== "ECONNRESET" && code !== "EPIPE") throw error;
    return fetch(url, init);
  }
}

/** Node's client sends neither of these as somebody says them. */
function sendable(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.filter(([name]) => !/^(content-length|expect)$/i.test(name)));
}
