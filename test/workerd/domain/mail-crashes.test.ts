import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, expect, it } from "vitest";
import { MailDesk, Unsubscribe, type MailMessage } from "#domain/mail";
import { deriveKeys } from "#platform/secrets/derived-keys.ts";
import { Faults, faultyDatabase, type FaultPoint } from "./faults.ts";
import { Provider, wanted } from "./provider.ts";
import { createShop, emptyTables, rows } from "./shop.ts";

const BEGIN = 1_900_000_000_000;
let now = BEGIN;
const clock = { now: () => now };

beforeEach(() => {
  now = BEGIN;
});

/** From its n-th call on the process is no more: that call takes effect or not, and nothing comes after it. */
class Death extends Faults {
  readonly #at: number;
  readonly #when: "before" | "after";

  constructor({ at, when }: FaultPoint) {
    super();
    this.#at = at;
    this.#when = when;
  }

  override get struck(): boolean {
    return this.calls >= this.#at;
  }

  override async around<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    if (this.calls === this.#at && this.#when === "after") await call();
    if (this.calls >= this.#at) throw new Error("The process is gone.");
    return call();
  }
}

/** Three mailboxes: one takes mail, one asks for patience once, one there is not. */
class Mailboxes extends Provider {
  readonly #asked = new Set<string>();

  override answer = (message: MailMessage) => {
    if (message.to === "gone@example.com") {
      return { status: "failed", isPermanent: true, isBounce: true, reason: "550" } as const;
    }
    if (message.to === "grey@example.com" && !this.#asked.has(message.to)) {
      this.#asked.add(message.to);
      return { status: "failed", isPermanent: false, reason: "451" } as const;
    }
    return { status: "sent" } as const;
  };

  /** How often each mailbox got its mail. */
  readonly delivered = new Map<string, number>();

  override async sendBatch(messages: readonly MailMessage[]) {
    const answers = await super.sendBatch(messages);
    for (const [index, { to }] of messages.entries()) {
      if (answers[index]?.status !== "sent") continue;
      this.delivered.set(to, (this.delivered.get(to) ?? 0) + 1);
    }
    return answers;
  }
}

const requests = ["ok@example.com", "grey@example.com", "gone@example.com"].map((to) => wanted(to));

type Desk = ReturnType<typeof createShop>["services"]["mail"];

const WAYS: Record<string, (desk: Desk) => Promise<unknown>> = {
  send: (desk) => desk.send(requests),
  sweep: (desk) => desk.sweep(10),
};

async function queueAll(): Promise<void> {
  const { db, services } = createShop({ services: { clock } });
  const [first, ...rest] = await services.mail.queue(requests);
  if (first !== undefined) await db.batch([first, ...rest]);
}

/** Runs one way with trouble at one call, then the shop lives on; what was delivered how often. */
async function troubled(way: string, faults: Faults): Promise<Mailboxes> {
  await emptyTables();
  now = BEGIN;
  const provider = new Mailboxes();
  if (way === "sweep") await queueAll();
  const database = faultyDatabase(env.DB, faults);
  const broken = createShop({ database, transport: provider, services: { clock } });
  await WAYS[way]?.(broken.services.mail).catch(() => null);
  const { mail } = createShop({ transport: provider, services: { clock } }).services;
  for (let hour = 1; hour <= 3; hour += 1) {
    now += 3_600_000;
    if (way === "send") await mail.send(requests);
    await mail.sweep(10);
  }
  expect(await rows("SELECT to_address, state FROM emails ORDER BY to_address")).toEqual([
    { to_address: "gone@example.com", state: "failed" },
    { to_address: "grey@example.com", state: "sent" },
    { to_address: "ok@example.com", state: "sent" },
  ]);
  expect(await rows("SELECT address FROM suppressions")).toEqual([{ address: "gone@example.com" }]);
  return provider;
}

async function atEveryPoint(check: (point: FaultPoint) => Promise<Faults>): Promise<number> {
  for (let at = 1; ; at += 1) {
    let struck = false;
    for (const when of ["before", "after"] as const) struck = (await check({ at, when })).struck;
    if (!struck) return at - 1;
  }
}

it("what was sent is written down by a database that comes back within ten seconds, and not sent again", async () => {
  await emptyTables();
  const provider = new Provider();
  const faults = new Faults();
  let isAway = false;
  provider.gate = () => {
    isAway = true;
    return Promise.resolve();
  };
  faults.around = (call) =>
    isAway ? Promise.reject(new Error("Network connection lost.")) : call();
  let waited = 0;
  const keyFor = deriveKeys("for tests only: 0123456789abcdef0123456789abcdef");
  const desk = new MailDesk({
    db: drizzle(faultyDatabase(env.DB, faults)),
    transport: provider,
    clock,
    unsubscribe: new Unsubscribe(keyFor("unsubscribe"), "https://shop.example.com"),
    pause: (ms) => {
      waited += ms;
      isAway = waited < 10_000;
      return Promise.resolve();
    },
  });
  expect(await desk.send([wanted("a@example.com")])).toEqual([{ status: "sent" }]);
  expect(await rows("SELECT state FROM emails")).toEqual([{ state: "sent" }]);
});

it.each(Object.keys(WAYS))("%s: one lost answer loses no mail and doubles none", async (way) => {
  const points = await atEveryPoint(async (point) => {
    const faults = new Faults(point);
    const { delivered } = await troubled(way, faults);
    const wantedOnce = { "ok@example.com": 1, "grey@example.com": 1 };
    expect(Object.fromEntries(delivered), JSON.stringify(point)).toEqual(wantedOnce);
    return faults;
  });
  expect(points).toBeGreaterThan(2);
});

it.each(Object.keys(WAYS))(
  "%s: a process that dies loses no mail, and doubles one only between the provider's answer and its record",
  async (way) => {
    const doubled: string[] = [];
    await atEveryPoint(async (point) => {
      const faults = new Death(point);
      const { delivered } = await troubled(way, faults);
      expect(delivered.get("grey@example.com")).toBe(1);
      const times = delivered.get("ok@example.com") ?? 0;
      expect(times).toBeGreaterThan(0);
      expect(times).toBeLessThan(3);
      if (times > 1) doubled.push(`${point.when} call ${point.at}`);
      return faults;
    });
    // Its calls: suppressions (a sweep gives up old secrets first and looks what is due), take, record.
    expect(doubled).toEqual([way === "send" ? "before call 3" : "before call 5"]);
  },
);
