import { formatRate, type AnyTaskDefinition, type Controls } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { RegisteredTask } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Cell,
  placeOf,
  SelectField,
  Table,
  TextField,
  textOf,
  type FormState,
} from "../shell/index.ts";

const PLACE = "/dashboard/queues";

export type Declared = Pick<
  AnyTaskDefinition<never>,
  "limits" | "softTimeLimitSeconds" | "timeLimitSeconds"
>;

interface Parts {
  readonly call: ApiCall;
  readonly controls: Controls;
  readonly tasks: readonly RegisteredTask[];
  readonly declared: ReadonlyMap<string, Declared>;
  readonly form: FormState;
}

/** What limits tasks, declared and set; and the forms that set it. */
export function Limits(parts: Parts) {
  const { call, controls, tasks, declared } = parts;
  const isSet = ({ name }: RegisteredTask) =>
    Object.hasOwn(controls.rateLimits, name) || Object.hasOwn(controls.timeLimits, name);
  const isLimited = (task: RegisteredTask) =>
    isSet(task) || declared.get(task.name)?.limits != null || task.soft_time_limit !== null;
  const shown = tasks.filter(isLimited);
  return (
    <>
      <section class="card">
        <h2>Limits of tasks</h2>
        <p class="quiet small">
          Tasks that have a limit of their own. Every attempt ends after 840 s at the latest.
        </p>
        <LimitTable parts={parts} shown={shown} />
      </section>
      {may(call.caller, "control") ? <SetForms {...parts} /> : null}
    </>
  );
}

function LimitTable({
  parts: { call, controls, declared },
  shown,
}: {
  parts: Parts;
  shown: readonly RegisteredTask[];
}) {
  return (
    <Table
      caption="Limits of tasks"
      head={["Task", "Rate", "At once", "Per key", "Soft time limit", "Time limit"]}
    >
      {shown.map((task) => {
        const { name } = task;
        const own = declared.get(name);
        const rate = own?.limits?.rate ?? null;
        const hasTimes = Object.hasOwn(controls.timeLimits, name);
        return (
          <tr>
            <Cell name="Task">
              <a href={placeOf.definition(name)}>{name}</a>
            </Cell>
            <Cell name="Rate">
              <Limit
                now={task.rate_limit ?? "none"}
                declared={rate === null ? "none" : formatRate(rate)}
                isSet={Object.hasOwn(controls.rateLimits, name)}
              />
              {Object.hasOwn(controls.rateLimits, name) ? (
                <TakeBack call={call} task={name} what="rate_limit" words="rate" />
              ) : null}
            </Cell>
            <Cell name="At once">{task.concurrency ?? "any"}</Cell>
            <Cell name="Per key">{perKey(task)}</Cell>
            <Cell name="Soft time limit">
              <Limit
                now={secondsText(task.soft_time_limit)}
                declared={secondsText(own?.softTimeLimitSeconds ?? null)}
                isSet={hasTimes}
              />
            </Cell>
            <Cell name="Time limit">
              <Limit
                now={secondsText(task.time_limit)}
                declared={secondsText(own?.timeLimitSeconds ?? null)}
                isSet={hasTimes}
              />
              {hasTimes ? (
                <TakeBack call={call} task={name} what="time_limit" words="time limits" />
              ) : null}
            </Cell>
          </tr>
        );
      })}
    </Table>
  );
}

function Limit({ now, declared, isSet }: { now: string; declared: string; isSet: boolean }) {
  if (!isSet || now === declared) return <span>{now}</span>;
  return (
    <span>
      <strong>{now}</strong> <span class="quiet">(declared: {declared})</span>
    </span>
  );
}

function TakeBack({
  call,
  task,
  what,
  words,
}: {
  call: ApiCall;
  task: string;
  what: "rate_limit" | "time_limit";
  words: string;
}) {
  if (!may(call.caller, "control")) return null;
  return (
    <form class="inline" method="post" action={`${PLACE}/${what}`}>
      <input type="hidden" name="task" value={task} />
      <button
        class="plain"
        name="do"
        value="declared"
        aria-label={`Back to the declared ${words} of ${task}`}
      >
        take back
      </button>
    </form>
  );
}

function SetForms({ tasks, form }: Parts) {
  const names = tasks.map(({ name }) => name).sort();
  // What was refused stands in the form that it was entered in.
  const isRate =
    textOf(form.values, "rate_limit") !== "" ||
    form.faults.some(({ field }) => field === "rate_limit");
  const empty: FormState = { values: { task: textOf(form.values, "task") }, faults: [] };
  return (
    <div class="grid">
      <section class="card">
        <h2>Set a rate</h2>
        <RateForm names={names} form={isRate ? form : empty} />
      </section>
      <section class="card">
        <h2>Set time limits</h2>
        <TimeForm names={names} form={isRate ? empty : form} />
      </section>
    </div>
  );
}

function RateForm({ names, form }: { names: readonly string[]; form: FormState }) {
  return (
    <form class="fields" method="post" action={`${PLACE}/rate_limit`}>
      <SelectField form={form} name="task" label="Task" choices={names} />
      <TextField
        form={form}
        name="rate_limit"
        label="Starts in a time"
        placeholder="10/m, 100/h, 5/s or 0"
      />
      <button>Set the rate</button>
      <p class="hint">0: no limit.</p>
    </form>
  );
}

function TimeForm({ names, form }: { names: readonly string[]; form: FormState }) {
  return (
    <form class="fields" method="post" action={`${PLACE}/time_limit`}>
      <label>
        Task
        <select name="task">
          {names.map((name) => (
            <option value={name} selected={name === textOf(form.values, "task")}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <TextField form={form} name="soft" label="Soft, seconds" type="number" step="any" />
      <TextField form={form} name="hard" label="Hard, seconds" type="number" step="any" />
      <button>Set the limits</button>
    </form>
  );
}

function perKey({ per_key: limits }: RegisteredTask): string {
  if (limits === null) return "–";
  const said = [
    limits.rate_limit,
    limits.concurrency === null ? null : `${limits.concurrency} at once`,
  ].filter((one) => one !== null);
  return said.length === 0 ? "–" : said.join(", ");
}

function secondsText(seconds: number | null): string {
  return seconds === null ? "none" : `${seconds} s`;
}
