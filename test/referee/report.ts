import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/wrangler.ts";
import type { Finding } from "./checker.ts";

/** Lines of a table whose columns are as wide as their widest cell, the first one left, the others right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, column) => Math.max(all[column] ?? 0, String(cell).length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
        })
        .join("  "),
    )
    .join("\n");
}

/** What was promised, and how often it was not kept; with examples of what was not. */
export function findingsText(findings: readonly Finding[]): string {
  const rows = findings.map(({ invariant, of, broken }) => [
    invariant,
    `${broken.toLocaleString("en")} of ${of.toLocaleString("en")}`,
  ]);
  const wrong = findings.filter(({ broken }) => broken > 0);
  const examples = wrong.flatMap(({ invariant, examples: shown }) => [
    `\n${invariant}:`,
    ...shown.map((example) => `  ${JSON.stringify(example)}`),
  ]);
  return [table(rows), ...examples].join("\n");
}

/** Writes what a run found for programs. */
export function writeResults(name: string, results: object): void {
  const folder = join(ROOT, "bench/results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}
