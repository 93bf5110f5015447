import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MailServer, type Fault, type Stage } from "../mail/mail-server.ts";
import type { Account } from "../stripe/account.ts";
import { StripeServer } from "../stripe/server.ts";
import type { Journal } from "./journal.ts";

const SECRET_KEY = `sk_test_${"referee".repeat(3)}`;
export const WEBHOOK_SECRET = "whsec_of_the_referee_only";
/** Answers that the gateway repeats under their keys; older ones it has forgotten. */
const KEPT_ANSWERS = 20_000;
/** So long a mail server that a marker stopped at waits before it answers, ms. */
const PAUSE_MS = 30;

const SMTP_FAULTS: Readonly<Record<Stage, readonly Fault[]>> = {
  connect: ["421 4.3.2 Busy"],
  mail: ["451 4.3.0 Try again"],
  rcpt: ["450 4.2.0 Greylisted", "drop"],
  data: ["drop"],
  dot: ["take-and-drop", "452 4.3.1 Full"],
};
/** Stages at which the mail server may misbehave with one mail, and each gets its share. */
const STAGES = 5;

/** Moments at which a kill hurts most, as the world outside sees them. */
export type Moment =
  | "gateway answered 200"
  | "mail taken, not answered"
  | "effect answered"
  | "gateway asked for the poisoned order";
/** No other order's id has this in it. */
export const POISONED_ORDER = "poisoned";

/** Everything that the server talks to, in this process: what it did there is remembered whatever dies. */
export class Outside {
  /** Of what is asked of it, this much goes wrong, 0 to 1. */
  faults = 0;
  /** The gateway answers nothing about the poisoned order. */
  isPoisoned = false;
  /** How often each did. */
  readonly counts: Record<string, number> = {};
  /** Called once at the next moment of its kind. */
  marker: { readonly moment: Moment; readonly act: () => void } | null = null;
  readonly #journal: Journal;
  readonly #random: () => number;
  readonly #gateway: StripeServer;
  readonly #receiver: Server;
  #mail: MailServer | null = null;

  private constructor(journal: Journal, random: () => number, gateway: StripeServer) {
    this.#journal = journal;
    this.#random = random;
    this.#gateway = gateway;
    gateway.isLost = (params) => {
      const isIt = [...params.values()].some((value) => value.includes(POISONED_ORDER));
      if (!this.isPoisoned || !isIt) return false;
      this.#reach("gateway asked for the poisoned order");
      return true;
    };
    gateway.onAnswered = (path, status) => {
      if (status === 200 && path.endsWith("/confirm")) this.#reach("gateway answered 200");
    };
    this.#receiver = createServer((request, response) => {
      request.resume();
      this.#receive(request.url ?? "", response);
    });
  }

  static async start(journal: Journal, random: () => number): Promise<Outside> {
    const outside = new Outside(journal, random, await StripeServer.start());
    await new Promise<void>((resolve) => {
      outside.#receiver.listen(0, "127.0.0.1", resolve);
    });
    outside.#mail = await MailServer.start({
      faultAt: (stage, to) => outside.#mailFault(stage, to),
    });
    return outside;
  }

  /** The settings by which the server finds all this. */
  get vars(): Readonly<Record<string, string>> {
    return {
      ...{
        PAYMENT_GATEWAY: "stripe",
        STRIPE_URL: this.#gateway.url,
        STRIPE_SECRET_KEY: SECRET_KEY,
      },
      ...{ WEBHOOK_SECRET, MAIL_TRANSPORT: "smtp", MAIL_FROM: "Shop <shop@example.com>" },
      ...{ SMTP_HOST: "127.0.0.1", SMTP_PORT: String(this.#mail?.port), SMTP_SECURITY: "none" },
    };
  }

  get receiverPort(): number {
    return (this.#receiver.address() as AddressInfo).port;
  }

  get account(): Account {
    return this.#gateway.account(SECRET_KEY);
  }

  setFaults(share: number, seed: number): void {
    this.faults = share;
    this.account.faults.share = share;
    this.account.faults.seed = seed;
  }

  /** Puts what the mail server has in memory into the journal, and has the gateway forget old answers. */
  spill(): void {
    const { answers } = this.account;
    for (const key of answers.keys()) {
      if (answers.size <= KEPT_ANSWERS) break;
      answers.delete(key);
    }
    this.#journal.flush();
  }

  /** The gateway's own book, order by order, for the last look. */
  writeCharges(): void {
    for (const { metadata, captures, amount } of this.account.intents.values()) {
      this.#journal.add("charge", metadata["order_id"] ?? "", captures, amount);
    }
  }

  async stop(): Promise<void> {
    this.#gateway.stop();
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    await this.#mail?.close();
  }

  #reach(moment: Moment): boolean {
    const { marker } = this;
    if (marker?.moment !== moment) return false;
    this.marker = null;
    marker.act();
    return true;
  }

  #isFault(what: string, share: number): boolean {
    if (this.#random() >= share) return false;
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    return true;
  }

  #receive(path: string, response: ServerResponse): void {
    if (this.#isFault("receiver 500", this.faults / 2)) {
      response.writeHead(500).end();
      return;
    }
    if (this.#isFault("receiver dropped", this.faults / 2)) {
      response.destroy();
      return;
    }
    this.#journal.add("effect", path.replace("/effects/", ""), Date.now());
    response.writeHead(204).end(() => this.#reach("effect answered"));
  }

  #mailFault(stage: Stage, to: string): Fault | null {
    const own = SMTP_FAULTS[stage];
    if (this.#isFault(`smtp ${stage}`, this.faults / STAGES)) {
      const fault = own[Math.floor(this.#random() * own.length)] ?? null;
      if (fault === "take-and-drop") this.#journal.add("lost", to);
      return fault;
    }
    return stage === "dot" && this.#reach("mail taken, not answered") ? PAUSE_MS : null;
  }

  /** Every mail that was taken since the last look. */
  takeMails(): void {
    for (const { raw, to } of this.#mail?.book.splice(0) ?? []) {
      const id = /^Message-ID:\s*(<[^>]+>)/im.exec(raw.toString("latin1"))?.[1] ?? "none";
      this.#journal.add("mail", id, to, Date.now());
    }
  }
}
