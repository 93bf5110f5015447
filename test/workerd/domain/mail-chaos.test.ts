import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createResendTransport } from "../../../src/integrations/mail/resend-transport.ts";
import { FakeResend, RESEND_KEY, type ResendFault } from "../../resend.ts";
import { Faults, faultyDatabase } from "./faults.ts";
import { wanted } from "./provider.ts";
import { createShop, rows } from "./shop.ts";

const QUEUED = 1_400;
const ASKED = 600;
/** Mails that one task asks for. */
const CHUNK = 10;
/** Rounds with trouble; afterwards everything must come to its end. */
const ROUGH_ROUNDS = 300;
const MAX_ROUNDS = 600;
const SEED = 20_261_121;

const FAULTS: readonly ResendFault[] = [
  "rate_limit",
  "rate_limit_briefly",
  "concurrent",
  "error_before",
  "error_after",
  "drop_before",
  "drop_after",
  "hang_after",
  "garbage_after",
];

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A process that dies at its n-th query, before it takes effect or after. */
class Death extends Faults {
  readonly #at: number;
  readonly #isAfter: boolean;

  constructor(at: number, isAfter: boolean) {
    super();
    this.#at = at;
    this.#isAfter = isAfter;
  }

  override async around<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    if (this.calls === this.#at && this.#isAfter) await call();
    if (this.calls >= this.#at) throw new Error("The process is gone.");
    return call();
  }
}

it("two thousand mails, a provider with all its troubles, processes that die: each is taken exactly once, none is lost (G11)", async () => {
  const random = randomFrom(SEED);
  const pick = (count: number) => Math.floor(random() * count);
  let now = 1_900_000_000_000;
  const clock = { now: () => now };
  const timers = {
    after: (_ms: number, fn: () => void) => {
      queueMicrotask(fn);
      return () => undefined;
    },
  };
  const resend = new FakeResend(clock.now);
  let isRough = true;
  let troubles = 0;
  let deaths = 0;
  resend.fault = () => {
    if (!isRough || random() > 0.5) return null;
    troubles += 1;
    return FAULTS[pick(FAULTS.length)] ?? null;
  };
  const settings = { apiKey: RESEND_KEY, url: "https://r.test", from: "shop@shop.example.com" };
  const transport = createResendTransport(settings, { clock, timers, request: resend.fetch });
  const name = (n: number) => (n % 100 === 7 ? `bad${n}@example.com` : `m${n}@example.com`);
  const queued = Array.from({ length: QUEUED }, (_, n) => wanted(name(n), { key: `q${n}` }));
  const asked = Array.from({ length: ASKED }, (_, n) => wanted(name(n), { key: `a${n}` }));
  const { db, services } = createShop({ transport, services: { clock } });
  const [first, ...rest] = await services.mail.queue(queued);
  if (first !== undefined) await db.batch([first, ...rest]);

  /** One process: a sweep, or a task that asks for its mails, which may die over it. */
  async function live(): Promise<void> {
    const isDoomed = isRough && random() < 0.4;
    const faults = isDoomed ? new Death(1 + pick(12), random() < 0.5) : new Faults();
    if (isDoomed) deaths += 1;
    const database = faultyDatabase(env.DB, faults);
    const { mail } = createShop({ database, transport, services: { clock } }).services;
    const from = pick(ASKED / CHUNK) * CHUNK;
    const work = random() < 0.5 ? mail.sweep(15) : mail.send(asked.slice(from, from + CHUNK));
    await work.catch(() => null);
  }

  const open = () =>
    rows("SELECT 1 FROM emails WHERE state IN ('pending', 'sending') LIMIT 1").then(
      (found) => found.length > 0,
    );
  let rounds = 0;
  while (rounds < ROUGH_ROUNDS || (rounds < MAX_ROUNDS && (await open()))) {
    rounds += 1;
    isRough = rounds < ROUGH_ROUNDS;
    await Promise.all(Array.from({ length: 1 + pick(3) }, live));
    now += pick(240_000);
  }
  for (let from = 0; from < ASKED; from += CHUNK) {
    await services.mail.send(asked.slice(from, from + CHUNK));
  }

  const all = await rows<{ message_id: string; state: string; provider_id: string | null }>(
    "SELECT message_id, state, provider_id FROM emails",
  );
  const ids = new Map(resend.taken.map(({ id, headers }) => [headers["Message-ID"], id]));
  expect(all).toHaveLength(QUEUED + ASKED);
  expect(ids.size).toBe(resend.taken.length);
  expect(all.filter(({ state }) => state === "failed")).toHaveLength(20);
  expect(
    all.filter((row) => row.state !== "failed" && row.provider_id !== ids.get(row.message_id)),
  ).toEqual([]);
  expect(resend.taken).toHaveLength(QUEUED + ASKED - 20);
  // Otherwise it would prove nothing.
  expect(troubles).toBeGreaterThan(100);
  expect(deaths).toBeGreaterThan(150);
}, 240_000);
