import { SUPPRESSION_REASONS, type Suppression } from "#domain/mail";
import type { ApiCall } from "../../api/route.ts";
import {
  Action,
  Cell,
  Empty,
  Faults,
  page,
  Pager,
  pathWith,
  SelectField,
  Table,
  TextField,
  When,
  type FormState,
} from "../shell/index.ts";
import { MailTabs } from "./mail-tabs.tsx";

const PATH = "/dashboard/mail/suppressions";

interface Shown {
  readonly entries: readonly Suppression[];
  readonly isFirst: boolean;
  readonly next: string | null;
  readonly form: FormState;
}

/** Addresses that are not written to, for admins. */
export function suppressionsPage(call: ApiCall, { entries, isFirst, next, form }: Shown): Response {
  return page(call, {
    title: "Suppressed addresses",
    place: "/dashboard/mail",
    status: form.faults.length > 0 ? 422 : 200,
    actions: <MailTabs caller={call.caller} at={PATH} />,
    children: (
      <div class="stack">
        <section class="card">
          <h2>Write to an address no more</h2>
          <Faults form={form} />
          <form class="fields" method="post" action={PATH} novalidate>
            <TextField form={form} name="address" label="Address" type="email" required />
            <SelectField form={form} name="reason" label="Why" choices={SUPPRESSION_REASONS} />
            <TextField form={form} name="detail" label="Note" />
            <button>Add</button>
          </form>
          <p class="hint">
            hard_bounce: nothing is sent there; unsubscribed: no bulk mail, all other mail is.
          </p>
        </section>
        <section class="card">
          <h2>Not written to</h2>
          {entries.length === 0 ? (
            <Empty>No address is on the list.</Empty>
          ) : (
            <Entries call={call} entries={entries} />
          )}
          <Pager
            newest={isFirst ? null : PATH}
            next={next === null ? null : pathWith(PATH, { cursor: next })}
            words={["First", "More"]}
          />
        </section>
      </div>
    ),
  });
}

function Entries({ call, entries }: { call: ApiCall; entries: readonly Suppression[] }) {
  return (
    <Table caption="Suppressed addresses" head={["Address", "Why", "Note", "Since", "Actions"]}>
      {entries.map(({ address, reason, detail, createdAt }) => (
        <tr>
          <Cell name="Address">{address}</Cell>
          <Cell name="Why">{reason}</Cell>
          <Cell name="Note">{detail ?? "–"}</Cell>
          <Cell name="Since">
            <When at={createdAt} />
          </Cell>
          <Cell name="Actions">
            <Action
              caller={call.caller}
              scope="admin"
              path={`${PATH}/remove`}
              fields={{ address, reason }}
            >
              Take off<span class="visually-hidden"> {address}</span>
            </Action>
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
