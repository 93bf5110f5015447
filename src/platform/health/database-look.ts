/** Rows that are counted at most. */
const MAX_COUNT = 10_000;

/** What D1 says of itself and of what waits in it. Counts end at 10,000. */
export interface DatabaseLook {
  readonly bytes: number;
  /** Dead letters that nobody has dealt with. */
  readonly deadLetters: number;
  /** Tasks that wait for a relay, and since when the oldest does (epoch ms; null: none waits). */
  readonly outbox: number;
  readonly outboxSince: number | null;
}

/** Asks D1, in one call. */
export async function lookAtDatabase(db: D1Database): Promise<DatabaseLook> {
  const [letters, waiting] = await db.batch<{ count: number; since: number | null }>([
    db
      .prepare(
        `SELECT count(*) AS count, NULL AS since FROM (SELECT 1 FROM tasks INDEXED BY dead_letters
         WHERE is_dead_lettered = 1 AND resolution IS NULL LIMIT ?)`,
      )
      .bind(MAX_COUNT),
    db
      .prepare(
        `SELECT count(*) AS count, min(created_at) AS since
         FROM (SELECT created_at FROM outbox ORDER BY id LIMIT ?)`,
      )
      .bind(MAX_COUNT),
  ]);
  return {
    bytes: letters?.meta.size_after ?? 0,
    deadLetters: letters?.results[0]?.count ?? 0,
    outbox: waiting?.results[0]?.count ?? 0,
    outboxSince: waiting?.results[0]?.since ?? null,
  };
}
