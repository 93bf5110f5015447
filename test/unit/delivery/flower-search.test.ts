import { expect, it } from "vitest";
import type { Match } from "#engine";
import { readSearch } from "../../../src/delivery/api/flower/search-query.ts";

/** A match as text: `name~x`, `(a & b)`, `(a | b)`; what is looked for anywhere as the text alone. */
function shown(match: Match): string {
  if ("all" in match)
    return match.all.length === 0 ? "yes" : `(${match.all.map(shown).join(" & ")})`;
  if ("field" in match) return `${match.field}~${match.text}`;
  const [first, second] = match.any;
  if (first === undefined) return "no";
  const isAnywhere = "field" in first && first.field === "id" && second !== undefined;
  return isAnywhere ? first.text : `(${match.any.map(shown).join(" | ")})`;
}

it.each([
  ["", "yes"],
  ["  ", "yes"],
  ["email invoice", "(email & invoice)"],
  ["email AND invoice", "(email & invoice)"],
  ["invoice OR receipt", "(invoice | receipt)"],
  ["(email OR report) urgent", "((email | report) & urgent)"],
  ["one two OR three four", "((one & two) | (three & four))"],
  ['"connection refused"', "connection refused"],
  ['"say \\"hello\\""', 'say "hello"'],
  ["args:customer", "args~customer"],
  ["kwargs:customer", "args~customer"],
  ["kwargs:queue=priority", "pair~queue=priority"],
  ['kwargs:"a = b c"', "pair~a=b c"],
  ["kwargs:n=1", "pair~n=1"],
  ["result:timeout", "result~timeout"],
  ['result:"connection refused"', "result~connection refused"],
  ["name:send_email", "name~send_email"],
  ["NAME:send_email", "name~send_email"],
  ["worker:vage@lov", "yes"],
  ["worker:celery@host", "no"],
  ["state:FAILURE", "state~FAILURE"],
  ["(state:FAILURE OR state:RETRY)", "(state~FAILURE | state~RETRY)"],
  ["queue:fast", "queue:fast"],
  ['"AND"', "AND"],
  ["and or", null],
  ["andes", "andes"],
  ["(((((deep)))))", "deep"],
  ["state:a", "state~a"],
  ["foo-bar", "foo-bar"],
  ["ab\\\\cd", "ab\\cd"],
])("'%s' is read", (text, expected) => {
  if (expected === null) expect(() => readSearch(text)).toThrow("at least 3 characters");
  else expect(shown(readSearch(text))).toBe(expected);
});

it.each([
  ["ab", "Substring search terms must contain at least 3 characters at position 0."],
  ["email ab", "Substring search terms must contain at least 3 characters at position 6."],
  ["name:ab", "Substring search terms must contain at least 3 characters at position 0."],
  ["name:", "Search qualifier requires a value at position 0."],
  ["NOT email", "NOT is not supported at position 0."],
  ["-email", "Negation with '-' is not supported at position 0."],
  ['"open', "Unterminated quoted phrase at position 0."],
  ['email ""', "Empty search term at position 6."],
  ["email OR", "OR must be followed by a search term at position 6."],
  ["email OR AND more", "OR must be followed by a search term at position 6."],
  ["email AND", "AND must be followed by a search term at position 6."],
  ["OR email", "Expected a search term at position 0."],
  ["()", "Empty group at position 0."],
  ["(email", "Missing closing parenthesis at position 0."],
  ["email)", "Unexpected ')' at position 5."],
  ["((((((deep))))))", "Query nesting exceeds 5 levels at position 5."],
  ["x".repeat(2_049), "Query exceeds 2048 characters."],
  [Array.from({ length: 129 }, () => "term").join(" "), "Query exceeds 128 tokens."],
])("'%s' is refused in Flower's words", (text, message) => {
  expect(() => readSearch(text)).toThrow(new Error(message));
});

it("a term alone is looked for in a state, too, and in the worker's name", () => {
  expect(readSearch("revok")).toMatchObject({
    any: expect.arrayContaining([{ field: "state", text: "REVOKED" }, { any: [] }]),
  });
  expect(readSearch("lovage@")).toMatchObject({ any: expect.arrayContaining([{ all: [] }]) });
});
