import { toHex } from "#engine";
import type { MailMessage } from "./transport.ts";

/** Of mail that comes from nowhere. */
const NO_DOMAIN = "lovage.invalid";

/**
 * The same for every attempt of a task, so that a provider or a mailbox can tell a repetition.
 * @param from `Shop <shop@example.com>` or the address alone: its domain is the id's; null: mail has no sender
 */
export async function messageIdOf(
  { taskId, to, template }: Pick<MailMessage, "taskId" | "to" | "template">,
  from: string | null,
): Promise<string> {
  const input = new TextEncoder().encode(JSON.stringify([taskId, to, template]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
  return `<${toHex(digest.subarray(0, 16))}@${domainOf(from ?? "")}>`;
}

function domainOf(from: string): string {
  return /@([A-Za-z0-9.-]+)>?$/.exec(from)?.[1]?.toLowerCase() ?? NO_DOMAIN;
}
