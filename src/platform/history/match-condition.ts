import { inJson, lowered, type Match, type MatchField } from "#engine";

/** Columns that have a field of a task in them, or more; absent: none has, and SQL can't tell. */
export type MatchColumns = Readonly<Partial<Record<Exclude<MatchField, "pair">, string>>>;

/** D1 takes a hundred parameters a statement; conditions that find no place are left to `matches`. */
const MAX_PARAMS = 60;

/**
 * A condition that is true of whatever matches, and of little else: it may not know of secrets, and doesn't
 * know what it has no column or parameter for.
 * @param params takes what the condition needs
 */
export function matchCondition(match: Match, columns: MatchColumns, params: string[]): string {
  if ("all" in match) return joined(match.all, " AND ", "1", columns, params);
  if ("any" in match) return joined(match.any, " OR ", "0", columns, params);
  const { field, text } = match;
  const column = columns[field === "pair" ? "args" : field];
  if (column === undefined || params.length + 2 > MAX_PARAMS) return "1";
  const isIn = (value: string) => {
    params.push(lowered(value));
    return `instr(lower(${column}), ?)`;
  };
  const isInEither = () =>
    inJson(text) === text ? isIn(text) : `(${isIn(text)} OR ${isIn(inJson(text))})`;
  switch (field) {
    case "id":
    case "name":
      return isIn(text);
    case "state":
      params.push(lowered(text));
      return `lower(${column}) = ?`;
    case "pair":
      return orSecret(column, isIn(inJson(text.split("=", 1)[0] ?? "")));
    // Errors stand in JSON too.
    case "error":
      return isIn(inJson(text));
    case "args":
      return orSecret(column, isInEither());
    case "result":
      return isInEither();
  }
}

/**
 * Whatever has a secret in it is let through: how far a page got would tell otherwise whether a text is in the
 * secret, which may be kept plain.
 */
function orSecret(column: string, condition: string): string {
  return `(${condition} OR instr(${column}, '"$secret"'))`;
}

function joined(
  parts: readonly Match[],
  operator: string,
  empty: string,
  columns: MatchColumns,
  params: string[],
): string {
  if (parts.length === 0) return empty;
  return balanced(
    parts.map((part) => matchCondition(part, columns, params)),
    operator,
  );
}

/** In halves: an expression may be a hundred deep, and `a AND b AND c` is as deep as it is long. */
function balanced(conditions: readonly string[], operator: string): string {
  if (conditions.length < 3) return `(${conditions.join(operator)})`;
  const half = Math.ceil(conditions.length / 2);
  const [left, right] = [conditions.slice(0, half), conditions.slice(half)];
  return `(${balanced(left, operator)}${operator}${balanced(right, operator)})`;
}
