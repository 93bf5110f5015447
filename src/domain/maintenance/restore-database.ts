import * as z from "zod";
import type { TaskContext } from "#engine";
import { countLostItems, deleteLostItems } from "../orders/index.ts";
import { expectCharges } from "../payments/index.ts";
import { defineShopTask, type ShopServices } from "../services/index.ts";
import { OWN_TABLES } from "./backup-policy.ts";
import { readPart, type BackupTable } from "./backup-store.ts";
import { countRows } from "./database-schema.ts";
import {
  BackupNotFoundError,
  openForRestore,
  refuseUnlessEmpty,
  refusing,
  RestoreRefusedError,
  type OpenBackup,
} from "./restore-checks.ts";
import { writeRows } from "./table-writer.ts";

/** Parts that are checked in one step. */
const CHECKED_AT_ONCE = 16;
/** After so many steps the task gives its consumer up for a second, long before its time is over. */
const STEPS_A_RUN = 32;
/** Five hours, more than most outages: what gave up in the middle left rows, and can't be begun anew. */
const MAX_RETRIES = 30;
const STEP_RETRIES = { maxRetries: 3, retryDelaySeconds: 10 } as const;

/**
 * Brings a backup back into an empty shop. Nothing is written before every part of it was read and found to
 * be what it was. Each part is a durable step, and rows that are there stay, so that it may be broken off
 * anywhere. Answers what each table had and has.
 *
 * The outbox comes last: its tasks are submitted as soon as they are there, and by then all that tells what
 * was done already is there too: payments by order, mails by key. What was done after the backup nobody here
 * knows; so orders that wait get a payment whose outcome is unknown, and the gateway is asked before it
 * charges.
 */
export const restoreDatabase = defineShopTask({
  name: "restore_database",
  params: z.object({ backup_id: z.string() }),
  unique: { scope: "deployment", key: () => "restore" },
  autoretryFor: [Error],
  dontAutoretryFor: [BackupNotFoundError, RestoreRefusedError],
  maxRetries: MAX_RETRIES,
  retryBackoff: 60,
  handler: async ({ backup_id: id }, ctx) => {
    const { services } = ctx;
    const backup = await openForRestore(services, id);
    const { tables } = backup.manifest;
    await ctx.step("empty", () => refuseUnlessEmpty(services, backup.manifest));
    await checkParts(backup, ctx);
    const outbox = tables.filter(({ name }) => name === "outbox");
    const differing = await writeTables(
      backup,
      ctx,
      tables.filter((table) => !outbox.includes(table)),
    );
    // Of orders that came while it was backed up. Counted first: who deletes them again finds none.
    const lostItems = await ctx.step("lost items", () => countLostItems(services.db));
    await ctx.step("items", () => deleteLostItems(services.db));
    await ctx.step("payments", () => expectCharges(services));
    await writeTables(backup, ctx, outbox);
    const compared = await compare(services, tables, { lostItems, differing });
    return {
      backup_id: id,
      left_out: backup.manifest.left_out,
      matches: compared.every(({ matches }) => matches),
      tables: compared,
    };
  },
});

async function checkParts(
  { manifest, cipher }: OpenBackup,
  ctx: TaskContext<ShopServices>,
): Promise<void> {
  const parts = manifest.tables.flatMap((table) => table.parts);
  for (let from = 0; from < parts.length; from += CHECKED_AT_ONCE) {
    const some = parts.slice(from, from + CHECKED_AT_ONCE);
    await ctx.step("check", async () => {
      for (const part of some) {
        ctx.signal.throwIfAborted();
        await refusing(() => readPart(ctx.services.files, part, cipher));
      }
    });
    ctx.progress({ current: from, total: parts.length, checked: from + some.length });
    if ((from / CHECKED_AT_ONCE) % 4 === 3) await ctx.sleep(1);
  }
}

/** @returns by table, how many rows were there already with other content */
async function writeTables(
  { cipher }: OpenBackup,
  ctx: TaskContext<ShopServices>,
  tables: readonly BackupTable[],
): Promise<ReadonlyMap<string, number>> {
  const { db, files } = ctx.services;
  const differing = new Map<string, number>();
  const total = tables.reduce((sum, { rows }) => sum + rows, 0);
  let current = 0;
  let steps = 0;
  for (const { name, columns, parts } of tables) {
    for (const part of parts) {
      const others = await ctx.step(
        name,
        async () => {
          const lines = await refusing(() => readPart(files, part, cipher));
          return writeRows(db, name, columns, lines);
        },
        STEP_RETRIES,
      );
      differing.set(name, (differing.get(name) ?? 0) + others);
      current += part.rows;
      ctx.progress({ current, total, table: name });
      steps += 1;
      if (steps % STEPS_A_RUN === 0) await ctx.sleep(1);
    }
  }
  return differing;
}

/** What tables had and have. The shop's own have to be the same; the deployment's may have more. */
async function compare(
  { db }: ShopServices,
  tables: readonly BackupTable[],
  { lostItems, differing }: { lostItems: number; differing: ReadonlyMap<string, number> },
) {
  const compared = [];
  for (const { name, rows } of tables) {
    const now = await countRows(db, name);
    // Payments are expected besides; an outbox is emptied as it is filled.
    const mayGrow = OWN_TABLES.has(name) || name === "payments";
    const expected = name === "order_items" ? rows - lostItems : rows;
    const isCountRight = name === "outbox" || (mayGrow ? now >= expected : now === expected);
    // Somebody was in the shop meanwhile.
    const others = differing.get(name) ?? 0;
    const matches = isCountRight && others === 0;
    compared.push({ table: name, backed_up: rows, now, differing: others, matches });
  }
  return compared;
}
