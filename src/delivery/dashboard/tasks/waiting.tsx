import type { Waiting } from "#engine";
import { may, type Caller } from "../../api/callers/access.ts";
import { count, placeOf, When } from "../shell/index.ts";

/** Why a task has not started, or does not go on, in words. */
export function WhyItWaits({ waiting, caller }: { waiting: Waiting; caller: Caller }) {
  return (
    <section class="card waits" id="task-waits" aria-labelledby="waits">
      <h2 id="waits">Why it waits</h2>
      <Words waiting={waiting} caller={caller} />
    </section>
  );
}

function Words({ waiting, caller }: { waiting: Waiting; caller: Caller }) {
  switch (waiting.reason) {
    case "eta":
      return (
        <p>
          It is not due before <When at={waiting.until} isExact />.
        </p>
      );
    case "sleep":
      return (
        <p>
          It sleeps until <When at={waiting.until} isExact />.
        </p>
      );
    case "step_retry":
      return (
        <p>
          Its step <strong>{waiting.name}</strong> is tried again{" "}
          <When at={waiting.until} isExact />.
        </p>
      );
    case "event":
      return (
        <p>
          It waits for the event <strong>{waiting.name}</strong>
          {waiting.until === null ? ", without end." : null}
          {waiting.until === null ? null : (
            <>
              {" "}
              until <When at={waiting.until} isExact />.
            </>
          )}
        </p>
      );
    case "members":
      return <p>It waits for the tasks that its canvas is made of.</p>;
    case "paused":
      return (
        <p>
          Its queue <a href="/dashboard/queues">{waiting.queue}</a> is paused: nothing is taken from
          it.
        </p>
      );
    case "shutdown":
      return (
        <p>
          The deployment is <a href="/dashboard/queues">shut down</a>: no queue is consumed.
        </p>
      );
    case "history_behind":
      return (
        <p>
          The database is behind with what has ended: nothing is started until it has{" "}
          <a href="/dashboard/system">taken it</a>.
        </p>
      );
    case "suspect":
      return (
        <p>
          Its consumer was lost. It is run alone, when a consumer is idle, to see whether it was its
          fault.
        </p>
      );
    case "backlog":
      return waiting.ahead === 0 ? (
        <p>A consumer is on its way.</p>
      ) : (
        <p>
          {count(waiting.ahead)} due tasks of the queue {waiting.queue} are before it in its shard.
        </p>
      );
    case "rate_limit":
      return <RateLimit waiting={waiting} />;
    case "concurrency":
      return <Concurrency waiting={waiting} caller={caller} />;
  }
}

function RateLimit({ waiting }: { waiting: Extract<Waiting, { reason: "rate_limit" }> }) {
  const { key, until, ahead } = waiting;
  return (
    <p>
      Too many have started lately{key === null ? "" : ` with the key ${key}`}: it is held back by a{" "}
      <a href="/dashboard/queues">rate limit</a>, with {count(ahead)} before it.
      {until === null ? null : (
        <>
          {" "}
          Its turn comes about <When at={until} isExact />.
        </>
      )}
    </p>
  );
}

/** Who holds the places is for those who operate the deployment. */
function Concurrency({
  waiting: { key, limit, holders, ahead },
  caller,
}: {
  waiting: Extract<Waiting, { reason: "concurrency" }>;
  caller: Caller;
}) {
  return (
    <>
      <p>
        Enough of them run already: {count(limit)} at a time
        {key === null ? "" : ` with the key ${key}`}, and {count(ahead)} are before it.
      </p>
      {may(caller, "control") && holders.length > 0 ? (
        <ul>
          {holders.map((id) => (
            <li>
              <a href={placeOf.task(id)}>
                <code>{id}</code>
              </a>{" "}
              runs
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}
