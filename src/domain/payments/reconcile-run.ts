import type { TaskContext } from "#engine";
import type { ShopServices } from "../services/index.ts";
import type { PaymentParts } from "./payment-book.ts";
import { findUnsure } from "./reconcile-book.ts";
import { examine, reexamine, type RunTimes } from "./reconcile-examine.ts";
import type { Suspect } from "./reconcile-kinds.ts";
import {
  compareCharges,
  comparePayments,
  findUnsettled,
  shopSuspect,
  type ComparedCharges,
  type ComparedPayments,
  type OrdersPlace,
  type OrdersSlice,
  type Slice,
} from "./reconcile-pages.ts";

/** Suspects that one step looks at: up to 20 queries each. */
const EXAMINED_AT_ONCE = 20;
const UNSETTLED_ROWS = 200;
/** Queries of a page of the shop's book, and of a suspect; the gateway's own in development with them. */
const PAGE_QUERIES = 5;
/** A page of the gateway's book counts more: it may take 20 s, and all until the run gives up its consumer 840. */
const LIST_QUERIES = 10;
const SUSPECT_QUERIES = 20;
/** After so many the run gives its consumer up for a second: an invocation may make 1,000. */
const QUERIES_AT_ONCE = 400;
/** What a task keeps of its steps is limited: after so much another goes on. */
const WEIGHT_A_TASK = 10_000;
const SUSPECT_WEIGHT = 5;

/** How far a run is: what the task that goes on with it is called with. */
export interface RunState extends RunTimes {
  readonly from: number;
  /** Behind this slice. */
  readonly at: number;
  readonly checkedCharges: number;
  readonly checkedPayments: number;
}

/**
 * One run of the reconciliation, or a part of it: every page of either book, and every few suspects, are a
 * durable step, so that a crash has one of them done again.
 */
export class ReconcileRun {
  readonly #ctx: TaskContext<ShopServices>;
  readonly #parts: PaymentParts;
  #state: RunState;
  #queries = 0;
  #weight = 0;

  constructor(ctx: TaskContext<ShopServices>, parts: PaymentParts, state: RunState) {
    this.#ctx = ctx;
    this.#parts = parts;
    this.#state = state;
  }

  get state(): RunState {
    return this.#state;
  }

  /** Whether another task should go on. */
  get isLong(): boolean {
    return this.#weight > WEIGHT_A_TASK;
  }

  /**
   * Compares both books of the time up to `to`.
   * @param ordersFrom orders created since then belong to it
   * @returns how many charges the gateway had in it
   */
  async compare(to: number, ordersFrom: number): Promise<number> {
    const { at: from, until, from: changedSince } = this.#state;
    const slice = { from, to, until };
    const seen = new Set<string>();
    const checkedCharges = await this.#compareCharges(slice, seen);
    const orders = { ...slice, from: ordersFrom, changedSince };
    const checkedPayments = await this.#comparePayments(orders, seen);
    this.#state = {
      ...this.#state,
      at: to,
      checkedCharges: this.#state.checkedCharges + checkedCharges,
      checkedPayments: this.#state.checkedPayments + checkedPayments,
    };
    return checkedCharges;
  }

  /** @param seen orders whose payment was found captured are added */
  async #compareCharges(slice: Slice, seen: Set<string>): Promise<number> {
    let count = 0;
    for (let cursor: string | null = null; ;) {
      const page: ComparedCharges = await this.#step("charges", LIST_QUERIES, () =>
        compareCharges(this.#parts, slice, cursor),
      );
      for (const orderId of page.seen) seen.add(orderId);
      count += page.count;
      this.#weight += page.count;
      await this.#examine(page.suspects);
      cursor = page.next;
      if (cursor === null) return count;
    }
  }

  async #comparePayments(slice: OrdersSlice, seen: ReadonlySet<string>): Promise<number> {
    let count = 0;
    for (let place: OrdersPlace = [slice.from, ""]; ;) {
      const after = place;
      const rows: ComparedPayments = await this.#step("payments", PAGE_QUERIES, () =>
        comparePayments(this.#parts, slice, after, seen),
      );
      count += rows.count;
      await this.#examine(rows.suspects);
      if (rows.next === null) return count;
      place = rows.next;
    }
  }

  /** Looks at payments whose outcome is not known, and at what is open of earlier runs. */
  async lookBack(): Promise<void> {
    const { db } = this.#parts;
    const time = { from: 0, until: this.#state.until };
    for (let after: string | null = ""; after !== null;) {
      const behind: string = after;
      const found = await this.#step("unsettled", PAGE_QUERIES, async () => {
        const rows = await findUnsettled(this.#parts, time, behind, UNSETTLED_ROWS);
        return rows.map(({ orderId, reference }) => shopSuspect(orderId, reference));
      });
      await this.#examine(found);
      after = found.length === UNSETTLED_ROWS ? (found.at(-1)?.orderId ?? null) : null;
    }
    for (let after: string | null = ""; after !== null;) {
      const behind: string = after;
      const cost = EXAMINED_AT_ONCE * SUSPECT_QUERIES;
      after = await this.#step("open", cost, async () => {
        const open = await findUnsure(db, this.#state.runAt, behind, EXAMINED_AT_ONCE);
        for (const difference of open) await reexamine(this.#parts, difference, this.#state);
        return open.length === EXAMINED_AT_ONCE ? (open.at(-1)?.id ?? null) : null;
      });
    }
  }

  async #examine(suspects: readonly Suspect[]): Promise<void> {
    this.#weight += suspects.length * SUSPECT_WEIGHT;
    for (let from = 0; from < suspects.length; from += EXAMINED_AT_ONCE) {
      const some = suspects.slice(from, from + EXAMINED_AT_ONCE);
      await this.#step("examine", some.length * SUSPECT_QUERIES, async () => {
        for (const suspect of some) await examine(this.#parts, suspect, this.#state);
      });
    }
  }

  /** @param queries that it makes at most */
  async #step<T>(name: string, queries: number, fn: () => Promise<T>): Promise<T> {
    const { from, at, until } = this.#state;
    this.#ctx.signal.throwIfAborted();
    if (this.#queries + queries > QUERIES_AT_ONCE) {
      this.#queries = 0;
      await this.#ctx.sleep(1);
    }
    this.#queries += queries;
    const result = await this.#ctx.step(name, fn);
    this.#ctx.progress({ current: at - from, total: until - from });
    return result;
  }
}
