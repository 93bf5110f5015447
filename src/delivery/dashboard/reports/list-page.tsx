import { REPORT_KINDS, type StoredReport } from "#domain/reports";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Cell,
  Empty,
  Faults,
  page,
  Pager,
  pathWith,
  placeOf,
  SelectField,
  Table,
  Tag,
  TextField,
  When,
  type FormState,
} from "../shell/index.ts";

const PLACE = "/dashboard/reports";

type Kind = (typeof REPORT_KINDS)[number];

interface List {
  readonly kind: Kind;
  readonly cursor: string | null;
  readonly reports: readonly Omit<StoredReport, "body">[];
  readonly next: string | null;
  readonly form: FormState;
}

/** The reports of a kind, the newest first. */
export function listPage(call: ApiCall, { kind, cursor, reports, next, form }: List): Response {
  return page(call, {
    title: "Reports",
    place: PLACE,
    status: form.faults.length > 0 ? 422 : 200,
    actions: (
      <nav class="tabs" aria-label="Kinds of reports">
        {REPORT_KINDS.map((one) => (
          <a href={pathWith(PLACE, { kind: one })} aria-current={one === kind ? "page" : undefined}>
            {one}
          </a>
        ))}
      </nav>
    ),
    children: (
      <div class="stack">
        {may(call.caller, "control") ? <MakeForm form={form} /> : null}
        <section class="card">
          <h2>{kind === "daily" ? "Days" : "Weeks"}</h2>
          {reports.length === 0 ? (
            <Empty>None was made yet: schedules make them, or the form above.</Empty>
          ) : (
            <Reports reports={reports} />
          )}
          <Pager
            newest={cursor === null ? null : pathWith(PLACE, { kind })}
            next={next === null ? null : pathWith(PLACE, { kind, cursor: next })}
          />
        </section>
      </div>
    ),
  });
}

function MakeForm({ form }: { form: FormState }) {
  return (
    <section class="card">
      <h2>Make one now</h2>
      <Faults form={form} />
      <form class="fields" method="post" action={PLACE}>
        <SelectField form={form} name="kind" label="Kind" choices={REPORT_KINDS} />
        <TextField
          form={form}
          name="date"
          label="A day of its period"
          type="date"
          hint="empty: the last one that has ended"
        />
        <button>Make the report</button>
      </form>
    </section>
  );
}

function Reports({ reports }: Pick<List, "reports">) {
  return (
    <Table caption="Reports" head={["Period", "Complete", "Made", "By"]}>
      {reports.map(({ kind, period, isComplete, createdAt, taskId }) => (
        <tr>
          <Cell name="Period">
            <a href={`${PLACE}/${kind}/${period}`}>{period}</a>
          </Cell>
          <Cell name="Complete">
            {isComplete ? <Tag state="whole" kind="good" /> : <Tag state="so far" kind="warn" />}
          </Cell>
          <Cell name="Made">
            <When at={createdAt} />
          </Cell>
          <Cell name="By" kind="mono">
            <a href={placeOf.task(taskId)} title={taskId}>
              …{taskId.slice(-12)}
            </a>
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
