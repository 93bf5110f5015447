const PREFIX = "lovage";
const FORM = /^lovage-(?<at>[0-9a-z]{1,11})-/;
/** Providers remember a key for a day; an hour of it is for what may be slow, and for clocks. */
const WINDOW_MS = 23 * 3_600_000;

/** Stands for the key of a mail that is not out and goes in no batch with others: one with it was refused as a whole. */
export const ALONE = "alone";

/** A key that no batch had before, with the time in it. */
export function newBatchKey(now: number): string {
  return `${PREFIX}-${now.toString(36)}-${crypto.randomUUID()}`;
}

/**
 * The key of one try of one mail: for mails whose text is stored nowhere, which can't be asked for again as they
 * were.
 */
export function keyOfTry({
  message: { messageId },
  attempts,
}: {
  readonly message: { readonly messageId: string };
  readonly attempts: number;
}): string {
  return `${PREFIX}-try-${attempts}-${messageId.replaceAll(/[^\w.@-]/g, "").slice(0, 200)}`;
}

/** Whether a provider may have forgotten the key: asked again, it might send again. */
export function isForgotten(key: string, now: number): boolean {
  const at = FORM.exec(key)?.groups?.["at"];
  return at === undefined || now - Number.parseInt(at, 36) > WINDOW_MS;
}
