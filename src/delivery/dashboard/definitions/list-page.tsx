import type { AnyTaskDefinition, Schedule } from "#engine";
import type { RegisteredTask } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, Name, page, placeOf, Table } from "../shell/index.ts";
import { inWords } from "../schedules/list-page.tsx";

const PLACE = "/dashboard/definitions";

interface List {
  readonly tasks: readonly {
    readonly view: RegisteredTask;
    readonly definition: AnyTaskDefinition<never>;
  }[];
  /** By the task that they call. */
  readonly schedules: ReadonlyMap<string, readonly Schedule[]>;
  readonly search: string;
}

/** Every task that the deployment knows. */
export function listPage(call: ApiCall, { tasks, schedules, search }: List): Response {
  return page(call, {
    title: "Registered tasks",
    place: PLACE,
    children: (
      <div class="stack">
        <form class="card fields" method="get" action={PLACE} role="search" aria-label="Tasks">
          <label>
            Name
            <input type="search" name="search" value={search} />
          </label>
          <button>Show</button>
        </form>
        <section class="card">
          {tasks.length === 0 ? (
            <Empty>No task has such a name.</Empty>
          ) : (
            <Tasks tasks={tasks} schedules={schedules} />
          )}
        </section>
      </div>
    ),
  });
}

function Tasks({ tasks, schedules }: Omit<List, "search">) {
  return (
    <Table
      caption="Registered tasks"
      numbers={["Retries", "Time limit"]}
      head={["Task", "Arguments", "Queue", "Rate", "At once", "Retries", "Time limit", "Schedules"]}
    >
      {tasks.map(({ view, definition }) => (
        <tr>
          <Cell name="Task">
            <a href={placeOf.definition(view.name)}>
              <Name>{view.name}</Name>
            </a>
          </Cell>
          <Cell name="Arguments">
            <span class="mono quiet">{view.params.join(", ") || "none"}</span>
          </Cell>
          <Cell name="Queue" kind="whole">
            {definition.queue ?? "by route"}
          </Cell>
          <Cell name="Rate">{view.rate_limit ?? "–"}</Cell>
          <Cell name="At once">{view.concurrency ?? "–"}</Cell>
          <Cell name="Retries" kind="number">
            {view.max_retries ?? "for ever"}
          </Cell>
          <Cell name="Time limit" kind="number">
            {timesOf(view)}
          </Cell>
          <Cell name="Schedules">
            {(schedules.get(view.name) ?? []).map(({ name, timing }) => (
              <div>
                <a href={placeOf.schedule(name)} title={name}>
                  {inWords(timing)}
                </a>
              </div>
            ))}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** Soft and hard. */
export function timesOf({
  soft_time_limit: soft,
  time_limit: hard,
}: Pick<RegisteredTask, "soft_time_limit" | "time_limit">): string {
  return soft === null ? `${hard} s` : `${soft} / ${hard} s`;
}
