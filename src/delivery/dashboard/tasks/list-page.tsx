import { FIRST_DERIVED_ID, mintedAt, redacted, type TaskRecord } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Cell,
  clipped,
  CopyId,
  count,
  counted,
  duration,
  Empty,
  page,
  Pager,
  placeOf,
  Tag,
  When,
} from "../shell/index.ts";
import { Filters } from "./filters.tsx";
import {
  isNewest,
  LIST,
  listPath,
  runtimeOf,
  sorted,
  type ListQuery,
  type Sort,
} from "./list-query.ts";
import type { FoundTasks } from "./found-tasks.ts";

const REFRESH_SECONDS = 10;
/** Of what was long looked for: that costs as much again. */
const RARE_REFRESH_SECONDS = 60;
/** Characters of arguments and results that a row shows. */
const SHOWN = 90;
/** The form that the boxes of the rows belong to. */
const BULK = "bulk";

/** The list of tasks. */
export function listPage(
  call: ApiCall,
  query: ListQuery,
  { found, queues }: { readonly found: FoundTasks; readonly queues: readonly string[] },
): Response {
  const tasks = sorted(found.tasks, query);
  const live = found.hasReadOn
    ? { everySeconds: RARE_REFRESH_SECONDS }
    : { everySeconds: REFRESH_SECONDS, events: "/api/events" };
  return page(call, {
    title: "Tasks",
    place: LIST,
    live: isNewest(query) ? live : undefined,
    children: (
      <div class="stack">
        <Filters query={query} queues={queues} />
        <section class="card">
          {may(call.caller, "control") && tasks.length > 0 ? <Bulk query={query} /> : null}
          {tasks.length === 0 ? <Nothing query={query} next={found.next} /> : null}
          {tasks.length === 0 ? null : (
            <Rows tasks={tasks} query={query} canChoose={may(call.caller, "control")} />
          )}
          <p class="small quiet">{wordsOf(query, found)}</p>
          <Pager
            words={query.search.order === "oldest" ? ["Oldest", "Newer"] : ["Newest", "Older"]}
            newest={query.cursor === null ? null : listPath(query, { cursor: null })}
            next={found.next === null ? null : listPath(query, { cursor: found.next })}
          />
        </section>
      </div>
    ),
  });
}

function wordsOf(query: ListQuery, { tasks: { length: shown }, hasReadOn }: FoundTasks): string {
  const tasks = `${counted(shown, "task")} on this page`;
  if (query.sort !== null) return `${tasks}, these in the order of their ${query.sort.by}.`;
  if (!isNewest(query)) return `${tasks}.`;
  return `${tasks}; it shows new ones ${hasReadOn ? "within a minute" : "as they come"}.`;
}

function Nothing({ query, next }: { query: ListQuery; next: string | null }) {
  if (next !== null) return <NothingSoFar query={query} next={next} />;
  const isFiltered = Object.keys(query.given).some((name) => name !== "limit" && name !== "cursor");
  return <Empty>{isFiltered ? "No task fits." : "There is no task yet."}</Empty>;
}

/** How far it was looked, and that there is more: the links below go on. */
function NothingSoFar({ query: { search }, next }: { query: ListQuery; next: string }) {
  const isMinted = next < FIRST_DERIVED_ID;
  return (
    <Empty>
      None so far
      {isMinted ? (
        <>
          {search.order === "oldest" ? ", up to " : ", back to "}
          <When at={mintedAt(next)} isExact />
        </>
      ) : null}
      . There may be more: go on, or set a time.
    </Empty>
  );
}

/** What is done to the rows that are chosen. */
function Bulk({ query }: { query: ListQuery }) {
  return (
    <form class="bulk" id={BULK} method="post" action={`${LIST}/bulk`}>
      <input type="hidden" name="next" value={listPath(query, {})} />
      <label class="check">
        <input type="checkbox" data-chooses="id" />
        All of this page
      </label>
      <button name="what" value="revoke" data-confirm="Revoke the chosen tasks?">
        Revoke
      </button>
      <button
        name="what"
        value="terminate"
        class="danger"
        data-confirm="Revoke the chosen tasks, and stop those that run?"
      >
        Terminate
      </button>
      <button name="what" value="replay" data-confirm="Run the chosen tasks once more?">
        Replay
      </button>
    </form>
  );
}

const COLUMNS: readonly {
  readonly title: string;
  readonly sort?: Sort;
  readonly isNumber?: true;
  /** What the pages are in order of. */
  readonly isTime?: true;
}[] = [
  { title: "State", sort: "state" },
  { title: "Task", sort: "name" },
  { title: "Queue", sort: "queue" },
  { title: "Arguments" },
  { title: "Result or error" },
  { title: "Received", isTime: true },
  { title: "Started", sort: "started" },
  { title: "Run time", sort: "runtime", isNumber: true },
  { title: "Retries", sort: "retries", isNumber: true },
];

function Rows({
  tasks,
  query,
  canChoose,
}: {
  tasks: readonly TaskRecord[];
  query: ListQuery;
  canChoose: boolean;
}) {
  return (
    <div class="table blocks">
      <table class="tasks">
        <caption class="visually-hidden">Tasks</caption>
        <thead>
          <tr>
            {canChoose ? (
              <th scope="col">
                <span class="visually-hidden">Choose</span>
              </th>
            ) : null}
            {COLUMNS.map((column) => (
              <Head column={column} query={query} />
            ))}
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row task={task} canChoose={canChoose} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Head({
  column: { title, sort, isNumber, isTime },
  query,
}: {
  column: (typeof COLUMNS)[number];
  query: ListQuery;
}) {
  if (isTime) return <TimeHead title={title} query={query} />;
  const kind = isNumber ? "number" : undefined;
  if (sort === undefined) {
    return (
      <th scope="col" class={kind}>
        {title}
      </th>
    );
  }
  const isBy = query.sort?.by === sort;
  const isUp = isBy && !query.sort.isDescending;
  // Up, down, by time again.
  const next =
    isBy && !isUp ? { sort: null, direction: null } : { sort, direction: isUp ? "down" : "up" };
  return (
    <th scope="col" class={kind} aria-sort={isBy ? (isUp ? "ascending" : "descending") : undefined}>
      <a href={listPath(query, next)}>
        {title}
        {isBy ? <span aria-hidden="true">{isUp ? " ↑" : " ↓"}</span> : null}
      </a>
    </th>
  );
}

/** Turns all pages around, not only the rows of this one. */
function TimeHead({ title, query }: { title: string; query: ListQuery }) {
  const isOldest = query.search.order === "oldest";
  const change = { sort: null, direction: null, cursor: null, order: isOldest ? null : "oldest" };
  const order = isOldest ? "ascending" : "descending";
  return (
    <th scope="col" aria-sort={query.sort === null ? order : undefined}>
      <a href={listPath(query, query.sort === null ? change : { sort: null, direction: null })}>
        {title}
        {query.sort === null ? <span aria-hidden="true">{isOldest ? " ↑" : " ↓"}</span> : null}
      </a>
    </th>
  );
}

function Row({ task, canChoose }: { task: TaskRecord; canChoose: boolean }) {
  const { id, name, queue, retries, submittedAt, attempts } = task;
  const args = clipped(JSON.stringify(redacted(task.kwargs)), SHOWN);
  return (
    <tr id={`task-${id}`}>
      {canChoose ? (
        <td data-name="Choose">
          <input
            type="checkbox"
            name="id"
            value={id}
            form={BULK}
            aria-label={`Choose ${name} ${id}`}
          />
        </td>
      ) : null}
      <Cell name="State">
        <Tag state={task.reported?.state ?? task.state} />
        {isOpenLetter(task) ? <Tag state="dead letter" kind="bad" /> : null}
      </Cell>
      <Cell name="Task">
        <a href={placeOf.task(id)} class="wrap">
          {name}
        </a>
        <CopyId id={id} />
      </Cell>
      <Cell name="Queue" kind="whole">
        {queue}
      </Cell>
      <Cell name="Arguments">
        <code dir="auto">{args}</code>
      </Cell>
      <Cell name="Result or error">
        <Outcome task={task} />
      </Cell>
      <Cell name="Received">
        <When at={submittedAt} />
      </Cell>
      <Cell name="Started">
        <When at={attempts[0]?.startedAt ?? null} />
      </Cell>
      <Cell name="Run time" kind="number">
        {duration(runtimeOf(task))}
      </Cell>
      <Cell name="Retries" kind="number">
        {retries}
      </Cell>
    </tr>
  );
}

function isOpenLetter({ isDeadLettered, resolution }: TaskRecord): boolean {
  return isDeadLettered && resolution === undefined;
}

function Outcome({ task: { state, error, result, large } }: { task: TaskRecord }) {
  const isFault = error !== null && state !== "SUCCESS";
  if (isFault) {
    return (
      <span class="fault" dir="auto">
        {clipped(`${error.exc_type}: ${error.exc_message}`, SHOWN)}
      </span>
    );
  }
  if (large !== undefined) return <span class="quiet">{count(large.bytes)} bytes</span>;
  return result === null ? null : <code dir="auto">{clipped(result, SHOWN)}</code>;
}
