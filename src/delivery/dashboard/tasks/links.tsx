import { nameOfPlan, traceIdOf, type Callback, type RunOptions } from "#engine";
import type { Child } from "hono/jsx";
import { placeOf } from "../shell/index.ts";
import type { ShownTask } from "./task-page.tsx";

/** What a task has to do with others, and the options of its call. */
export function Links({ shown: { task, schedule } }: { shown: ShownTask }) {
  const { id, name, options, resolution } = task;
  const { canvas, tree, replay_of: replayOf, link, link_error: errbacks, callback, slot } = options;
  const replayedAs = resolution?.startsWith("replayed:") === true ? resolution.slice(9) : null;
  const rows: readonly (readonly [string, Child])[] = [
    ["Definition", tree === undefined ? <a href={placeOf.definition(name)}>{name}</a> : null],
    ["Its canvas", tree === undefined ? null : <a href={placeOf.canvas(id)}>as a graph</a>],
    [
      "Member of",
      canvas === undefined ? null : <a href={placeOf.canvas(canvas.id)}>the canvas {canvas.id}</a>,
    ],
    [
      "Run of",
      schedule === null ? null : (
        <a
          href={placeOf.schedule(schedule)}
        >{`the schedule ${schedule}${slot === undefined ? "" : `, slot ${slot}`}`}</a>
      ),
    ],
    ["Replays", replayOf === undefined ? null : <TaskLink id={replayOf} />],
    ["Replayed as", replayedAs === null ? null : <TaskLink id={replayedAs} />],
    ["Dead letter", resolution === "discarded" ? "discarded" : null],
    ["When it succeeds", link === undefined ? null : <Callbacks all={link} />],
    ["When it fails", errbacks === undefined ? null : <Callbacks all={errbacks} />],
    [
      "Tells of its end",
      callback === undefined ? null : (
        <>
          {callback.host}, by <TaskLink id={callback.id} />
        </>
      ),
    ],
    ["Trace", <code>{traceIdOf(task)}</code>],
    ...optionRows(options),
  ];
  return (
    <section class="card" aria-labelledby="links">
      <h2 id="links">Belongs to</h2>
      <dl class="facts">
        {rows.map(([what, value]) =>
          value === null ? null : (
            <>
              <dt>{what}</dt>
              <dd>{value}</dd>
            </>
          ),
        )}
      </dl>
    </section>
  );
}

/** Options that the call gave, in words. */
function optionRows(options: RunOptions): (readonly [string, Child])[] {
  const seconds = (value: number | undefined) => (value === undefined ? null : `${value} s`);
  const { max_retries: retries } = options;
  return [
    ["Key", options.key ?? null],
    ["Most retries", retries === undefined ? null : (retries ?? "without end")],
    ["Soft time limit", seconds(options.soft_time_limit)],
    ["Time limit", seconds(options.time_limit)],
    ["Result expires", seconds(options.result_expires)],
    ["Ignores its result", options.ignore_result === true ? "yes" : null],
    ["Unique", options.unique_key === undefined ? null : "yes"],
  ];
}

function Callbacks({ all }: { all: readonly Callback[] }) {
  return (
    <>
      {all.map(({ id, plan }, index) => (
        <>
          {index === 0 ? null : ", "}
          <a href={placeOf.task(id)}>{nameOfPlan(plan)}</a>
        </>
      ))}
    </>
  );
}

function TaskLink({ id }: { id: string }) {
  return (
    <a href={placeOf.task(id)}>
      <code>{id}</code>
    </a>
  );
}
