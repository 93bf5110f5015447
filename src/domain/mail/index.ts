export { isAddress } from "./address.ts";
export * from "./find-emails.ts";
export { mailOf, MailDesk, type MailRequest } from "./mail-desk.ts";
export { countMails, settleMail, MAIL_OPTIONS, type MailCounts } from "./mail-tasks.ts";
export { LOCALES, type Locale } from "./locale.ts";
export { deleteOldMails } from "./old-mails.ts";
export type { StoredEmail } from "./outgoing.ts";
export {
  addSuppression,
  listSuppressions,
  removeSuppression,
  type Suppression,
} from "./suppressions.ts";
export { EMAIL_STATES, SUPPRESSION_REASONS } from "./tables.ts";
export {
  defineMail,
  type AnyMail,
  type Block,
  type MailContent,
  type MailTemplate,
  type Words,
} from "./template.ts";
export * from "./transport.ts";
export { Unsubscribe } from "./unsubscribe.ts";
export { withdrawMail } from "./withdraw.ts";
