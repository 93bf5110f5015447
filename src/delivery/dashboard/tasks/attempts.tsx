import type { AttemptRecord, ErrorInfo, LogLine, TaskRecord } from "#engine";
import { may, type Caller } from "../../api/callers/access.ts";
import { Cell, clipped, duration, Table, Tag, When } from "../shell/index.ts";

const SHOWN = 2_000;
const KINDS: Readonly<Record<string, "good" | "bad" | "warn" | "busy">> = {
  success: "good",
  failure: "bad",
  lost: "bad",
  retry: "warn",
  running: "busy",
  done: "good",
  failed: "bad",
  waiting: "warn",
  started: "busy",
};

/** Every attempt that is kept, with what it logged. */
export function Attempts({
  task: { attempts },
  caller,
  now,
}: {
  task: TaskRecord;
  caller: Caller;
  now: number;
}) {
  if (attempts.length === 0) return null;
  return (
    <section class="card" aria-labelledby="attempts">
      <h2 id="attempts">Attempts</h2>
      <Table
        caption="Attempts"
        head={["Attempt", "Outcome", "Started", "Took", "Error"]}
        numbers={["Took"]}
      >
        {attempts.map((one) => (
          <Attempt attempt={one} caller={caller} now={now} />
        ))}
      </Table>
      {attempts.map(({ attempt, logs }) =>
        logs === undefined ? null : <Log attempt={attempt} lines={logs} />,
      )}
    </section>
  );
}

function Attempt({
  attempt: { attempt, outcome, startedAt, finishedAt, error },
  caller,
  now,
}: {
  attempt: AttemptRecord;
  caller: Caller;
  now: number;
}) {
  const state = outcome ?? "running";
  return (
    <tr id={`attempt-${attempt}`}>
      <Cell name="Attempt">{attempt}</Cell>
      <Cell name="Outcome">
        <Tag state={state} kind={KINDS[state] ?? ""} />
      </Cell>
      <Cell name="Started">
        <When at={startedAt} isExact />
      </Cell>
      <Cell name="Took" kind="number">
        {duration(Math.max(0, (finishedAt ?? now) - startedAt))}
      </Cell>
      <Cell name="Error">
        {error === null ? null : <AttemptError error={error} caller={caller} />}
      </Cell>
    </tr>
  );
}

function AttemptError({ error, caller }: { error: ErrorInfo; caller: Caller }) {
  const { exc_type: type, exc_message: message, traceback } = error;
  const words = (
    <span class="fault" dir="auto">
      {clipped(`${type}: ${message}`, SHOWN)}
    </span>
  );
  if (!may(caller, "control") || traceback === null) return words;
  return (
    <details>
      <summary>{words}</summary>
      <pre tabindex={0} role="group" aria-label={`Traceback of ${type}`}>
        {traceback}
      </pre>
    </details>
  );
}

function Log({ attempt, lines }: { attempt: number; lines: readonly LogLine[] }) {
  return (
    <div class="log-of">
      <h3>Log of attempt {attempt}</h3>
      <div class="log" tabindex={0} role="group" aria-label={`Log of attempt ${attempt}`}>
        <ol>
          {lines.map(({ at, level, message, fields }) => (
            <li class={level}>
              <time datetime={new Date(at).toISOString()}>
                {new Date(at).toISOString().slice(11, 23)}
              </time>{" "}
              <b>{level}</b> <span dir="auto">{message}</span>
              {fields === undefined ? null : <code dir="auto"> {fields}</code>}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

/** Its durable steps. */
export function Steps({ task: { steps } }: { task: TaskRecord }) {
  if (steps === undefined || steps.length === 0) return null;
  return (
    <section class="card" aria-labelledby="steps">
      <h2 id="steps">Steps</h2>
      <Table
        caption="Durable steps"
        head={["Step", "State", "Tries", "Started", "Took", "Until", "Error"]}
        numbers={["Tries", "Took"]}
      >
        {steps.map(({ index, kind, name, state, tries, startedAt, finishedAt, until, error }) => (
          <tr id={`step-${index}`}>
            <Cell name="Step">
              <span class="quiet">{kind}</span> {kind === "sleep" ? "" : name}
            </Cell>
            <Cell name="State">
              <Tag state={state} kind={KINDS[state] ?? ""} />
            </Cell>
            <Cell name="Tries" kind="number">
              {tries}
            </Cell>
            <Cell name="Started">
              <When at={startedAt} isExact />
            </Cell>
            <Cell name="Took" kind="number">
              {duration(finishedAt === null ? null : Math.max(0, finishedAt - startedAt))}
            </Cell>
            <Cell name="Until">
              <When at={state === "waiting" ? until : null} />
            </Cell>
            <Cell name="Error">
              {error === null ? null : (
                <span class="fault" dir="auto">
                  {clipped(`${error.exc_type}: ${error.exc_message}`, SHOWN)}
                </span>
              )}
            </Cell>
          </tr>
        ))}
      </Table>
    </section>
  );
}
