import type { StoredEmail } from "#domain/mail";
import { Tag, When } from "../shell/index.ts";

const KINDS = { pending: "warn", sending: "busy", sent: "good", failed: "bad" } as const;

export function MailState({ state }: Pick<StoredEmail, "state">) {
  return <Tag state={state} kind={KINDS[state]} />;
}

/** Where a stored mail is shown. */
export function placeOfMail({ taskId, toAddress, template }: StoredEmail): string {
  const key = [taskId, toAddress, template].map((part) => encodeURIComponent(part)).join("/");
  return `/dashboard/mail/sent/${key}`;
}

/** Stored mails, a line each. */
export function MailLines({ emails }: { emails: readonly StoredEmail[] }) {
  return (
    <ul class="lines">
      {emails.map((email) => (
        <li>
          <MailState state={email.state} />
          <a href={placeOfMail(email)}>{email.subject}</a>
          <span class="quiet">{email.toAddress}</span>
          <span class="quiet">{email.template}</span>
          <When at={email.createdAt} />
          {email.reason === null ? null : <span class="fault">{email.reason}</span>}
        </li>
      ))}
    </ul>
  );
}
