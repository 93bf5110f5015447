import { redacted, type TaskRecord } from "#engine";
import { may, type Caller } from "../../api/callers/access.ts";
import { isResultExpired } from "../../api/tasks/task-views.ts";
import { clipped, count, Empty, Tag } from "../shell/index.ts";

/** Characters of a text that a page shows; all of it is at an address of its own. */
const SHOWN = 20_000;

/** JSON that may be long. @param href where all of it is */
export function JsonText({ text, label, href }: { text: string; label: string; href: string }) {
  return (
    <>
      <pre tabindex={0} role="group" aria-label={label} dir="auto">
        {clipped(text, SHOWN)}
      </pre>
      <p class="small">
        <a href={href}>
          {text.length > SHOWN ? `All ${count(text.length)} characters` : "Open as JSON"}
        </a>
      </p>
    </>
  );
}

export function Arguments({ task }: { task: TaskRecord }) {
  const text = JSON.stringify(redacted(task.kwargs), null, 2);
  return (
    <section class="card" aria-labelledby="arguments">
      <h2 id="arguments">Arguments</h2>
      {text === "{}" ? (
        <Empty>It has none.</Empty>
      ) : (
        <JsonText text={text} label="Arguments" href={`/api/tasks/${task.id}/`} />
      )}
      {task.options.input === undefined ? null : (
        <p class="quiet">
          <strong>{task.options.input.into}</strong> is large, and kept elsewhere.
        </p>
      )}
    </section>
  );
}

export function Result({ task, now }: { task: TaskRecord; now: number }) {
  return (
    <section class="card" aria-labelledby="result">
      <h2 id="result">Result</h2>
      <ResultOf task={task} now={now} />
    </section>
  );
}

function ResultOf({ task, now }: { task: TaskRecord; now: number }) {
  const { id, state, result, large, options } = task;
  const href = `/api/tasks/${id}/result/`;
  if (isResultExpired(task, now)) return <Empty>It is not kept any longer.</Empty>;
  if (options.joined === true) return <a href={href}>The results of its members, in one list</a>;
  if (large !== undefined) return <a href={href}>{count(large.bytes)} bytes of JSON</a>;
  if (state === "SUCCESS" && result === null) return <Empty>It is not kept.</Empty>;
  if (result === null) return <Empty>There is none.</Empty>;
  return <JsonText text={JSON.stringify(JSON.parse(result), null, 2)} label="Result" href={href} />;
}

/** What went wrong last; the stack is for those who operate the deployment. */
export function Fault({ task: { error, state }, caller }: { task: TaskRecord; caller: Caller }) {
  if (error === null || state === "SUCCESS") return null;
  return (
    <section class="card" aria-labelledby="error">
      <h2 id="error">
        Error <span class="bad">{error.exc_type}</span>
      </h2>
      <p class="message" dir="auto">
        {clipped(error.exc_message, SHOWN)}
      </p>
      {may(caller, "control") && error.traceback !== null ? (
        <pre tabindex={0} role="group" aria-label="Traceback">
          {clipped(error.traceback, SHOWN)}
        </pre>
      ) : null}
    </section>
  );
}

/** How far a running task says that it is. */
export function Progress({ task: { reported } }: { task: TaskRecord }) {
  if (reported === undefined) return null;
  const meta = reported.meta === null ? {} : (JSON.parse(reported.meta) as Record<string, unknown>);
  const { current, total, ...rest } = meta;
  const isMeasured = typeof current === "number" && typeof total === "number" && total > 0;
  const shown = isMeasured ? rest : meta;
  return (
    <section class="card" id="task-progress" aria-labelledby="progress">
      <h2 id="progress">
        Progress <Tag state={reported.state} />
      </h2>
      {isMeasured ? (
        <p class="progress">
          <progress
            value={Math.max(0, Math.min(current, total))}
            max={total}
            aria-labelledby="progress"
          />
          <span>
            {count(current)} of {count(total)} ({Math.round((100 * current) / total)} %)
          </span>
        </p>
      ) : null}
      {Object.keys(shown).length === 0 ? null : (
        <pre tabindex={0} role="group" aria-label="Details" dir="auto">
          {JSON.stringify(shown, null, 2)}
        </pre>
      )}
    </section>
  );
}
