import { toHex } from "#engine";

const MAIL_DOMAIN = "lovage.invalid";

/** The same for every attempt of a task, so that a provider or a mailbox can tell a repetition. */
export async function messageIdOf(taskId: string, to: string, template: string): Promise<string> {
  const input = new TextEncoder().encode(JSON.stringify([taskId, to, template]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
  return `<${toHex(digest.subarray(0, 16))}@${MAIL_DOMAIN}>`;
}
