import { InvalidOptionError } from "./errors.ts";
import type { CallOptions } from "./signature.ts";
import type { RunOptions } from "./wire.ts";

export const MAX_LABELS = 10;
export const LABEL_NAME = /^[A-Za-z_][\w.-]{0,49}$/;
const MAX_VALUE_LENGTH = 200;

/** The labels of a call, checked. @throws InvalidOptionError naming the label */
export function labelsOf({ labels }: CallOptions): Pick<RunOptions, "labels"> {
  const entries = Object.entries(labels ?? {});
  if (labels === undefined || entries.length === 0) return {};
  if (entries.length > MAX_LABELS) {
    throw new InvalidOptionError("labels", `A task has at most ${MAX_LABELS}.`);
  }
  for (const [name, value] of entries) {
    if (!LABEL_NAME.test(name)) {
      const rule = "a letter or _, then letters, digits, _ . -; at most 50";
      throw new InvalidOptionError(`labels.${name.slice(0, 50)}`, `is no label's name (${rule}).`);
    }
    if (typeof value !== "string" || value === "" || value.length > MAX_VALUE_LENGTH) {
      throw new InvalidOptionError(
        `labels.${name}`,
        `must be a text of 1 to ${MAX_VALUE_LENGTH} characters.`,
      );
    }
  }
  return { labels };
}
