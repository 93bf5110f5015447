/** What is sent to the API, as far as it matters. */
export interface ResendRequest {
  readonly path: string;
  readonly authorization: string;
  readonly key: string;
  readonly isPermissive: boolean;
  readonly body: string;
}

/** `drop`: the connection closes without an answer; `hang`: none ever comes. */
export type ResendReply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | "drop"
  | "hang";

/** What goes wrong with a request, before the mails are taken or after. */
export type ResendFault =
  | "rate_limit"
  | "rate_limit_briefly"
  | "daily_quota"
  | "monthly_quota"
  | "concurrent"
  | "refused"
  | "error_before"
  | "error_after"
  | "error_stored"
  | "drop_before"
  | "drop_after"
  | "hang_after"
  | "garbage_after"
  | "endless_after";

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A mail that was taken. */
export interface TakenMail extends Mail {
  readonly id: string;
  /** The idempotency key that it came under. */
  readonly key: string;
}

export const RESEND_KEY = "re_test_0123456789";
const KEY_WINDOW_MS = 24 * 3_600_000;
/**
 * Resend's sending API with a book of its own: keys are remembered for a day, a batch is permissive when it says so,
 * and errors have the names and codes of its reference. Mail to `bad…@` is refused by itself.
 */
export class FakeResend {
  readonly taken: TakenMail[] = [];
  /** Every request that came with the right key. */
  readonly requests: ResendRequest[] = [];
  apiKey = RESEND_KEY;
  verifiedDomain = "shop.example.com";
  now: () => number;
  fault: (request: ResendRequest) => ResendFault | null = () => null;
  readonly #answers = new Map<string, { body: string; reply: ResendReply; at: number }>();

  constructor(now: () => number = () => Date.now()) {
    this.now = now;
  }

  handle(request: ResendRequest): ResendReply {
    if (request.authorization === "") return error(401, "missing_api_key");
    if (request.authorization !== `Bearer ${this.apiKey}`) {
      return error(403, "invalid_api_key", `API key is invalid: ${request.authorization}`);
    }
    this.requests.push(request);
    const fault = this.fault(request);
    const refusal = fault === null ? null : refusalOf(fault);
    if (refusal !== null) return refusal;
    const known = this.#answers.get(request.key);
    if (known !== undefined && this.now() - known.at < KEY_WINDOW_MS) {
      if (known.body !== request.body) return error(409, "invalid_idempotent_request");
      return fault === null ? known.reply : spoiled(fault, known.reply);
    }
    const reply =
      fault === "error_stored" ? error(500, "internal_server_error") : this.#take(request);
    this.#answers.set(request.key, { body: request.body, reply, at: this.now() });
    return fault === null ? reply : spoiled(fault, reply);
  }

  /** As a Worker or a test calls it, without a network. */
  readonly fetch = async (url: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    const reply = this.handle({
      path: new URL(request.url).pathname,
      authorization: request.headers.get("Authorization") ?? "",
      key: request.headers.get("Idempotency-Key") ?? "",
      isPermissive: request.headers.get("x-batch-validation") === "permissive",
      body: await request.text(),
    });
    if (reply === "drop") throw new TypeError("Network connection lost.");
    if (reply === "hang") throw new DOMException("The operation timed out.", "TimeoutError");
    const headers = new Headers(reply.headers);
    return new Response(reply.body, { status: reply.status, headers });
  };

  #take({ path, key, isPermissive, body }: ResendRequest): ResendReply {
    if (path === "/emails") {
      const mail = JSON.parse(body) as Mail;
      const refusal = this.#refusalOf(mail);
      if (refusal !== null) return error(refusal.status, "validation_error", refusal.message);
      return { status: 200, body: JSON.stringify({ id: this.#write(mail, key) }) };
    }
    if (path !== "/emails/batch") return error(404, "not_found");
    const mails = JSON.parse(body) as Mail[];
    const refusals = mails.map((mail) => this.#refusalOf(mail));
    const first = refusals.find((refusal) => refusal !== null);
    if (first !== undefined && (!isPermissive || first.status === 403)) {
      return error(first.status, "validation_error", first.message);
    }
    const data = mails.flatMap((mail, index) =>
      refusals[index] === null ? [{ id: this.#write(mail, key) }] : [],
    );
    const errors = refusals.flatMap((refusal, index) =>
      refusal === null ? [] : [{ index, message: refusal.message }],
    );
    return { status: 200, body: JSON.stringify({ data, errors }) };
  }

  #refusalOf({ from, to }: Mail): { status: number; message: string } | null {
    if (!from.includes(`@${this.verifiedDomain}`)) {
      return { status: 403, message: `The ${from} domain is not verified.` };
    }
    return (to[0] ?? "").startsWith("bad") ? { status: 422, message: "Invalid `to` field." } : null;
  }

  #write(mail: Mail, key: string): string {
    const id = `id-${this.taken.length + 1}`;
    this.taken.push({ ...mail, id, key });
    return id;
  }
}

function error(
  status: number,
  name: string,
  message = `This is ${name}.`,
  headers: Record<string, string> = {},
): ResendReply {
  return { status, headers, body: JSON.stringify({ statusCode: status, name, message }) };
}

/** What is said when nothing was taken. */
function refusalOf(fault: ResendFault): ResendReply | null {
  const refusals: Partial<Record<ResendFault, ResendReply>> = {
    rate_limit: error(429, "rate_limit_exceeded", "Too many requests.", { "retry-after": "120" }),
    rate_limit_briefly: error(429, "rate_limit_exceeded", "Slowly.", { "retry-after": "1" }),
    daily_quota: error(429, "daily_quota_exceeded", "Too many mails.", { "retry-after": "40000" }),
    monthly_quota: error(429, "monthly_quota_exceeded"),
    concurrent: error(409, "concurrent_idempotent_requests"),
    refused: error(422, "validation_error", "There is something wrong with it."),
    error_before: error(503, "application_error"),
    drop_before: "drop",
  };
  return refusals[fault] ?? null;
}

/** What comes of an answer on its way. */
function spoiled(fault: ResendFault, reply: ResendReply): ResendReply {
  const spoilt: Partial<Record<ResendFault, ResendReply>> = {
    error_after: error(500, "internal_server_error"),
    drop_after: "drop",
    hang_after: "hang",
    garbage_after: { status: 200, body: '{"data": [{"id": "only-one"}]' },
    endless_after: { status: 200, body: `{"data": "${"x".repeat(2_000_000)}"}` },
  };
  return spoilt[fault] ?? reply;
}
