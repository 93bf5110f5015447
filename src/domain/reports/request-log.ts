import type { DrizzleD1Database } from "drizzle-orm/d1";
import { toHex, type Random, type Timers } from "#engine";
import { MAX_SPAN_MS, type LogEntry, type LoggedRequest } from "./log-entry.ts";
import { apiLog } from "./tables.ts";

const MAX_ENTRIES = 200;
const TRIES = 3;
const PAUSE_MS = 2_000;
const MAX_KNOWN_ADDRESSES = 5_000;

export interface RequestLogParts {
  readonly db: DrizzleD1Database;
  /** A key for HMAC, the salt of addresses. */
  readonly key: () => Promise<CryptoKey>;
  readonly timers: Timers;
  readonly random: Random;
  /** Requests wait this long for others to be stored with, ms. */
  readonly waitMs: number;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** Requests that become one row. */
interface Batch {
  readonly firstAt: number;
  readonly requests: LoggedRequest[];
}

/**
 * Logs the requests of one isolate: up to 200, or those of some seconds, are one row. No answer waits for
 * it. Lost is what an isolate holds that is killed, and what D1 doesn't take in three tries (the log of
 * events says how much).
 */
export class RequestLog {
  readonly #parts: RequestLogParts;
  #open: Batch | null = null;
  readonly #hashes = new Map<string, string>();

  constructor(parts: RequestLogParts) {
    this.#parts = parts;
  }

  /** Never throws and never waits. @param background lets work run on after the answer; it never fails */
  add(request: LoggedRequest, background: (work: Promise<void>) => void): void {
    let batch = this.#open;
    // The request that was to store it was cut off, or the clock was put back.
    if (batch !== null && !isWithin(batch, request.at)) {
      background(this.flush());
      batch = null;
    }
    if (batch === null) {
      batch = { firstAt: request.at, requests: [] };
      this.#open = batch;
      background(this.#flushLater(batch));
    }
    batch.requests.push(request);
    if (batch.requests.length >= MAX_ENTRIES) background(this.flush());
  }

  /** Stores what is held; never rejects. */
  async flush(): Promise<void> {
    const batch = this.#open;
    this.#open = null;
    if (batch !== null) await this.#store(batch);
  }

  async #flushLater(batch: Batch): Promise<void> {
    await this.#pause(this.#parts.waitMs);
    if (this.#open === batch) await this.flush();
  }

  /** Rows written: 1. Tried again by the same key, so it is one row also after a lost answer. */
  async #store(batch: Batch): Promise<void> {
    const { db, random, log } = this.#parts;
    const id = toHex(random.bytes(8));
    for (let tries = 1; ; tries += 1) {
      try {
        const entries = JSON.stringify(await this.#entriesOf(batch));
        const row = { firstAt: batch.firstAt, id, entries };
        await db.insert(apiLog).values(row).onConflictDoNothing();
        return;
      } catch (error) {
        if (tries >= TRIES) {
          log("request_log_lost", { requests: batch.requests.length, error });
          return;
        }
      }
      await this.#pause(PAUSE_MS);
    }
  }

  async #entriesOf({ firstAt, requests }: Batch): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (const { at, method, route, status, durationMs, user, ip } of requests) {
      const hash = ip === null ? null : await this.#hashOf(ip);
      entries.push([at - firstAt, method, route, status, durationMs, user, hash]);
    }
    return entries;
  }

  /** 48 bits as hex: enough to tell addresses apart, useless without the key. */
  async #hashOf(ip: string): Promise<string> {
    const known = this.#hashes.get(ip);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(ip);
    const mac = await crypto.subtle.sign("HMAC", await this.#parts.key(), bytes);
    const hash = toHex(new Uint8Array(mac, 0, 6));
    if (this.#hashes.size >= MAX_KNOWN_ADDRESSES) this.#hashes.clear();
    this.#hashes.set(ip, hash);
    return hash;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.timers.after(ms, resolve);
    });
  }
}

function isWithin({ firstAt }: Batch, at: number): boolean {
  return at >= firstAt && at - firstAt < MAX_SPAN_MS;
}
