import { isTerminal, tasksOf, type TaskRecord } from "#engine";
import type { ApiCall } from "../../api/route.ts";
import {
  Action,
  Cell,
  clipped,
  CopyId,
  count,
  duration,
  page,
  pathWith,
  placeOf,
  Table,
  Tag,
} from "../shell/index.ts";
import { LIST } from "../tasks/list-query.ts";
import type { CanvasData, ShownTask } from "./canvas-data.ts";
import { endedIn, Graph, wordsOf } from "./graph.tsx";
import type { TaskNode } from "./nodes.ts";
import { Outline } from "./outline.tsx";

/** Its members' changes are no events of its own. */
const REFRESH_SECONDS = 2;
const SHOWN = 120;

/** A canvas as a graph, as an outline, and the members of a part of it as a list. */
export function canvasPage(
  call: ApiCall,
  {
    task,
    data,
    list,
    now,
  }: {
    readonly task: TaskRecord;
    readonly data: CanvasData;
    readonly list: { readonly from: number; readonly to: number } | null;
    readonly now: number;
  },
): Response {
  const { id, state, name } = task;
  const events = `/api/tasks/${id}/events/`;
  return page(call, {
    title: `Canvas ${name}`,
    place: LIST,
    live: isTerminal(state) ? undefined : { everySeconds: REFRESH_SECONDS, events },
    actions: <Actions call={call} task={task} />,
    children: (
      <div class="stack">
        <Head task={task} data={data} now={now} />
        <section class="card" aria-labelledby="graph">
          <h2 id="graph">Graph</h2>
          <Graph data={data} id={id} />
          <details id="outline">
            <summary>The same as an outline</summary>
            <Outline node={data.root} data={data} id={id} />
          </details>
        </section>
        {list === null ? null : <Members task={task} data={data} list={list} />}
      </div>
    ),
  });
}

function Actions({ call: { caller }, task: { id, state } }: { call: ApiCall; task: TaskRecord }) {
  return (
    <>
      <a class="button" href={placeOf.task(id)}>
        As a task
      </a>
      {isTerminal(state) ? null : (
        <Action
          caller={caller}
          scope="control"
          path={`${placeOf.task(id)}/revoke`}
          confirm="Revoke this canvas with all that it has not started?"
        >
          Revoke
        </Action>
      )}
    </>
  );
}

function Head({ task, data, now }: { task: TaskRecord; data: CanvasData; now: number }) {
  const { id, state, options, error, submittedAt, finishedAt } = task;
  const total = tasksOf(data.tree);
  const done = Math.min(total, endedIn(data.states));
  return (
    <>
      <div class="task-head">
        <Tag state={state} />
        <CopyId id={id} />
        <span>
          <span class="quiet">for</span> {duration((finishedAt ?? now) - submittedAt)}
        </span>
        {options.canvas === undefined ? null : (
          <a href={placeOf.canvas(options.canvas.id)}>the canvas around it</a>
        )}
      </div>
      <p class="progress">
        <progress value={done} max={Math.max(1, total)} aria-label="Members that have ended" />
        <span>
          {count(done)} of {count(total)} ended: {wordsOf(data.states, total)}
        </span>
      </p>
      {error === null ? null : (
        <p class="fault" dir="auto">
          {clipped(`${error.exc_type}: ${error.exc_message}`, 2_000)}
        </p>
      )}
    </>
  );
}

function Members({
  task: { id },
  data: { listed, listedNext, taskAt },
  list,
}: {
  task: TaskRecord;
  data: CanvasData;
  list: { readonly from: number; readonly to: number };
}) {
  const next =
    listedNext === null
      ? null
      : pathWith(placeOf.canvas(id), { from: String(listedNext), to: String(list.to) });
  return (
    <section class="card" id="members" aria-labelledby="members-title">
      <h2 id="members-title">Members</h2>
      <Table
        caption="Members of the canvas"
        head={["Place", "State", "Task", "Result or error"]}
        numbers={["Place"]}
      >
        {listed.map((node) => (
          <Member node={node} task={taskAt(node.place)} />
        ))}
      </Table>
      <nav class="pager" aria-label="Members">
        <a class="button" href={placeOf.canvas(id)}>
          Close
        </a>
        {next === null ? null : (
          <a class="button" href={`${next}#members`} rel="next">
            Further
          </a>
        )}
      </nav>
    </section>
  );
}

function Member({ node, task }: { node: TaskNode; task: ShownTask | null }) {
  const { error = null, result = null } = task ?? {};
  return (
    <tr id={`member-${node.place}`}>
      <Cell name="Place" kind="number">
        {node.place}
      </Cell>
      <Cell name="State">
        <Tag state={task?.reported?.state ?? task?.state ?? "PENDING"} />
      </Cell>
      <Cell name="Task">
        {task === null ? node.name : <a href={placeOf.task(task.id)}>{node.name}</a>}
      </Cell>
      <Cell name="Result or error">
        {error !== null && task?.state !== "SUCCESS" ? (
          <span class="fault" dir="auto">
            {clipped(`${error.exc_type}: ${error.exc_message}`, SHOWN)}
          </span>
        ) : result === null ? null : (
          <code dir="auto">{clipped(result, SHOWN)}</code>
        )}
      </Cell>
    </tr>
  );
}
