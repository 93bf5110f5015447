import { isTerminal, type TaskRecord } from "#engine";
import type { ApiCall } from "../../api/route.ts";
import { taskView } from "../../api/tasks/task-views.ts";
import { Action, CopyId, duration, page, placeOf, Tag, When } from "../shell/index.ts";
import { Attempts, Steps } from "./attempts.tsx";
import { EventForm, ReplayForm, RescheduleForm } from "./forms.tsx";
import { Links } from "./links.tsx";
import { LIST } from "./list-query.ts";
import { Arguments, Fault, JsonText, Progress, Result } from "./outcome.tsx";
import { TimelineView } from "./timeline-view.tsx";
import { timelineOf } from "./timeline.ts";
import { WhyItWaits } from "./waiting.tsx";

/** While it runs, how long it does so changes without an event. */
const REFRESH_SECONDS = 5;

export interface ShownTask {
  readonly task: TaskRecord;
  /** Epoch ms. */
  readonly now: number;
  readonly queues: readonly string[];
  /** Of which it is a run; null: of none. */
  readonly schedule: string | null;
  readonly canReplay: boolean;
}

/** All about one task. */
export function taskPage(call: ApiCall, shown: ShownTask): Response {
  const { task, now, canReplay, queues } = shown;
  const { id, name, state, waiting } = task;
  const isLive = !isTerminal(state);
  const live = { everySeconds: REFRESH_SECONDS, events: `/api/tasks/${id}/events/` };
  const { caller } = call;
  return page(call, {
    title: name,
    place: LIST,
    live: isLive ? live : undefined,
    actions: <Actions call={call} shown={shown} />,
    children: (
      <div class="stack">
        <Head task={task} />
        <Progress task={task} />
        {waiting === undefined ? null : <WhyItWaits waiting={waiting} caller={caller} />}
        <section class="card" aria-labelledby="timeline">
          <h2 id="timeline">
            Timeline{" "}
            <small class="quiet">{duration((task.finishedAt ?? now) - task.submittedAt)}</small>
          </h2>
          {task.queue === "" ? null : <TimelineView timeline={timelineOf(task, now)} />}
          <Times task={task} />
        </section>
        <div class="grid wide">
          {task.queue === "" ? null : <Arguments task={task} />}
          <Result task={task} now={now} />
        </div>
        <Fault task={task} caller={caller} />
        <Attempts task={task} caller={caller} now={now} />
        <Steps task={task} />
        <Links shown={shown} />
        {canReplay ? <ReplayForm task={task} caller={caller} /> : null}
        {isLive ? <RescheduleForm task={task} caller={caller} queues={queues} /> : null}
        {isLive && state !== "PENDING" ? <EventForm task={task} caller={caller} /> : null}
        <details class="card" id="raw">
          <summary>Raw JSON</summary>
          <JsonText
            text={JSON.stringify(taskView(task, caller, now), null, 2)}
            label="The task as JSON"
            href={`/api/tasks/${id}/`}
          />
        </details>
      </div>
    ),
  });
}

function Actions({ call: { caller }, shown }: { call: ApiCall; shown: ShownTask }) {
  const { task, canReplay } = shown;
  const path = `${LIST}/${task.id}`;
  const isLive = !isTerminal(task.state);
  return (
    <>
      {task.options.tree === undefined ? null : (
        <a class="button" href={placeOf.canvas(task.id)}>
          As a graph
        </a>
      )}
      {isLive ? (
        <>
          <Action
            caller={caller}
            scope="control"
            path={`${path}/revoke`}
            confirm="Revoke this task?"
          >
            Revoke
          </Action>
          <Action
            caller={caller}
            scope="control"
            path={`${path}/revoke`}
            fields={{ terminate: "1" }}
            confirm="Revoke this task, and stop it if it runs?"
            kind="danger"
          >
            Terminate
          </Action>
        </>
      ) : null}
      {canReplay && task.resolution === undefined ? (
        <Action
          caller={caller}
          scope="control"
          path={`${path}/replay`}
          confirm="Run this task once more, with the same arguments?"
          {...(task.isDeadLettered && { kind: "main" as const })}
        >
          Replay
        </Action>
      ) : null}
    </>
  );
}

function Head({ task }: { task: TaskRecord }) {
  const { id, queue, priority, owner, options, isDeadLettered, resolution, reported, state } = task;
  return (
    <div class="task-head">
      <Tag state={reported?.state ?? state} />
      {isDeadLettered && resolution === undefined ? <Tag state="dead letter" kind="bad" /> : null}
      <CopyId id={id} />
      {queue === "" ? null : (
        <span>
          <span class="quiet">queue</span>{" "}
          <a href={`${LIST}?queue=${encodeURIComponent(queue)}`}>{queue}</a>
        </span>
      )}
      {priority === 0 ? null : (
        <span>
          <span class="quiet">priority</span> {priority}
        </span>
      )}
      <span>
        <span class="quiet">of</span> {owner}
      </span>
      {Object.entries(options.labels ?? {}).map(([label, value]) => (
        <a class="tag" dir="auto" href={`${LIST}?label=${encodeURIComponent(`${label}:${value}`)}`}>
          {label}: {value}
        </a>
      ))}
    </div>
  );
}

function Times({ task }: { task: TaskRecord }) {
  const { submittedAt, attempts, dueAt, expiresAt, finishedAt, retries } = task;
  const times: readonly (readonly [string, number | null])[] = [
    ["Received", submittedAt],
    ["Due", dueAt],
    ["Started", attempts[0]?.startedAt ?? null],
    ["Ended", finishedAt],
    ["Expires", expiresAt],
  ];
  return (
    <dl class="facts row">
      {times.map(([name, at]) =>
        at === null ? null : (
          <div>
            <dt>{name}</dt>
            <dd>
              <When at={at} isExact />
            </dd>
          </div>
        ),
      )}
      <div>
        <dt>Retries</dt>
        <dd>{retries}</dd>
      </div>
    </dl>
  );
}
