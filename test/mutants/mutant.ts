/** A change of one place of a source file. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** The text as it stands there, exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Tests of one project that a mutant must not pass. */
export interface Check {
  readonly project: "unit" | "simulation" | "domain";
  /** From the repository's root. */
  readonly file: string;
  /** A regular expression for the tests' names; absent: all of the file. */
  readonly name?: string;
}

/** The real code with one promise broken. */
export interface Mutant {
  readonly id: string;
  /** What is wrong with it, as a person who made the mistake would be told. */
  readonly breaks: string;
  /** Guarantees of RELIABILITY.md. */
  readonly guarantees: readonly string[];
  /** Where the code has no such place: what is broken in its stead, and why that is the same promise. */
  readonly instead?: string;
  readonly edits: readonly Edit[];
  /** In the order in which they are tried; the first that fails kills it. */
  readonly checks: readonly Check[];
}

/** A mutant's edit fits its file no more: the code has changed, and the mutant has to follow. */
export class EditError extends Error {
  override readonly name = "EditError";
}

/**
 * The text of a file with a mutant's edits.
 * @param file from the repository's root
 * @throws EditError
 */
export function mutated(mutant: Mutant, file: string, text: string): string {
  let result = text;
  for (const { find, replace } of mutant.edits.filter((edit) => edit.file === file)) {
    const count = result.split(find).length - 1;
    if (count !== 1) throw new EditError(`${mutant.id}: found ${count} times in ${file}: ${find}`);
    result = result.replace(find, () => replace);
  }
  return result;
}
