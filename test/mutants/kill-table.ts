import type { Mutant } from "./mutant.ts";
import { SEEDS, type Kill } from "./run-checks.ts";

export interface Row {
  readonly mutant: Mutant;
  /** Null: it survived. */
  readonly kill: Kill | null;
}

const HEADER = ["", "what is broken", "promises", "killed by", "says", "after"];

/** The kill table, as text or as Markdown. */
export function table(rows: readonly Row[], isMarkdown: boolean): string {
  const cells = rows.map(({ mutant, kill }) => [
    mutant.id,
    mutant.instead === undefined ? mutant.breaks : `${mutant.breaks} (${mutant.instead})`,
    mutant.guarantees.join(" "),
    kill?.test ?? "SURVIVED",
    kill?.violation ?? "",
    kill === null ? "" : afterOf(kill),
  ]);
  if (!isMarkdown) return cells.map((row) => row.join(" | ")).join("\n");
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(HEADER), line(HEADER.map(() => "---")), ...cells.map(line)].join("\n");
}

function afterOf({ seeds, project }: Kill): string {
  if (seeds === null) return project === "simulation" ? `at most ${SEEDS} seeds` : project;
  return seeds === 1 ? "1 seed" : `${seeds} seeds`;
}
