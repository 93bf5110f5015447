/** D1's own words for what is not the statement's fault begin so; what SQLite says of a statement has its code. */
const AWAY = /^D1_(EXEC_)?ERROR: (?!.*SQLITE_)(?!.*\bbindings\b)/;
const MAX_CAUSES = 5;

/**
 * Whether the database could not be asked, or gave no answer: it is not known then whether a write was made, and
 * another try may succeed. Looks behind the ORM's error.
 */
export function isDatabaseAway(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    if (AWAY.test(cause.message)) return true;
    cause = cause.cause;
  }
  return false;
}
