import type { StoredEmail } from "#domain/mail";
import type { ApiCall } from "../../api/route.ts";
import { Empty, page, pathWith, placeOf, When } from "../shell/index.ts";
import { MailState } from "./mail-lines.tsx";
import { MailTabs } from "./mail-tabs.tsx";

const TASK_ID = /^[0-9a-f-]{36}$/;

/** One mail: as its reader sees it, and what became of it. */
export function oneMailPage(call: ApiCall, email: StoredEmail): Response {
  const { subject, taskId, toAddress, template } = email;
  const key = [taskId, toAddress, template].map((part) => encodeURIComponent(part)).join("/");
  return page(call, {
    title: subject === "" ? `Mail ${template}` : subject,
    place: "/dashboard/mail",
    actions: <MailTabs caller={call.caller} at="/dashboard/mail/sent" />,
    children: (
      <div class="stack">
        <Facts email={email} />
        <section class="card">
          <h2>As it is read</h2>
          {email.textBody === "" ? (
            <Empty>
              Its text is not kept, or not shown: there is a secret in it, or it is bulk mail that
              is through.
            </Empty>
          ) : (
            <div class="twins">
              <figure>
                <figcaption>HTML</figcaption>
                <iframe
                  src={`/api/emails/${key}/?format=html`}
                  title="The mail as HTML"
                  sandbox=""
                />
              </figure>
              <figure>
                <figcaption>Text</figcaption>
                <pre tabindex={0} aria-label="The mail as text">
                  {email.textBody}
                </pre>
              </figure>
            </div>
          )}
        </section>
      </div>
    ),
  });
}

function Facts({ email }: { email: StoredEmail }) {
  const { taskId, toAddress, template } = email;
  const facts: [string, unknown][] = [
    ["State", <MailState state={email.state} />],
    ["To", toAddress],
    ["Message", template],
    ["Tries", email.attempts],
    ["What the provider said", email.reason ?? "nothing went wrong"],
    ["Provider's id", email.providerId ?? "–"],
    ["Message-ID", email.messageId],
    ["Made", <When at={email.createdAt} isExact />],
    ["Made by", TASK_ID.test(taskId) ? <a href={placeOf.task(taskId)}>{taskId}</a> : taskId],
  ];
  return (
    <section class="card">
      <h2>What became of it</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
      <p>
        <a class="button" href={pathWith("/dashboard/mail/sent", { task_id: taskId })}>
          All mails of the same
        </a>
      </p>
    </section>
  );
}
