import type { TaskContext } from "#engine";
import type { AccountParts } from "#domain/accounts";
import type { MailTransport } from "#domain/mail";
import { shopTasks, type ShopServices } from "../../../src/domain/index.ts";
import { createShop, rows } from "./shop.ts";

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** Where requests of tests come from. */
export const FROM = { address: "192.0.2.1", userAgent: "test" };

/** A registration's content. */
export function account(username: string, email = `${username}@example.com`) {
  const password = "correct horse battery";
  return { username, email, password, firstName: "", lastName: "", locale: null };
}

/** The accounts of a shop on the test's database: time stands still, and the slow hash is a fast one, counted. */
export function accounts(over: { database?: D1Database; transport?: MailTransport } = {}) {
  let time = Date.UTC(2026, 10, 21, 12);
  const now = () => time;
  const kdf = {
    times: 0,
    /** Awaited in the next run. */
    during: null as (() => Promise<void>) | null,
  };
  const shop = createShop({ ...over, services: { clock: { now } } });
  const running: Promise<void>[] = [];
  const parts: AccountParts = {
    ...shop.services,
    lovage: shop.lovage,
    background: (work) => void running.push(work.catch(() => undefined)),
    kdf: async (input, salt) => {
      kdf.times += 1;
      await kdf.during?.();
      const both = new Uint8Array([...input, ...salt]);
      return new Uint8Array(await crypto.subtle.digest("SHA-256", both));
    },
  };
  // Outbox rows stay where tests look at them: this ledger takes nothing by itself.
  shop.ledger.gate = () => Promise.reject(new Error("no ledger here"));
  return {
    parts,
    services: shop.services,
    kdf,
    now,
    advance: (ms: number) => {
      time += ms;
    },
    /** Waits for what runs on after the answers. */
    settled: () => Promise.all(running),
  };
}

/** Runs a task's handler once. */
export async function runTask(
  services: ShopServices,
  name: string,
  params: object,
  taskId: string = crypto.randomUUID(),
): Promise<unknown> {
  const task = shopTasks.find((one) => one.name === name);
  const ctx = { taskId, services, signal: new AbortController().signal, progress: () => undefined };
  const handler = task?.handler as
    | ((params: object, ctx: TaskContext<ShopServices>) => unknown)
    | undefined;
  return handler?.(params, ctx as unknown as TaskContext<ShopServices>);
}

interface MailRow {
  readonly to_address: string;
  readonly template: string;
  readonly subject: string;
  readonly text_body: string;
  readonly html_body: string;
}

/** Mails that went out, by recipient. */
export function sentMails(): Promise<MailRow[]> {
  return rows("SELECT * FROM emails WHERE state = 'sent' ORDER BY to_address");
}
