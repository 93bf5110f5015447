import { FaultPlan } from "./fault-plan.ts";
import { eventOf, intentView, refundView, type Event, type Intent, type Refund } from "./shapes.ts";

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What a request asks, its form decoded flat: `metadata[order_id]` is a name. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
}

/** A refusal, in Stripe's shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: Readonly<Record<string, unknown>>;

  constructor(status: number, error: Readonly<Record<string, unknown>>) {
    super(String(error["message"]));
    this.status = status;
    this.error = { type: "invalid_request_error", ...error };
  }
}

/** Stripe's test cards that say no, with the code and words that it says it with. */
const DECLINES = new Map([
  ["pm_card_visa_chargeDeclined", ["card_declined", "generic_decline", "Your card was declined."]],
  [
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    ["card_declined", "insufficient_funds", "Your card has insufficient funds."],
  ],
  [
    "pm_card_authenticationRequired",
    [
      "authentication_required",
      "authentication_required",
      "Your card was declined. It asks for you.",
    ],
  ],
]);
const CARDS = /^(pm_card_\w+|pm_\w+|card_\w+)$/;
const MISSING_CARD = "pm_missing";
/** One of no card of Stripe's: the payment is at work and never ends. */
const ENDLESS_CARD = "pm_endless";

/**
 * One account of the stand-in for Stripe's API: its own book, by the rules of Stripe's payment intents. Shapes are
 * those of stripe/openapi's fixtures (openapi/fixtures3.json) and of the SDK's types.
 */
export class Account {
  readonly intents = new Map<string, Intent>();
  readonly refunds: Refund[] = [];
  readonly events: Event[] = [];
  readonly faults = new FaultPlan();
  /** What was answered under idempotency keys; null: it is being worked on. */
  readonly answers = new Map<string, { readonly asked: string; answer: Answer | null }>();
  /** Milliseconds until a new intent is found by a search. */
  searchLagMs = 0;
  /** Milliseconds that a confirm takes, its intent locked meanwhile. */
  latencyMs = 0;
  #count = 0;

  async answer(asked: Asked): Promise<Answer> {
    const [, , , id, action] = asked.path.split("/");
    const isIntents = asked.path.startsWith("/v1/payment_intents");
    if (asked.path === "/v1/refunds" && asked.method === "POST")
      return ok(this.#refund(asked.params));
    if (!isIntents) throw missing("url", asked.path);
    if (asked.method === "GET") {
      if (id === undefined) return ok(this.#list(asked.params));
      if (id === "search") return ok(this.#search(asked.params.get("query") ?? ""));
      return ok(this.#view(this.#intent(id), asked.params));
    }
    if (id === undefined) return ok(intentView(this.#create(asked.params), []));
    const intent = this.#intent(id);
    if (action === "confirm") return ok(await this.#confirm(intent, asked.params));
    if (action === "cancel") return ok(this.#cancel(intent, asked.params));
    throw missing("url", asked.path);
  }

  #create(params: Asked["params"]): Intent {
    const amount = Number(params.get("amount"));
    const currency = params.get("currency") ?? "";
    if (!Number.isInteger(amount) || amount < 50) {
      throw new Refusal(400, { code: "amount_too_small", param: "amount", message: "Too small." });
    }
    if (!/^[a-z]{3}$/.test(currency)) {
      throw new Refusal(400, { param: "currency", message: "Invalid currency." });
    }
    const metadata = Object.fromEntries(
      Array.from(params).flatMap(([name, value]) => {
        const key = /^metadata\[(\w+)\]$/.exec(name)?.[1];
        return key === undefined ? [] : [[key, value]];
      }),
    );
    const intent: Intent = {
      ...{ id: this.#id("pi"), amount, currency, metadata, created: seconds() },
      ...{ description: params.get("description") ?? null, createdMs: Date.now() },
      ...{ status: "requires_payment_method", lastError: null, captures: 0, confirms: 0 },
      ...{ isLocked: false, chargeId: null, paymentMethod: null },
    };
    this.intents.set(intent.id, intent);
    return intent;
  }

  async #confirm(intent: Intent, params: Asked["params"]): Promise<unknown> {
    this.#checkLock(intent);
    if (!intent.status.startsWith("requires_")) throw unexpectedState(intent, "confirm");
    const card = params.get("payment_method") ?? intent.paymentMethod;
    if (card === null) {
      throw new Refusal(400, { code: "payment_intent_unexpected_state", message: "No method." });
    }
    if (card === MISSING_CARD || !CARDS.test(card)) throw missing("payment_method", card);
    if (this.latencyMs > 0) {
      intent.isLocked = true;
      await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
      intent.isLocked = false;
    }
    intent.confirms += 1;
    intent.paymentMethod = card;
    const decline = DECLINES.get(card);
    if (decline !== undefined) throw this.#decline(intent, decline);
    if (card === ENDLESS_CARD) {
      intent.status = "processing";
      return this.#view(intent, params);
    }
    intent.status = "succeeded";
    intent.captures += 1;
    intent.chargeId = this.#id("ch");
    this.#tell("payment_intent.succeeded", intentView(intent, this.refunds));
    return this.#view(intent, params);
  }

  #decline(
    intent: Intent,
    [code = "", declineCode = "", message = ""]: readonly string[],
  ): Refusal {
    intent.status = "requires_payment_method";
    intent.paymentMethod = null;
    intent.lastError = { type: "card_error", code, decline_code: declineCode, message };
    this.#tell("payment_intent.payment_failed", intentView(intent, this.refunds));
    return new Refusal(402, {
      ...intent.lastError,
      payment_intent: intentView(intent, this.refunds),
    });
  }

  #cancel(intent: Intent, params: Asked["params"]): unknown {
    this.#checkLock(intent);
    if (!intent.status.startsWith("requires_")) throw unexpectedState(intent, "cancel");
    intent.status = "canceled";
    this.#tell("payment_intent.canceled", intentView(intent, this.refunds));
    return this.#view(intent, params);
  }

  #refund(params: Asked["params"]): unknown {
    const intent = this.#intent(params.get("payment_intent") ?? "");
    if (intent.chargeId === null) {
      throw new Refusal(400, { message: "This PaymentIntent does not have a successful charge." });
    }
    const given = this.refunds
      .filter(({ intentId }) => intentId === intent.id)
      .reduce((sum, refund) => sum + refund.amount, 0);
    const left = intent.amount - given;
    const amount = Number(params.get("amount") ?? left);
    if (left === 0) {
      const message = `Charge ${intent.chargeId} has already been refunded.`;
      throw new Refusal(400, { code: "charge_already_refunded", message });
    }
    if (amount > left) {
      throw new Refusal(400, {
        param: "amount",
        message: "Refund amount is greater than unrefunded.",
      });
    }
    const refund: Refund = {
      ...{ id: this.#id("re"), intentId: intent.id, chargeId: intent.chargeId, amount },
      ...{ currency: intent.currency, created: seconds() },
    };
    this.refunds.push(refund);
    const { latest_charge: charge } = intentView(intent, this.refunds);
    this.#tell("charge.refunded", charge);
    return refundView(refund);
  }

  #list(params: Asked["params"]): unknown {
    const from = Number(params.get("created[gte]") ?? 0);
    const until = Number(params.get("created[lt]") ?? Infinity);
    const limit = Number(params.get("limit") ?? 10);
    const all = [...this.intents.values()]
      .filter(({ created }) => created >= from && created < until)
      .toReversed();
    const after = params.get("starting_after");
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const data = all.slice(start, start + limit).map((intent) => intentView(intent, this.refunds));
    const hasMore = all.length > start + limit;
    return { object: "list", url: "/v1/payment_intents", has_more: hasMore, data };
  }

  /** Eventually consistent, as Stripe's is: what is younger than the lag is not found. Letters' case is no matter. */
  #search(query: string): unknown {
    const [, name = "", json = '""'] = /^metadata\["(\w+)"\]:(".*")$/.exec(query) ?? [];
    const wanted = (JSON.parse(json) as string).toLowerCase();
    const data = [...this.intents.values()]
      .filter(({ metadata }) => metadata[name]?.toLowerCase() === wanted)
      .filter(({ createdMs }) => createdMs + this.searchLagMs <= Date.now())
      .map((intent) => intentView(intent, []));
    return { object: "search_result", url: "/v1/payment_intents/search", has_more: false, data };
  }

  #view(intent: Intent, params: Asked["params"]): unknown {
    const view = intentView(intent, this.refunds);
    const isExpanded = params.get("expand[0]") === "latest_charge";
    return isExpanded ? view : { ...view, latest_charge: intent.chargeId };
  }

  #intent(id: string): Intent {
    const intent = this.intents.get(id);
    if (intent === undefined) throw missing("intent", id);
    return intent;
  }

  #checkLock({ isLocked }: Intent): void {
    if (isLocked)
      throw new Refusal(409, { code: "lock_timeout", message: "It is being worked on." });
  }

  #tell(type: string, object: unknown): void {
    this.events.push(eventOf(this.#id("evt"), type, object));
  }

  #id(prefix: string): string {
    this.#count += 1;
    return `${prefix}_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}${this.#count}`;
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function missing(param: string, id: string): Refusal {
  const message = `No such ${param}: '${id}'`;
  return new Refusal(param === "payment_method" ? 400 : 404, {
    code: "resource_missing",
    param,
    message,
  });
}

function unexpectedState({ id, status }: Intent, verb: string): Refusal {
  const message = `You cannot ${verb} PaymentIntent ${id} because it has a status of ${status}.`;
  return new Refusal(400, { code: "payment_intent_unexpected_state", message });
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}
