import MimeNode from "nodemailer/lib/mime-node";
import { encode, wrap } from "nodemailer/lib/qp";
import type { MailMessage } from "#domain/mail";

/** The address in `Shop <shop@example.com>`, or what stands there alone, with its domain as servers write it. */
export function senderOf(from: string): { readonly address: string; readonly domain: string } {
  const address = /<([^>]+)>$/.exec(from)?.[1] ?? from;
  const at = address.lastIndexOf("@");
  const domain = new URL(`http://${address.slice(at + 1)}`).hostname;
  return { address: `${address.slice(0, at)}@${domain}`, domain };
}

/**
 * A message as it goes over the wire, but for the dots: headers, and text and HTML as alternatives, in UTF-8. The parts
 * are put together here, as nodemailer's streams take many times as long in a Worker.
 * @param date epoch ms
 */
export function composeMessage(
  { messageId, to, subject, text, html, headers }: MailMessage,
  from: string,
  date: number,
): Uint8Array {
  const boundary = `=_${crypto.randomUUID()}`;
  const head = new MimeNode(`multipart/alternative; boundary="${boundary}"`);
  head.setHeader(headers);
  head.setHeader({
    From: from,
    // Not as text, which would be read as a list.
    To: [{ name: "", address: to }],
    Subject: subject,
    "Message-ID": messageId,
    Date: new Date(date).toUTCString().replace("GMT", "+0000"),
  });
  const parts = [partOf("plain", text), partOf("html", html)];
  const body = [...parts.map((part) => `--${boundary}\r\n${part}\r\n`), `--${boundary}--\r\n`];
  return new TextEncoder().encode(`${head.buildHeaders()}\r\n\r\n${body.join("")}`);
}

/** Text stays legible where most of it is ASCII; of other letters, base64 makes less. */
function partOf(type: "plain" | "html", text: string): string {
  const lines = text.replaceAll(/\r\n|\r|\n/g, "\r\n");
  const bytes = Buffer.from(lines);
  const isLegible = bytes.length < lines.length * 1.2;
  const [encoding, content] = isLegible
    ? ["quoted-printable", wrap(encode(bytes), 76)]
    : ["base64", bytes.toString("base64").replaceAll(/.{76}/g, "$&\r\n")];
  return `Content-Type: text/${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${content}`;
}
