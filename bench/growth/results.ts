import { mkdirSync, writeFileSync } from "node:fs";

/** A Markdown table; numbers with two digits after the point at most. */
export function table(
  head: readonly string[],
  lines: readonly (readonly (string | number)[])[],
): string {
  const text = (cell: string | number) =>
    typeof cell === "number" ? String(Math.round(cell * 100) / 100) : cell;
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(text).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}

/** Each line of figures by their names. */
export function printTable(lines: readonly Readonly<Record<string, string | number>>[]): void {
  const head = Object.keys(lines[0] ?? {});
  const cells = lines.map((line) => head.map((name) => line[name] ?? ""));
  console.log(`\n${table(head, cells)}`);
}

/** As `bench/results/<name>.json`. */
export function writeResult(name: string, result: object): void {
  mkdirSync("bench/results", { recursive: true });
  writeFileSync(`bench/results/${name}.json`, `${JSON.stringify(result, null, 2)}\n`);
}
