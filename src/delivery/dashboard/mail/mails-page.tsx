import { EMAIL_STATES, type EmailQuery, type StoredEmail } from "#domain/mail";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, page, Pager, pathWith, Table, When } from "../shell/index.ts";
import { MailState, placeOfMail } from "./mail-lines.tsx";
import { MailTabs } from "./mail-tabs.tsx";

const PATH = "/dashboard/mail/sent";
const REFRESH_SECONDS = 15;

interface List {
  readonly query: EmailQuery;
  readonly templates: readonly string[];
  readonly emails: readonly StoredEmail[];
  readonly isFirst: boolean;
  readonly next: string | null;
}

/** What was sent, or is to be, the newest first. */
export function mailsPage(call: ApiCall, { query, emails, isFirst, next, templates }: List) {
  const { taskId, state, template, to } = query;
  const kept = { task_id: taskId, state, template, to };
  return page(call, {
    title: "Mails",
    place: "/dashboard/mail",
    live: isFirst ? { everySeconds: REFRESH_SECONDS } : undefined,
    actions: <MailTabs caller={call.caller} at={PATH} />,
    children: (
      <div class="stack">
        <FilterForm query={query} templates={templates} />
        <section class="card">
          {emails.length === 0 ? (
            <Empty>{next === null ? "No mail here." : "None among those looked at yet."}</Empty>
          ) : (
            <Mails emails={emails} />
          )}
          <Pager
            newest={isFirst ? null : pathWith(PATH, kept)}
            next={next === null ? null : pathWith(PATH, { ...kept, cursor: next })}
          />
        </section>
      </div>
    ),
  });
}

function FilterForm({ query, templates }: Pick<List, "query" | "templates">) {
  return (
    <form class="card fields" method="get" action={PATH} role="search" aria-label="Mails">
      <label>
        Recipient
        <input type="search" name="to" value={query.to} />
      </label>
      <label>
        State
        <select name="state">
          <option value="">all</option>
          {EMAIL_STATES.map((one) => (
            <option value={one} selected={one === query.state}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label>
        Message
        <select name="template">
          <option value="">all</option>
          {templates.map((one) => (
            <option value={one} selected={one === query.template}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label>
        Task
        <input name="task_id" value={query.taskId} />
      </label>
      <button>Show</button>
    </form>
  );
}

function Mails({ emails }: Pick<List, "emails">) {
  return (
    <Table
      caption="Mails"
      numbers={["Tries"]}
      head={["Subject", "To", "State", "Message", "Tries", "Made"]}
    >
      {emails.map((email) => (
        <tr>
          <Cell name="Subject">
            <a href={placeOfMail(email)}>{email.subject === "" ? "(none)" : email.subject}</a>
          </Cell>
          <Cell name="To">{email.toAddress}</Cell>
          <Cell name="State">
            <MailState state={email.state} />
            {email.reason === null ? null : <span class="fault"> {email.reason}</span>}
          </Cell>
          <Cell name="Message">{email.template}</Cell>
          <Cell name="Tries" kind="number">
            {email.attempts}
          </Cell>
          <Cell name="Made">
            <When at={email.createdAt} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
