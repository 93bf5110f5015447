import MailComposer from "nodemailer/lib/mail-composer";
import type { MailMessage } from "#domain/mail";

/** The address in `Shop <shop@example.com>`, or what stands there alone, with its domain as servers write it. */
export function senderOf(from: string): { readonly address: string; readonly domain: string } {
  const address = /<([^>]+)>$/.exec(from)?.[1] ?? from;
  const at = address.lastIndexOf("@");
  const domain = new URL(`http://${address.slice(at + 1)}`).hostname;
  return { address: `${address.slice(0, at)}@${domain}`, domain };
}

/**
 * A message as it goes over the wire, but for the dots: headers, and text and HTML as alternatives, in UTF-8.
 * @param date epoch ms
 */
export function composeMessage(
  { messageId, to, subject, text, html, headers }: MailMessage,
  from: string,
  date: number,
): Promise<Uint8Array> {
  const composer = new MailComposer({
    from,
    // Not as text, which would be read as a list.
    to: { name: "", address: to },
    subject,
    text,
    html,
    messageId,
    date: new Date(date),
    headers: { ...headers },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}
