import type * as z from "zod";
import type { Block } from "../mail/index.ts";

/** What is shown of one object or list. */
const MAX_LEAVES = 500;

/** A text, or figures. */
export type Message = z.core.util.JSONType;

/**
 * A message as the blocks of a mail: a text by its paragraphs; of an object its plain values, then each
 * object or list in it under its name.
 */
export function blocksOf(message: Message): Block[] {
  if (typeof message === "string") return paragraphsOf(message);
  if (message === null || typeof message !== "object") return [JSON.stringify(message)];
  const facts = Object.entries(message).flatMap(([key, value]) =>
    isPlain(value) ? [[labelOf(key), textOf(value)] as const] : [],
  );
  const groups = Object.entries(message).flatMap(([key, value]): Block[] => {
    const leaves = isPlain(value) ? [] : leavesOf(value, "").slice(0, MAX_LEAVES);
    return leaves.length === 0 ? [] : [labelOf(key), { facts: leaves }];
  });
  return facts.length > 0 ? [{ facts }, ...groups] : groups;
}

/** An empty line begins a paragraph. */
export function paragraphsOf(text: string): string[] {
  return text.split("\n\n").filter((paragraph) => paragraph.trim() !== "");
}

function leavesOf(value: Message, path: string): [label: string, value: string][] {
  if (isPlain(value)) return [[path, textOf(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner, path === "" ? key : `${path} ${key}`),
  );
}

function isPlain(value: Message): value is string | number | boolean | null {
  return value === null || typeof value !== "object";
}

function textOf(value: string | number | boolean | null): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `success_rate` as `success rate`. */
function labelOf(key: string): string {
  return key.replaceAll("_", " ");
}
