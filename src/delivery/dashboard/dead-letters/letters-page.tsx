import { redacted, type DeadLetterFilter, type TaskRecord } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, Name, page, Pager, pathWith, placeOf, Table, When } from "../shell/index.ts";
import { Filter } from "./groups-page.tsx";

const PLACE = "/dashboard/dead-letters";
const PATH = `${PLACE}/list`;

interface Letters {
  readonly filter: DeadLetterFilter;
  readonly cursor: string | null;
  readonly tasks: readonly TaskRecord[];
  readonly next: string | null;
}

/** Dead letters one by one, those that failed last first. */
export function lettersPage(call: ApiCall, letters: Letters): Response {
  const { filter, cursor, tasks, next } = letters;
  const query = { name: filter.name, queue: filter.queue, exc_type: filter.excType };
  return page(call, {
    title: "Dead letters, one by one",
    place: PLACE,
    actions: (
      <a class="button" href={PLACE}>
        By task and error
      </a>
    ),
    children: (
      <div class="stack">
        <Filter filter={filter} path={PATH} />
        <section class="card">
          {tasks.length === 0 ? (
            <Empty>None here.</Empty>
          ) : may(call.caller, "control") ? (
            <Choice letters={letters} here={pathWith(PATH, { ...query, cursor })} />
          ) : (
            <List tasks={tasks} isChoice={false} />
          )}
          <Pager
            newest={cursor === null ? null : pathWith(PATH, query)}
            next={next === null ? null : pathWith(PATH, { ...query, cursor: next })}
          />
        </section>
      </div>
    ),
  });
}

function Choice({ letters: { filter, tasks }, here }: { letters: Letters; here: string }) {
  const { name, excType } = filter;
  const isGroup = name !== undefined && excType !== undefined && filter.queue === undefined;
  return (
    <form method="post" action={`${PLACE}/bulk`} class="stack">
      <input type="hidden" name="next" value={here} />
      {isGroup ? (
        <>
          <input type="hidden" name="name" value={name} />
          <input type="hidden" name="exc_type" value={excType} />
        </>
      ) : null}
      <div class="actions">
        {isGroup ? (
          <label class="check">
            <input type="checkbox" name="all" value="on" /> All of the group, not only those chosen
          </label>
        ) : null}
        <button name="do" value="replay" class="main">
          Replay
        </button>
        <button
          name="do"
          value="discard"
          class="danger"
          data-confirm="Discard what is chosen? It won't be run again."
        >
          Discard
        </button>
      </div>
      <List tasks={tasks} isChoice />
    </form>
  );
}

function List({ tasks, isChoice }: { tasks: readonly TaskRecord[]; isChoice: boolean }) {
  const box = (
    <input type="checkbox" data-chooses="ids" aria-label="Choose all of this page" title="All" />
  );
  return (
    <Table
      caption="Dead letters"
      numbers={["Tries"]}
      head={[...(isChoice ? [box] : []), "Task", "Error", "Arguments", "Queue", "Tries", "Failed"]}
    >
      {tasks.map((task) => (
        <tr>
          {isChoice ? (
            <Cell name="Chosen">
              <input
                type="checkbox"
                name="ids"
                value={task.id}
                aria-label={`Choose ${task.name} ${task.id}`}
              />
            </Cell>
          ) : null}
          <Cell name="Task">
            <a href={placeOf.task(task.id)} title={task.id}>
              <Name>{task.name}</Name>
            </a>
          </Cell>
          <Cell name="Error" kind="clip">
            <span class="bad">{task.error?.exc_type ?? "unknown"}</span>{" "}
            <span title={task.error?.exc_message}>{task.error?.exc_message}</span>
          </Cell>
          <Cell name="Arguments" kind="clip">
            <code>{JSON.stringify(redacted(task.kwargs))}</code>
          </Cell>
          <Cell name="Queue" kind="whole">
            {task.queue}
          </Cell>
          <Cell name="Tries" kind="number">
            {task.retries + 1}
          </Cell>
          <Cell name="Failed">
            <When at={task.finishedAt} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
