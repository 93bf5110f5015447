import { expect, it } from "vitest";
import { fit, printable, widthOf } from "../../../src/delivery/cli/text.ts";

it("others' text does nothing to a terminal", () => {
  expect(printable("a\x1b]0;title\x07b\u202e\n", "\n")).toBe("a\\x1b]0;title\\x07b\\u202e\n");
});

it.each([
  ["abc", 5, "abc  "],
  ["abcdef", 4, "abc…"],
  ["日本語", 4, "日… "],
  ["日本語", 6, "日本語"],
  ["", 0, ""],
])("%j in %i columns is %j", (text, columns, cell) => {
  expect(fit(text, columns)).toBe(cell);
  expect(widthOf(cell)).toBe(columns);
});

it("numbers stand at the right", () => {
  expect(fit("12", 4, "right")).toBe("  12");
});
