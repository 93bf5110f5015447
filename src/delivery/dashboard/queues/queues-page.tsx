import type { Controls, QueueLength } from "#engine";
import type { RegisteredTask } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Action,
  Cell,
  count,
  duration,
  Faults,
  page,
  pathWith,
  Table,
  Tag,
  type FormState,
} from "../shell/index.ts";
import { Limits, type Declared } from "./limits.tsx";

const PLACE = "/dashboard/queues";
const REFRESH_SECONDS = 5;

interface Shown {
  readonly queues: readonly QueueLength[];
  readonly controls: Controls;
  readonly tasks: readonly RegisteredTask[];
  /** The registered tasks by name, as they are declared. */
  readonly declared: ReadonlyMap<string, Declared>;
  /** Of a limit that was refused. */
  readonly form: FormState;
  readonly now: number;
}

/** What waits where, and what holds tasks back. */
export function queuesPage(call: ApiCall, shown: Shown): Response {
  const { controls, form } = shown;
  const { caller } = call;
  const hasFaults = form.faults.length > 0;
  return page(call, {
    title: "Queues and limits",
    place: PLACE,
    status: hasFaults ? 422 : 200,
    live: hasFaults ? undefined : { everySeconds: REFRESH_SECONDS },
    actions: controls.isShutDown ? (
      <Action caller={caller} scope="control" path={`${PLACE}/start`} kind="main">
        Start all queues
      </Action>
    ) : (
      <Action
        caller={caller}
        scope="control"
        path={`${PLACE}/shutdown`}
        kind="danger"
        confirm="Stop all queues? What runs goes on, nothing new begins until they are started."
      >
        Stop all queues
      </Action>
    ),
    children: (
      <div class="stack">
        {controls.isShutDown ? (
          <p class="notice failed" role="note">
            All queues are stopped: tasks are taken and wait until somebody starts them again.
          </p>
        ) : null}
        <Faults form={form} />
        <section class="card">
          <h2>Queues</h2>
          <Queues call={call} shown={shown} />
        </section>
        <Limits
          call={call}
          controls={controls}
          tasks={shown.tasks}
          declared={shown.declared}
          form={form}
        />
      </div>
    ),
  });
}

function Queues({ call, shown: { queues, now } }: { call: ApiCall; shown: Shown }) {
  return (
    <Table
      caption="Queues"
      numbers={["Waiting", "Scheduled", "Running", "Oldest waits for"]}
      head={["Queue", "State", "Waiting", "Scheduled", "Running", "Oldest waits for", "Actions"]}
    >
      {queues.map((one) => (
        <tr>
          <Cell name="Queue">
            <a href={pathWith("/dashboard/tasks", { queue: one.queue })}>{one.queue}</a>
          </Cell>
          <Cell name="State">
            {one.isPaused ? (
              <Tag state="paused" kind="warn" />
            ) : (
              <Tag state="consumed" kind="good" />
            )}
            {one.pause === null ? null : (
              <span class="hint">{` by the deployment: ${one.pause.reason}`}</span>
            )}
          </Cell>
          <Cell name="Waiting" kind="number">
            {count(one.waiting)}
          </Cell>
          <Cell name="Scheduled" kind="number">
            {count(one.scheduled)}
          </Cell>
          <Cell name="Running" kind="number">
            {count(one.running)}
          </Cell>
          <Cell name="Oldest waits for" kind="number">
            {duration(one.oldestAt === null ? null : Math.max(0, now - one.oldestAt))}
          </Cell>
          <Cell name="Actions">
            <QueueActions call={call} one={one} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function QueueActions({ call: { caller }, one }: { call: ApiCall; one: QueueLength }) {
  const { queue, isPaused, waiting, scheduled } = one;
  const fields = { queue };
  const path = `${PLACE}/${isPaused ? "add_consumer" : "cancel_consumer"}`;
  const held = waiting + scheduled;
  return (
    <div class="actions">
      <Action caller={caller} scope="control" path={path} fields={fields}>
        {isPaused ? "Resume" : "Pause"}
        <span class="visually-hidden"> {queue}</span>
      </Action>
      <Action
        caller={caller}
        scope="control"
        path={`${PLACE}/purge`}
        fields={fields}
        kind="danger"
        confirm={`Revoke all ${count(held)} tasks that wait in ${queue}, also for a time or a retry? They won't run.`}
      >
        Purge
        <span class="visually-hidden"> {queue}</span>
      </Action>
    </div>
  );
}
