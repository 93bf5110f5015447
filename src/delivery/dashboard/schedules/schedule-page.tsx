import type { Schedule, ScheduleRun, TaskRecord } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Action,
  Cell,
  count,
  duration,
  Empty,
  Faults,
  Json,
  page,
  placeOf,
  Table,
  Tag,
  TextField,
  When,
  type FormState,
} from "../shell/index.ts";
import { Enabled, inWords, zoneOf } from "./list-page.tsx";
import type { Arguments } from "./schedule-arguments.ts";

const REFRESH_SECONDS = 10;

/** What becomes of slots that were missed, in words. */
export const MISSED = {
  once: "one run makes up for all",
  skip: "are left out",
  all: "the last ones are made up for",
} as const satisfies Record<Schedule["missed"]["policy"], string>;

/** What becomes of a slot that comes before the last run has ended. */
export const OVERLAP = {
  allow: "it runs all the same",
  skip: "the slot is left out",
  queue: "the slot waits",
} as const satisfies Record<Schedule["overlap"], string>;

/** Slots that are to come, and the zone in which they are told. */
export interface Slots {
  readonly timezone: string;
  readonly next: readonly { readonly at: number; readonly local: string }[];
}

interface Shown {
  readonly schedule: Schedule;
  /** Without what is secret. */
  readonly shown: Arguments;
  /** The newest first; a task is null where it is not known any more. */
  readonly runs: readonly { readonly run: ScheduleRun; readonly task: TaskRecord | null }[];
  readonly slots: Slots;
  readonly backfill: FormState;
  /** Of one run more by hand: pressed twice it is one. */
  readonly runKey: string;
}

/** One schedule: what it says, what ran, what comes. */
export function schedulePage(call: ApiCall, all: Shown): Response {
  const { schedule, runs, slots, backfill } = all;
  const hasFaults = backfill.faults.length > 0;
  return page(call, {
    title: schedule.name,
    place: "/dashboard/schedules",
    status: hasFaults ? 422 : 200,
    live: hasFaults ? undefined : { everySeconds: REFRESH_SECONDS },
    actions: <Actions call={call} all={all} />,
    children: (
      <div class="stack">
        {schedule.description === "" ? null : <p class="lead">{schedule.description}</p>}
        <div class="grid">
          <Facts schedule={schedule} />
          <section class="card">
            <h2>The next ten runs, in {slots.timezone}</h2>
            {schedule.enabled ? null : (
              <p class="warn">It is disabled: these would be its runs if it were enabled.</p>
            )}
            <SlotList slots={slots} />
          </section>
        </div>
        <ArgumentsCard shown={all.shown} headers={schedule.headers} />
        <section class="card">
          <h2>Runs</h2>
          {runs.length === 0 ? <Empty>It did not run yet.</Empty> : <Runs runs={runs} />}
        </section>
        {may(call.caller, "control") ? <Backfill name={schedule.name} form={backfill} /> : null}
      </div>
    ),
  });
}

function Actions({ call: { caller }, all: { schedule, runKey } }: { call: ApiCall; all: Shown }) {
  const path = placeOf.schedule(schedule.name);
  const { enabled, name, origin } = schedule;
  const common = { caller, scope: "control" } as const;
  return (
    <>
      {may(caller, "control") ? (
        <a class="button" href={`${path}/edit`}>
          Edit
        </a>
      ) : null}
      <Action {...common} path={`${path}/run`} fields={{ key: runKey }} kind="main">
        Run now
      </Action>
      <Action {...common} path={`${path}/switch`} fields={{ enabled: enabled ? "false" : "true" }}>
        {enabled ? "Disable" : "Enable"}
      </Action>
      {origin === "code" ? null : (
        <Action
          {...common}
          path={`${path}/delete`}
          kind="danger"
          confirm={`Delete the schedule ${name} and its history?`}
        >
          Delete
        </Action>
      )}
    </>
  );
}

function Facts({ schedule }: { schedule: Schedule }) {
  const { timing, missed, origin } = schedule;
  const facts: [string, unknown][] = [
    ["Task", <a href={placeOf.definition(schedule.task)}>{schedule.task}</a>],
    ["When", inWords(timing)],
    ["Zone", zoneOf(timing)],
    ...(timing.kind === "crontab"
      ? [["Crontab", <code>{crontabText(timing)}</code>] as [string, unknown]]
      : []),
    ["State", <Enabled isEnabled={schedule.enabled} />],
    ["Last run", <When at={schedule.lastRunAt} />],
    ["Next run", <When at={schedule.enabled ? schedule.nextAt : null} />],
    ["Runs in total", count(schedule.totalRunCount)],
    [
      "Slots that were missed",
      missed.policy === "all" ? `the last ${missed.limit} are made up for` : MISSED[missed.policy],
    ],
    ["While the run before is unfinished", OVERLAP[schedule.overlap]],
    ["Once only", schedule.oneOff ? "yes" : "no"],
    ["Not before", <When at={schedule.startTime} />],
    ["Not after", <When at={schedule.expires} />],
    ["A run may start for", schedule.expireSeconds === null ? "–" : `${schedule.expireSeconds} s`],
    ["Queue", schedule.queue ?? "as its task says"],
    ["Priority", schedule.priority ?? "as its task says"],
    ["Origin", origin === "code" ? "code: what is changed here stays" : origin],
    ["Changed", <When at={schedule.updatedAt} />],
  ];
  return (
    <section class="card">
      <h2>What it says</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function crontabText(timing: Extract<Schedule["timing"], { kind: "crontab" }>): string {
  const { minute, hour, day_of_month: day, month_of_year: month, day_of_week: weekday } = timing;
  return [minute, hour, day, month, weekday].join(" ");
}

/** Slots in their order, as its zone's clocks show them. */
export function SlotList({ slots: { next } }: { slots: Slots }) {
  if (next.length === 0) return <Empty>It runs no more.</Empty>;
  return (
    <ol class="slots">
      {next.map(({ at, local }) => (
        <li>
          <span>{local}</span> <When at={at} />
        </li>
      ))}
    </ol>
  );
}

function ArgumentsCard({ shown, headers }: { shown: Arguments; headers: Schedule["headers"] }) {
  const labels = Object.entries(headers);
  return (
    <section class="card">
      <h2>Arguments</h2>
      <Json value={shown.kwargs} label="Arguments by name" />
      {shown.args.length === 0 ? null : (
        <>
          <h3>By position</h3>
          <Json value={shown.args} label="Arguments by position" />
        </>
      )}
      {labels.length === 0 ? null : (
        <p>
          Labels:{" "}
          {labels.map(([name, value]) => (
            <span class="tag">{`${name}: ${value}`}</span>
          ))}
        </p>
      )}
    </section>
  );
}

function Runs({ runs }: Pick<Shown, "runs">) {
  return (
    <Table
      caption="Runs"
      numbers={["Drift", "Took"]}
      head={["Slot", "Kind", "Drift", "Task", "State", "Took"]}
    >
      {runs.map(({ run, task }) => {
        const started = task?.attempts[0]?.startedAt ?? null;
        const ended = task?.finishedAt ?? null;
        const drift = run.kind === "slot" ? run.fired_at - run.slot : null;
        const took = started === null || ended === null ? null : ended - started;
        return (
          <tr>
            <Cell name="Slot">
              <When at={run.slot} />
            </Cell>
            <Cell name="Kind">{run.kind}</Cell>
            <Cell name="Drift" kind="number">
              {duration(drift)}
            </Cell>
            <Cell name="Task" kind="mono">
              {run.task_id === null ? (
                <span class="warn">{run.note ?? "none"}</span>
              ) : (
                <a href={placeOf.task(run.task_id)} title={run.task_id}>
                  …{run.task_id.slice(-12)}
                </a>
              )}
            </Cell>
            <Cell name="State">
              {task === null ? (
                <span class="quiet">–</span>
              ) : (
                <Tag state={task.reported?.state ?? task.state} />
              )}
            </Cell>
            <Cell name="Took" kind="number">
              {duration(took)}
            </Cell>
          </tr>
        );
      })}
    </Table>
  );
}

function Backfill({ name, form }: { name: string; form: FormState }) {
  return (
    <section class="card">
      <h2>Make up for slots that did not run</h2>
      <Faults form={form} />
      <form class="fields" method="post" action={`${placeOf.schedule(name)}/backfill`}>
        <TextField
          form={form}
          name="from"
          label="From (UTC)"
          type="datetime-local"
          step="1"
          required
        />
        <TextField
          form={form}
          name="until"
          label="Until (UTC)"
          type="datetime-local"
          step="1"
          required
        />
        <button>Backfill</button>
      </form>
    </section>
  );
}
