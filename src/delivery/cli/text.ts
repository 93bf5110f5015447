import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** Puts a style on a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** The colour that a state has everywhere. */
export function styleOf(state: string): Style {
  return STYLES[state] ?? "cyan";
}

const STYLES: Readonly<Record<string, Style>> = {
  PENDING: "gray",
  RECEIVED: "gray",
  STARTED: "cyan",
  SUSPENDED: "cyan",
  RETRY: "yellow",
  SUCCESS: "green",
  FAILURE: "red",
  REJECTED: "red",
  REVOKED: "magenta",
  IGNORED: "gray",
};

/**
 * A text that does nothing to a terminal: what tasks are called and fail with is others' text, and an escape
 * sequence in it could write anything anywhere.
 * @param kept control characters that may stay
 */
export function printable(text: string, kept = ""): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    kept.includes(character) ? character : escapeOf(character),
  );
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const short = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
  if (short !== undefined) return short;
  const digits = code.toString(16);
  return code < 256 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** How many columns a text takes; it has no control characters and no styles. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** A text that takes exactly so many columns: cut with `…`, or filled. */
export function fit(text: string, columns: number, align: "left" | "right" = "left"): string {
  const width = widthOf(text);
  if (width <= columns) {
    const gap = " ".repeat(columns - width);
    return align === "left" ? text + gap : gap + text;
  }
  if (columns <= 0) return "";
  let kept = "";
  let used = 0;
  for (const character of text) {
    const columnsOfIt = columnsOf(character);
    if (used + columnsOfIt > columns - 1) break;
    kept += character;
    used += columnsOfIt;
  }
  return `${kept}…${" ".repeat(columns - used - 1)}`;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function columnsOf(character: string): number {
  if (/\p{Mn}|\p{Me}|\u200d|\ufe0f/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** `1 queue`, `2 queues`. */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}
