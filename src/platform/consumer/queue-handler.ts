import { DEAD_DOORBELLS, ownName, type Doorbell } from "../doorbell.ts";
import { log } from "../log.ts";

/** What the handler calls for the bells it gets. */
export interface BellAnswers {
  /** Does the due work of a queue on one shard. */
  drain(shard: number, queue: string, bells: number): Promise<unknown>;
  /** Has a shard look for due work by itself. */
  tick(shard: number): Promise<void>;
}

/**
 * Answers a batch of doorbells: each shard's work once, however often it rang. Never throws: a bell that
 * could not be answered is retried by itself, and at last put into the dead-letter queue, whose bells
 * make the ledger look after its work without one.
 */
export async function answerDoorbells(
  batch: MessageBatch<Doorbell>,
  answers: BellAnswers,
): Promise<void> {
  const byPlace = Map.groupBy(batch.messages, ({ body }) => `${body.shard} ${body.queue}`);
  await Promise.all(
    Array.from(byPlace.values(), async (messages) => {
      const bell = messages[0]?.body;
      if (bell === undefined) return;
      try {
        if (ownName(batch.queue) === DEAD_DOORBELLS) {
          log("doorbell_dead", { ...bell, count: messages.length });
          await answers.tick(bell.shard);
        } else {
          await answers.drain(bell.shard, bell.queue, messages.length);
        }
        for (const message of messages) message.ack();
      } catch (error) {
        log("doorbell_failed", { ...bell, error });
        for (const message of messages) message.retry();
      }
    }),
  );
}
