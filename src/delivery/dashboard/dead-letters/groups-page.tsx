import type { DeadLetterFilter, DeadLetterGroup } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import { Cell, count, Empty, Name, page, pathWith, placeOf, Table, When } from "../shell/index.ts";

const PLACE = "/dashboard/dead-letters";
const REFRESH_SECONDS = 15;

/** Dead letters by task and error. */
export function groupsPage(
  call: ApiCall,
  { groups, filter }: { groups: readonly DeadLetterGroup[]; filter: DeadLetterFilter },
): Response {
  const total = groups.reduce((sum, group) => sum + group.count, 0);
  return page(call, {
    title: "Dead letters",
    place: PLACE,
    live: { everySeconds: REFRESH_SECONDS },
    actions: (
      <a class="button" href={`${PLACE}/list`}>
        One by one
      </a>
    ),
    children: (
      <div class="stack">
        <Filter filter={filter} path={PLACE} />
        <section class="card">
          <h2>{count(total)} tasks ran out of attempts and wait for a person</h2>
          {groups.length === 0 ? (
            <Empty>None. Whatever fails for good stays here until it is dealt with.</Empty>
          ) : (
            <Groups call={call} groups={groups} />
          )}
        </section>
      </div>
    ),
  });
}

function Groups({ call, groups }: { call: ApiCall; groups: readonly DeadLetterGroup[] }) {
  const here = new URL(call.request.url);
  return (
    <Table
      caption="Dead letters by task and error"
      numbers={["Count"]}
      head={["Task", "Error", "Count", "First", "Last", "Some of them", "Actions"]}
    >
      {groups.map((group) => (
        <tr>
          <Cell name="Task">
            <a href={pathWith(`${PLACE}/list`, { name: group.name, exc_type: group.excType })}>
              <Name>{group.name}</Name>
            </a>
          </Cell>
          <Cell name="Error">
            <span class="bad">{group.excType === "" ? "unknown" : group.excType}</span>
          </Cell>
          <Cell name="Count" kind="number">
            {count(group.count)}
          </Cell>
          <Cell name="First">
            <When at={group.firstAt} />
          </Cell>
          <Cell name="Last">
            <When at={group.lastAt} />
          </Cell>
          <Cell name="Some of them" kind="mono">
            {group.ids.slice(0, 2).map((id) => (
              <>
                <a href={placeOf.task(id)} title={id}>
                  …{id.slice(-8)}
                </a>{" "}
              </>
            ))}
          </Cell>
          <Cell name="Actions">
            <GroupActions call={call} group={group} next={here.pathname + here.search} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function GroupActions({
  call,
  group,
  next,
}: {
  call: ApiCall;
  group: DeadLetterGroup;
  next: string;
}) {
  if (!may(call.caller, "control")) return <span class="quiet">–</span>;
  // The API's filter takes no empty type of error.
  if (group.excType === "") return <span class="quiet">one by one</span>;
  const what = `${group.name} with ${group.excType}`;
  return (
    <form method="post" action={`${PLACE}/bulk`} class="actions">
      <input type="hidden" name="all" value="on" />
      <input type="hidden" name="name" value={group.name} />
      <input type="hidden" name="exc_type" value={group.excType} />
      <input type="hidden" name="next" value={next} />
      <button name="do" value="replay" aria-label={`Replay all ${what}`}>
        Replay all
      </button>
      <button
        name="do"
        value="discard"
        class="danger"
        aria-label={`Discard all ${what}`}
        data-confirm={`Discard all ${count(group.count)} of ${what}? They won't be run again.`}
      >
        Discard all
      </button>
    </form>
  );
}

/** What dead letters are narrowed by. */
export function Filter({ filter, path }: { filter: DeadLetterFilter; path: string }) {
  const isNarrowed = Object.keys(filter).length > 0;
  return (
    <form class="card fields" method="get" action={path} role="search" aria-label="Dead letters">
      <label>
        Task, or a pattern
        <input type="search" name="name" value={filter.name} placeholder="send_*" />
      </label>
      <label>
        Type of the error
        <input name="exc_type" value={filter.excType} />
      </label>
      <label>
        Queue
        <input name="queue" value={filter.queue} />
      </label>
      <button>Show</button>
      {isNarrowed ? (
        <a class="button" href={path}>
          All
        </a>
      ) : null}
    </form>
  );
}
