/**
 * UTF-16 units of one JSON parameter. A bound text may have 2,000,000 bytes in production (the local
 * database takes more), and a unit is up to three bytes: what has this many units fits in any script.
 */
export const MAX_PARAMETER_LENGTH = 600_000;

interface JsonArray {
  readonly text: string;
  /** How many values are in it. */
  readonly count: number;
}

/**
 * Puts JSON values together into JSON arrays that fit a parameter: mostly one. A value that is larger by
 * itself gets an array of its own.
 */
export function* jsonArrays(values: Iterable<string>): Generator<JsonArray> {
  let taken: string[] = [];
  let length = 0;
  for (const value of values) {
    if (taken.length > 0 && length + value.length > MAX_PARAMETER_LENGTH) {
      yield { text: `[${taken.join(",")}]`, count: taken.length };
      taken = [];
      length = 0;
    }
    taken.push(value);
    // The comma counts too.
    length += value.length + 1;
  }
  if (taken.length > 0) yield { text: `[${taken.join(",")}]`, count: taken.length };
}
