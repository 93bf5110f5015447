import * as z from "zod";
import { signature, type TaskContext } from "#engine";
import { sendAdminNotification } from "../notifications/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { partsOf } from "./payment-tasks.ts";
import { countFindings, lastReconciliation, type Reconciliation } from "./reconcile-book.ts";
import { MOVING_MS, type DifferenceKind } from "./reconcile-kinds.ts";
import { ReconcileRun, type RunState } from "./reconcile-run.ts";
import { paymentReconciliations } from "./tables.ts";

const NAME = "reconcile_payments";
const DAY_MS = 86_400_000;
/**
 * What is compared at once, to begin with and at most: longer after a time with few charges. What a task keeps of
 * its steps would not hold more, should there suddenly be 100,000 a day.
 */
const SLICE_MS = DAY_MS / 4;
const MAX_SLICE_MS = DAY_MS;
const FEW_CHARGES = 1_000;
const MANY_CHARGES = 5_000;
/** A run compares this much of the last one's time again, and the first one this much. */
const OVERLAP_MS = 2 * DAY_MS;
const FIRST_MS = 30 * DAY_MS;
/** Orders may be this old when they are paid or refunded, to be looked for in the gateway's book. */
const ORDERS_MS = 30 * DAY_MS;

const instant = z.int().nonnegative();
const runState = z.object({
  runAt: instant,
  until: instant,
  from: instant,
  at: instant,
  checkedCharges: z.int(),
  checkedPayments: z.int(),
});

/**
 * Compares the shop's payments with the gateway's own book, both ways, for the time since the last complete
 * run and two days more. What the gateway's word settles is brought in order as by its events; the rest stays
 * open for a person, and admins are told of what is new. Takes no money. When there is much it gives its
 * consumer up now and then, and at last goes on in another task. Tried for about half a day.
 */
export const reconcilePayments = defineShopTask({
  name: NAME,
  params: z.object({
    /** Compares at least so many days. */
    days: z.int().min(1).max(400).nullable().default(null),
    /** Of the task that this one goes on for. */
    run: runState.nullable().default(null),
  }),
  autoretryFor: [Error],
  retryBackoff: true,
  maxRetries: 80,
  handler: async ({ days, run: given }, ctx) => {
    const parts = partsOf(ctx.services, ctx);
    const begun = given ?? (await ctx.step("begin", () => begin(ctx.services, days)));
    const run = new ReconcileRun(ctx, parts, begun);
    let sliceMs = SLICE_MS;
    while (run.state.at < begun.until) {
      const { at } = run.state;
      const ordersFrom = at === begun.from ? at - ORDERS_MS : at;
      const charges = await run.compare(Math.min(at + sliceMs, begun.until), ordersFrom);
      sliceMs = nextSlice(sliceMs, charges);
      if (run.isLong && run.state.at < begun.until) return goOn(ctx, run.state);
    }
    await run.lookBack();
    return ctx.step("finish", () => finish(ctx, run.state));
  },
});

/** The charges of a slice are held in memory: the more there were, the shorter is the next. */
function nextSlice(sliceMs: number, charges: number): number {
  if (charges > MANY_CHARGES) return Math.ceil(sliceMs / 2);
  return charges < FEW_CHARGES ? Math.min(sliceMs * 2, MAX_SLICE_MS) : sliceMs;
}

type Context = TaskContext<ShopServices>;

async function begin({ db, clock }: ShopServices, days: number | null): Promise<RunState> {
  const runAt = clock.now();
  const until = runAt - MOVING_MS;
  const last = await lastReconciliation(db);
  const wanted = days === null ? until : until - days * DAY_MS;
  const from = Math.min(last === null ? until - FIRST_MS : last.untilAt - OVERLAP_MS, wanted);
  return { runAt, until, from, at: from, checkedCharges: 0, checkedPayments: 0 };
}

/** However often this run is repeated, one task goes on. */
async function goOn({ lovage, taskId }: Context, state: RunState) {
  const { taskId: next } = await lovage.send(signature(NAME, { run: state }), {
    ...{ route: NAME, key: taskId },
  });
  return { ...viewOf(state), finished: false, continued_by: next };
}

function viewOf({ from, until, checkedCharges, checkedPayments }: RunState) {
  return {
    ...{ from: new Date(from).toISOString(), until: new Date(until).toISOString() },
    ...{ checked_charges: checkedCharges, checked_payments: checkedPayments },
  };
}

/** Writes that the run is complete, with the mail to the admins: both or neither. Rows written: 1 or 2. */
async function finish(ctx: Context, state: RunState) {
  const { db, outbox, locale } = ctx.services;
  const { all, mended, fresh } = await countFindings(db, state.runAt);
  const isNew = [...fresh.values()].reduce((sum, count) => sum + count, 0);
  const row: Reconciliation = {
    ...{ untilAt: state.until, fromAt: state.from, taskId: ctx.taskId },
    ...{ checkedCharges: state.checkedCharges, checkedPayments: state.checkedPayments },
    ...{ differences: all, mended, fresh: isNew },
  };
  const notice = TEXT[locale](isNew, fresh, mended);
  const calls = isNew === 0 ? [] : [sendAdminNotification.s(notice)];
  const tasks = await ctx.lovage.prepareRepeatable(calls);
  try {
    await db.batch([db.insert(paymentReconciliations).values(row), outbox.insert(tasks)]);
  } catch (error) {
    // It may have been written, and only the answer got lost.
    if ((await lastReconciliation(db))?.untilAt !== state.until) throw error;
  }
  return { ...viewOf(state), differences: all, mended, new: isNew, finished: true };
}

type Count = (
  isNew: number,
  kinds: ReadonlyMap<DifferenceKind, number>,
  mended: number,
) => { subject: string; message: string };

const lines = (kinds: ReadonlyMap<DifferenceKind, number>) =>
  Array.from(kinds, ([kind, count]) => `${kind}: ${count}`).join("\n");
const TEXT: Record<"en" | "ru", Count> = {
  en: (isNew, kinds, mended) => ({
    subject: `Payments: new differences from the gateway's book: ${isNew}`,
    message: `${lines(kinds)}\n\nMended by itself: ${mended}. See GET /api/payments/differences/.`,
  }),
  ru: (isNew, kinds, mended) => ({
    subject: `Платежи: новых расхождений с книгой платёжного шлюза: ${isNew}`,
    message: `${lines(kinds)}\n\nИсправлено автоматически: ${mended}. Список: GET /api/payments/differences/.`,
  }),
};
