import { env } from "cloudflare:workers";
import type { AnyTaskDefinition, TaskContext } from "#engine";
import {
  changeTransaction,
  createTransaction,
  decideVerification,
  submitVerification,
  type Actor,
  type Command,
} from "#domain/escrow";
import type { MailTransport } from "#domain/mail";
import { shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { Remembered } from "./remembered.ts";
import { createShop, rows } from "./shop.ts";

export const DAY_MS = 86_400_000;
/** A Monday, 02:00 UTC. */
export const BEGIN = Date.UTC(2027, 0, 4, 2);

const BUYER = 1;
const SELLER = 2;
export const buyer: Actor = { owner: "user:1", userId: BUYER, isShop: false };
export const seller: Actor = { owner: "user:2", userId: SELLER, isShop: false };
export const shopActor: Actor = { owner: "shop", userId: null, isShop: true };

const TABLES = [
  ...["escrow_transactions", "escrow_milestones", "escrow_events", "escrow_entries"],
  ...["seller_verifications", "users", "emails", "outbox"],
];

export async function emptyEscrow(): Promise<void> {
  await env.DB.batch(TABLES.map((name) => env.DB.prepare(`DELETE FROM ${name}`)));
}

/** Accounts, the odd ones English, the even ones of the deployment's language. */
export async function addUsers(...ids: number[]): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO users (id, username, email, first_name, last_name, password_hash, role, locale,
       created_at) SELECT value, 'user' || value, 'user' || value || '@example.com', '', '', '',
       'user', iif(value % 2 = 1, 'en', NULL), 0 FROM json_each(?)`,
  )
    .bind(JSON.stringify(ids))
    .run();
}

/** An escrow with a clock that stands where the test says. */
export function createEscrow(
  over: {
    readonly database?: D1Database;
    readonly transport?: MailTransport;
    readonly services?: Partial<ShopServices>;
  } = {},
) {
  const time = { now: BEGIN };
  const clock = { now: () => time.now };
  const shop = createShop({ ...over, services: { clock, ...over.services } });
  const { db, outbox, services, lovage } = shop;
  const running: Promise<void>[] = [];
  const background = (work: Promise<void>) => void running.push(work.catch(() => undefined));
  const parts = { db, outbox, clock, lovage, background };
  const effects = new Map<string, Remembered>();
  const change = (actor: Actor, id: string, command: Partial<Command> & Pick<Command, "event">) =>
    changeTransaction(parts, actor, id, { milestone: null, detail: null, ...command });
  const create = (
    milestones: readonly number[] = [10_000, 5_000],
    { buyerId = BUYER, sellerId = SELLER, requestKey = null as string | null, title = "Deal" } = {},
  ) =>
    createTransaction(parts, buyer, {
      ...{ buyerId, sellerId, title, currency: "USD", requestKey },
      milestones: milestones.map((amountMinor, index) => ({
        title: `Part ${index + 1}`,
        amountMinor,
      })),
    });
  return {
    ...shop,
    time,
    parts,
    create,
    change,
    /** A new transaction's id. */
    async created(...args: Parameters<typeof create>): Promise<string> {
      const answer = await create(...args);
      if (!("found" in answer)) throw new Error(answer.kind);
      return answer.found.transaction.id;
    },
    async verify(userId = SELLER): Promise<void> {
      const submission = { legalName: "Seller Ltd", country: "DE", details: "HRB 1" };
      await submitVerification(parts, seller, userId, submission);
      await decideVerification(parts, shopActor, userId, { isVerified: true, reason: null });
    },
    /** Funds it with a payment of its own, and lets the seller start. */
    async start(id: string): Promise<void> {
      await change(shopActor, id, { event: "fund", detail: `payment of ${id}` });
      await change({ ...seller, userId: await sellerOf(id) }, id, { event: "start" });
    },
    settled: () => Promise.all(running),
    /** Runs a task's handler, as a consumer does. */
    run: (name: string, kwargs: object = {}, taskId: string = crypto.randomUUID()) => {
      const remembered = effects.get(taskId) ?? new Remembered();
      effects.set(taskId, remembered);
      return runTask(services, lovage, name, kwargs, { taskId, once: remembered.once });
    },
  };
}

async function runTask(
  services: ShopServices,
  lovage: TaskContext<ShopServices>["lovage"],
  name: string,
  kwargs: object,
  own: Pick<TaskContext<ShopServices>, "taskId" | "once">,
): Promise<Record<string, unknown>> {
  const tasks: readonly AnyTaskDefinition<ShopServices>[] = shopTasks;
  const task = tasks.find((each) => each.name === name);
  const signal = new AbortController().signal;
  const ctx = { ...own, name, lovage, signal, services, log: () => undefined };
  const params: unknown = task?.params.parse(kwargs);
  return (await task?.handler?.(params, ctx as unknown as TaskContext<ShopServices>)) as Promise<
    Record<string, unknown>
  >;
}

async function sellerOf(id: string): Promise<number> {
  const [row] = await rows<{ seller_id: number }>(
    "SELECT seller_id FROM escrow_transactions WHERE id = ?",
    id,
  );
  return row?.seller_id ?? SELLER;
}

/** Mails of a template: to whom, and what about. */
export function mailsOf(template: string) {
  return rows<{ to_address: string; subject: string; text_body: string; state: string }>(
    `SELECT to_address, subject, text_body, state FROM emails WHERE template = ?
     ORDER BY created_at, to_address`,
    template,
  );
}
