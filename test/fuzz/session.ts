import { operationsOf, type OpenApi, type Placed } from "./document.ts";
import { chance, RequestMaker, type MadeRequest } from "./requests.ts";
import { Judge, type ReadAnswer } from "./verdict.ts";

/** Requests that are under way at once. */
const AT_ONCE = 12;
const TIMEOUT_MS = 15_000;
const PERSON = {
  username: "fuzzed",
  email: "fuzzed@example.com",
  password: "correct horse 9 battery",
};

const PREPARED: readonly (readonly [path: string, body: unknown])[] = [
  ...Array.from(
    { length: 4 },
    (_none, id) =>
      [
        "/api/create-order",
        { orderId: `f-${id}`, userId: 1, totalAmount: 15, customerEmail: "customer@example.com" },
      ] as const,
  ),
  ["/api/task/apply/process_data", { kwargs: { data: "fuzzed" } }],
  ["/api/task/apply/process_payment", { args: ["none"] }],
  ["/api/task/async-apply/process_data", { kwargs: { data: "fuzzed" }, countdown: 900 }],
  [
    "/api/schedules",
    { name: "fuzzed", task: "process_data", args: ["x"], interval: { every: 1, period: "hours" } },
  ],
];

export interface FuzzReport {
  readonly sent: number;
  /** One line each. */
  readonly faults: readonly string[];
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Operations that were done at least once: `GET /api/tasks`. */
  readonly done: ReadonlySet<string>;
}

/** Sends made-up requests to a deployment that is open, as its operator and as somebody with an account. */
export class FuzzSession {
  readonly #url: string;
  readonly #random: () => number;
  readonly #maker: RequestMaker;
  readonly #judge: Judge;
  readonly #operations: readonly Placed[];
  readonly #faults: string[] = [];
  readonly #statuses: Record<number, number> = {};
  readonly #done = new Set<string>();
  #token = "";
  #sent = 0;

  private constructor(url: string, document: OpenApi, seed: number) {
    this.#url = url;
    this.#random = chance(seed);
    this.#maker = new RequestMaker(document, this.#random);
    this.#judge = new Judge(document);
    this.#operations = operationsOf(document);
  }

  static async open(url: string, seed: number): Promise<FuzzSession> {
    const answer = await fetch(`${url}/openapi.json`);
    const document = await answer.json<OpenApi>();
    const session = new FuzzSession(url, document, seed);
    await session.#post("/api/register", PERSON);
    await session.#signIn();
    await session.#prepare();
    return session;
  }

  /** Requests to every operation in turn, until so many are sent or the time (ms) is up. */
  async run(most: number, forMs: number): Promise<FuzzReport> {
    const end = performance.now() + forMs;
    const sender = async () => {
      while (this.#sent < most && performance.now() < end) {
        const placed = this.#operations[this.#sent % this.#operations.length];
        this.#sent += 1;
        if (placed !== undefined) await this.#try(placed, this.#maker.make(placed));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
    return {
      sent: this.#sent,
      faults: this.#faults,
      statuses: this.#statuses,
      done: this.#done,
    };
  }

  /** So that there is something of everything. */
  async #prepare(): Promise<void> {
    for (const [path, body] of PREPARED) {
      const answer = await this.#post(path, body);
      this.#maker.hear(path, await answer.json());
    }
    for (const placed of this.#operations) {
      const example = placed.operation.requestBody?.content["application/json"]?.example;
      if (example === undefined || placed.path.includes("{")) continue;
      const { method, path } = placed;
      const headers = { "Content-Type": "application/json" };
      await this.#try(placed, { method, path, headers, body: JSON.stringify(example) });
    }
  }

  async #try(placed: Placed, request: MadeRequest): Promise<void> {
    const isPerson = this.#random() < 0.3;
    const { method, path, headers, body } = request;
    let answer: ReadAnswer;
    try {
      answer = await this.#send(request, isPerson);
    } catch (error) {
      this.#faults.push(`${shown(request)}: no answer: ${String(error)}`);
      return;
    }
    const { status, type, text } = answer;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    const fault = this.#judge.fault(placed, answer);
    if (fault !== null) this.#faults.push(`${shown({ method, path, headers, body })}: ${fault}`);
    if (status < 300) this.#done.add(`${placed.method} ${placed.path}`);
    if (status < 300 && type === "application/json") this.#maker.hear(path, JSON.parse(text));
    // It was signed out, or its sessions were ended.
    if (status === 401 && isPerson) await this.#signIn();
    // The rest is to go on.
    if (placed.path.endsWith("shutdown") || placed.path.includes("/shutdown/")) {
      await this.#post("/api/control/start", {});
    }
  }

  async #send(
    { method, path, headers, body }: MadeRequest,
    isPerson: boolean,
  ): Promise<ReadAnswer> {
    const who: Record<string, string> = isPerson ? { Authorization: `Bearer ${this.#token}` } : {};
    const answer = await fetch(this.#url + path, {
      method,
      headers: { ...headers, ...who },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const type = answer.headers.get("Content-Type")?.split(";")[0] ?? "";
    if (type !== "text/event-stream")
      return { status: answer.status, type, text: await answer.text() };
    await answer.body?.cancel();
    return { status: answer.status, type, text: "" };
  }

  async #signIn(): Promise<void> {
    const { username, password } = PERSON;
    const answer = await this.#post("/api/login", { username, password });
    if (answer.ok) this.#token = (await answer.json<{ token: string }>()).token;
  }

  #post(path: string, body: unknown): Promise<Response> {
    return fetch(this.#url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }
}

function shown({ method, path, headers, body }: MadeRequest): string {
  const text = body === null ? "" : typeof body === "string" ? body : "bytes";
  return `${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${text.slice(0, 300)}`;
}
