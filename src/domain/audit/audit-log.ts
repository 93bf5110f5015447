import { and, desc, eq, gte, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { toHex, type Clock, type Random } from "#engine";
import { auditLog, type Proof } from "./tables.ts";

/** What somebody is about to do. */
export interface Audited {
  readonly actor: string;
  readonly userId: number | null;
  readonly how: Proof;
  readonly action: string;
  readonly target: Readonly<Record<string, string>>;
  /** See `shownDetail`. */
  readonly detail: string | null;
  /** Network address; null: not known. */
  readonly address: string | null;
  readonly requestId: string | null;
}

/** What somebody did; see tables.ts. */
export interface AuditEntry extends Omit<Audited, "detail"> {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly detail: unknown;
  readonly status: number | null;
}

/** Absent: whatever it is. */
export interface AuditFilter {
  readonly actor?: string;
  /** A part of the action's text, in any case. */
  readonly action?: string;
  /** Epoch ms, included. */
  readonly since?: number;
  /** Epoch ms, not included. */
  readonly until?: number;
}

/** Where a page ended: the newest come first. */
type Place = Pick<AuditEntry, "at" | "id">;

export interface AuditLogParts {
  readonly db: DrizzleD1Database;
  readonly clock: Clock;
  readonly random: Random;
  /** For HMACs of addresses. */
  readonly key: () => Promise<CryptoKey>;
}

/** The log of what operators do. */
export class AuditLog {
  readonly #parts: AuditLogParts;

  constructor(parts: AuditLogParts) {
    this.#parts = parts;
  }

  /** Notes what is about to be done; nothing may be done if this fails. Rows written: 1. */
  async begin({ address, target, ...rest }: Audited): Promise<Place> {
    const { db, clock, random } = this.#parts;
    const place = { at: clock.now(), id: toHex(random.bytes(8)) };
    await db.insert(auditLog).values({
      ...place,
      ...rest,
      target: JSON.stringify(target),
      address: address === null ? null : await this.#hashOf(address),
    });
    return place;
  }

  /** Notes how it was answered. Twice is once. Rows written: 1. */
  async end({ at, id }: Place, status: number): Promise<void> {
    await this.#parts.db
      .update(auditLog)
      .set({ status })
      .where(and(eq(auditLog.at, at), eq(auditLog.id, id)));
  }

  /**
   * The newest first, behind `after` (null: from the newest on). Reads from there to the page's end along the key:
   * a filter that fits little reads much, down to `since`.
   */
  async list(filter: AuditFilter, limit: number, after: Place | null): Promise<AuditEntry[]> {
    const { actor, action, since, until } = filter;
    const rows = await this.#parts.db
      .select()
      .from(auditLog)
      .where(
        and(
          since === undefined ? undefined : gte(auditLog.at, since),
          until === undefined ? undefined : lt(auditLog.at, until),
          after === null ? undefined : sql`(at, id) < (${after.at}, ${after.id})`,
          actor === undefined ? undefined : eq(auditLog.actor, actor),
          action === undefined ? undefined : sql`instr(lower(action), lower(${action})) > 0`,
        ),
      )
      .orderBy(desc(auditLog.at), desc(auditLog.id))
      .limit(limit);
    return rows.map(({ target, detail, ...rest }) => ({
      ...rest,
      target: JSON.parse(target) as Record<string, string>,
      detail: detail === null ? null : (JSON.parse(detail) as unknown),
    }));
  }

  /** 48 bits as hex: enough to tell addresses apart, useless without the key. */
  async #hashOf(address: string): Promise<string> {
    const bytes = new TextEncoder().encode(address);
    const mac = await crypto.subtle.sign("HMAC", await this.#parts.key(), bytes);
    return toHex(new Uint8Array(mac, 0, 6));
  }
}
