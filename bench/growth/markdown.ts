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
