import * as z from "zod";
import { defineMail, type MailTemplate } from "../mail/index.ts";
import { paragraphsOf } from "./message-blocks.ts";

/** A text of the deployment's own, in whatever language it is; an empty line begins a paragraph. */
export interface Notice {
  readonly subject: string;
  readonly message: string;
}

/** How it is handed in. */
export const noticeParams = {
  subject: z.string().min(1).max(200),
  message: z.string().max(20_000),
};

/** Declares a mail that says a notice. */
export function defineNotice(declaration: {
  readonly name: string;
  readonly isBulk?: boolean;
  readonly sample: Notice;
}): MailTemplate<Notice> {
  const words = ({ subject, message }: Notice) => ({
    subject,
    body: paragraphsOf(message),
  });
  return defineMail<Notice>({ ...declaration, en: words, ru: words });
}
