/** Who is signed in, links that set a password, tries at passwords: gone in hours, and never to come back. */
const NEVER: ReadonlySet<string> = new Set(["sessions", "password_resets", "tries_left"]);

/** Of no use without the secrets in them. */
const SECRET_TABLES: ReadonlySet<string> = new Set(["api_keys"]);

/** Secret columns, by table, and what stands for them, as SQL: nobody logs in with the password `!`. */
const SECRET_COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  users: { password_hash: "'!'" },
};

/** Columns that hold the text of a mail: left out where there is a secret in it. */
const MAIL_TEXTS: ReadonlySet<string> = new Set(["text_body", "html_body"]);

/**
 * Tables in which a deployment has rows of its own, before anybody orders anything: a restore adds to them.
 * All others have to be empty.
 */
export const OWN_TABLES: ReadonlySet<string> = new Set([
  ...["api_keys", "api_log", "audit_log", "expiring_results", "reports", "task_labels", "tasks"],
]);

/**
 * Which tables are read before others, since rows change meanwhile. The outbox: what it sets off is recorded in
 * the others, as they are then or later. Then what others are parts of: none of it lacks its parts, and what
 * was done (money that moved) is known at least as far as its state says, so that it is not done again. The
 * events of a transaction are numbered by its version: one that is beyond it would be in the way of the next.
 */
const READ_FIRST = ["outbox", "escrow_events", "escrow_transactions", "orders"];

/** The tables in the order in which they are read. */
export function inReadingOrder<Table extends { readonly name: string }>(
  tables: readonly Table[],
): Table[] {
  const isFirst = ({ name }: Table) => READ_FIRST.includes(name);
  const firsts = READ_FIRST.flatMap((first) => tables.filter(({ name }) => name === first));
  return [...firsts, ...tables.filter((table) => !isFirst(table))];
}

/** Whether the rows of a table are in a backup. */
export function isTableIncluded(table: string, isEncrypted: boolean): boolean {
  return !NEVER.has(table) && (isEncrypted || !SECRET_TABLES.has(table));
}

/** What stands for a column's value in a plain backup: SQL text; null: the value itself. */
export function replacementOf(
  table: string,
  column: string,
  secretTemplates: readonly string[],
): string | null {
  if (table === "emails" && MAIL_TEXTS.has(column)) {
    const names = secretTemplates.map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");
    return `iif(template IN (${names}), '', "${column}")`;
  }
  return SECRET_COLUMNS[table]?.[column] ?? null;
}

/** What a backup leaves out, as its manifest says it. */
export function leftOut(isEncrypted: boolean): string[] {
  const always = [...NEVER];
  if (isEncrypted) return always;
  const columns = Object.entries(SECRET_COLUMNS).flatMap(([table, own]) =>
    Object.keys(own).map((column) => `${table}.${column}`),
  );
  return [...always, ...SECRET_TABLES, ...columns, "the texts of mails with a secret in them"];
}
