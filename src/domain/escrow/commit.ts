import type { BatchItem } from "drizzle-orm/batch";
import { LovageError, type Lovage, type Signature } from "#engine";
import type { ShopServices } from "../services/index.ts";
import { findChange, type EscrowChange } from "./find-transactions.ts";

/** What requests that change something work with. */
export interface EscrowParts extends Pick<ShopServices, "db" | "outbox" | "clock"> {
  readonly lovage: Lovage;
  /** Lets the relay run on after the answer. */
  readonly background: (work: Promise<void>) => void;
}

/** Who asks: in whose name, and whether they speak for the shop. */
export interface Actor {
  /** The caller's owner. */
  readonly owner: string;
  /** The account they act as; null: none. */
  readonly userId: number | null;
  readonly isShop: boolean;
}

/** What is to be answered, once it is written. */
export interface Proposal<Answer> {
  readonly answer: Answer;
  /** Null: there is nothing to write. */
  readonly write: Write | null;
}

interface Write {
  readonly change: Omit<EscrowChange, "taskId">;
  /** The task that tells of it. */
  readonly notification: Signature;
  /** All that is written of it, the change's own row too. */
  readonly statements: (change: EscrowChange) => readonly BatchItem<"sqlite">[];
}

/** How often something is decided anew because somebody else was faster. */
const MAX_TRIES = 10;

/**
 * Decides and writes. A change, what it changes and the task that tells of it are one batch: none is there
 * without the others. Of two changes that were decided on the same version the second finds its number taken,
 * writes nothing, and is decided anew on what is there then.
 * @throws LovageError `escrow_busy`, retryable: others were faster every time
 * @param propose reads and decides; called again after every try that came too late
 */
export async function decideAndCommit<Answer>(
  parts: EscrowParts,
  propose: () => Promise<Proposal<Answer>>,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const { answer, write } = await propose();
    const failure = write === null ? null : await commit(parts, write);
    if (failure === null) return answer;
    if (tries === MAX_TRIES) throw failure;
  }
}

/** @returns null: it took effect. Else why it did not: nothing of it is written */
async function commit(
  { db, outbox, lovage, background }: EscrowParts,
  { change, notification, statements }: Write,
): Promise<Error | null> {
  const tasks = await lovage.prepareRepeatable([notification]);
  const written = { ...change, taskId: tasks[0]?.id ?? "" };
  try {
    await db.batch([outbox.insert(tasks), ...statements(written)]);
  } catch (error) {
    // Too late, or the answer got lost after the commit: the row of that number tells which.
    const stored = await findChange(db, change.subject, change.number);
    if (stored !== null && stored.taskId !== written.taskId) {
      return new LovageError("escrow_busy", "Too many change it at once.", { retryable: true });
    }
    if (stored === null) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
  // Should the relay be cut off, the sweep does it.
  background(outbox.relay(tasks));
  return null;
}
