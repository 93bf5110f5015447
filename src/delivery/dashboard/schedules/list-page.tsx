import { describeTiming, type Schedule, type Timing } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { ApiCall } from "../../api/route.ts";
import {
  Cell,
  count,
  Empty,
  Name,
  page,
  Pager,
  pathWith,
  placeOf,
  Table,
  Tag,
  When,
} from "../shell/index.ts";

const PLACE = "/dashboard/schedules";
const REFRESH_SECONDS = 15;

export interface Filter {
  /** In lower case; empty: all. */
  readonly search: string;
  readonly enabled: "yes" | "no" | null;
  readonly origin: Schedule["origin"] | null;
  /** The name behind which the page begins; empty: the first. */
  readonly after: string;
}

interface List {
  readonly filter: Filter;
  readonly shown: readonly Schedule[];
  /** States of their last tasks, of those that are known. */
  readonly states: ReadonlyMap<string, string>;
  /** Null: there is no further page. */
  readonly next: string | null;
}

/** The zone that a timing goes by. */
export function zoneOf(timing: Timing): string {
  return timing.kind === "crontab" ? timing.timezone : "UTC";
}

/** A timing in words, without its zone. */
export function inWords(timing: Timing): string {
  const words = describeTiming(timing);
  return timing.kind === "crontab" ? words.slice(0, -timing.timezone.length - 2) : words;
}

/** All schedules by name. */
export function listPage(call: ApiCall, { filter, shown, states, next }: List): Response {
  const { search, enabled, origin, after } = filter;
  const query = { search, enabled, origin };
  return page(call, {
    title: "Schedules",
    place: PLACE,
    live: { everySeconds: REFRESH_SECONDS },
    actions: may(call.caller, "control") ? (
      <a class="button main" href="/dashboard/new-schedule">
        New schedule
      </a>
    ) : undefined,
    children: (
      <div class="stack">
        <FilterForm filter={filter} />
        <section class="card">
          {shown.length === 0 ? (
            <Empty>No schedule here.</Empty>
          ) : (
            <Schedules shown={shown} states={states} />
          )}
          <Pager
            newest={after === "" ? null : pathWith(PLACE, query)}
            next={next === null ? null : pathWith(PLACE, { ...query, cursor: next })}
            words={["First", "More"]}
          />
        </section>
      </div>
    ),
  });
}

function FilterForm({ filter: { search, enabled, origin } }: { filter: Filter }) {
  const choice = (value: string, words: string, given: string | null) => (
    <option value={value} selected={value === (given ?? "")}>
      {words}
    </option>
  );
  return (
    <form class="card fields" method="get" action={PLACE} role="search" aria-label="Schedules">
      <label>
        Name or task
        <input type="search" name="search" value={search} />
      </label>
      <label>
        Enabled
        <select name="enabled">
          {choice("", "all", enabled)}
          {choice("yes", "enabled", enabled)}
          {choice("no", "disabled", enabled)}
        </select>
      </label>
      <label>
        Origin
        <select name="origin">
          {choice("", "any", origin)}
          {choice("code", "declared in the code", origin)}
          {choice("admin", "made here", origin)}
          {choice("retired", "no longer in the code", origin)}
        </select>
      </label>
      <button>Show</button>
    </form>
  );
}

function Schedules({ shown, states }: Pick<List, "shown" | "states">) {
  return (
    <Table
      caption="Schedules"
      numbers={["Runs"]}
      head={[
        "Schedule",
        "Task",
        "When",
        "Zone",
        "Enabled",
        "Last run",
        "Next run",
        "Runs",
        "Origin",
      ]}
    >
      {shown.map((one) => {
        const state = states.get(one.lastTaskId ?? "");
        return (
          <tr>
            <Cell name="Schedule">
              <a href={placeOf.schedule(one.name)}>
                <Name>{one.name}</Name>
              </a>
            </Cell>
            <Cell name="Task">
              <a href={placeOf.definition(one.task)}>
                <Name>{one.task}</Name>
              </a>
            </Cell>
            <Cell name="When">{inWords(one.timing)}</Cell>
            <Cell name="Zone" kind="whole">
              {zoneOf(one.timing)}
            </Cell>
            <Cell name="Enabled">
              <Enabled isEnabled={one.enabled} />
            </Cell>
            <Cell name="Last run">
              <When at={one.lastRunAt} /> {state === undefined ? null : <Tag state={state} />}
            </Cell>
            <Cell name="Next run" kind="whole">
              <When at={one.enabled ? one.nextAt : null} />
            </Cell>
            <Cell name="Runs" kind="number">
              {count(one.totalRunCount)}
            </Cell>
            <Cell name="Origin" kind="whole">
              {one.origin}
            </Cell>
          </tr>
        );
      })}
    </Table>
  );
}

export function Enabled({ isEnabled }: { isEnabled: boolean }) {
  return isEnabled ? <Tag state="enabled" kind="good" /> : <Tag state="disabled" kind="warn" />;
}
