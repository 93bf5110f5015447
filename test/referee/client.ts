import { Agent, request } from "node:http";
import type { Outcome } from "./journal.ts";

/** So long an answer may take, ms. */
const TIMEOUT_MS = 30_000;
const SOCKETS = 128;

/** What became of a request: unknown, when it went out and no answer below 500 came back. */
export interface Answered {
  readonly outcome: Outcome;
  /** 0: there was no answer. */
  readonly status: number;
  readonly text: string;
}

/** A client on kept-alive connections that says of every call how it ended, and never throws. */
export class Client {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });

  constructor(url: string) {
    this.#url = url;
  }

  get(path: string): Promise<Answered> {
    return this.#call("GET", path, undefined, {});
  }

  post(
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.#call("POST", path, text, { "Content-Type": "application/json", ...headers });
  }

  /** @throws Error when the answer is no success: for what has to be there before anything is measured */
  async need<Body>(answered: Promise<Answered>): Promise<Body> {
    const { outcome, status, text } = await answered;
    if (outcome !== "ok") throw new Error(`${status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as Body;
  }

  close(): void {
    this.#agent.destroy();
  }

  #call(
    method: string,
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answered> {
    return new Promise((resolve) => {
      const options = { agent: this.#agent, method, headers, timeout: TIMEOUT_MS };
      const sent = request(`${this.#url}${path}`, options, (answer) => {
        const { statusCode: status = 0 } = answer;
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => {
          text += part;
        });
        answer.once("end", () => {
          resolve({ outcome: outcomeOf(status), status, text });
        });
        answer.once("error", () => {
          resolve({ outcome: "unknown", status: 0, text: "" });
        });
      });
      sent.once("timeout", () => sent.destroy(new Error("timeout")));
      sent.once("error", (error: NodeJS.ErrnoException) => {
        // Nobody was there to take it.
        const outcome = error.code === "ECONNREFUSED" ? "fail" : "unknown";
        resolve({ outcome, status: 0, text: String(error.code ?? error.message) });
      });
      sent.end(body);
    });
  }
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return "ok";
  return status >= 500 ? "unknown" : "fail";
}
