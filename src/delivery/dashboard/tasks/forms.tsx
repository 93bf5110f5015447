import { REDACTED, redacted, type TaskRecord } from "#engine";
import { may, type Caller } from "../../api/callers/access.ts";
import { placeOf } from "../shell/index.ts";

type Parts = { readonly task: TaskRecord; readonly caller: Caller };

/** Runs an ended task once more with other arguments. */
export function ReplayForm({ task, caller }: Parts) {
  if (!may(caller, "control") || task.resolution !== undefined) return null;
  const text = JSON.stringify(redacted(task.kwargs), null, 2);
  const hasSecrets = text.includes(JSON.stringify(REDACTED));
  return (
    <details class="card" id="replay">
      <summary>Replay with other arguments</summary>
      <form class="fields tall" method="post" action={`${placeOf.task(task.id)}/replay`}>
        <label>
          Arguments as a JSON object
          <textarea
            name="kwargs"
            rows={Math.min(20, text.split("\n").length + 1)}
            spellcheck={false}
          >
            {text}
          </textarea>
          {hasSecrets ? (
            <span class="hint">
              What reads {REDACTED} stays as it was; write over it to change it.
            </span>
          ) : null}
        </label>
        <p>
          <button class="main">Replay</button>
        </p>
      </form>
    </details>
  );
}

/** Moves a task that waits. */
export function RescheduleForm({ task, caller, queues }: Parts & { queues: readonly string[] }) {
  const isWaiting = task.state === "PENDING" || task.state === "RETRY";
  if (!may(caller, "control") || !isWaiting || task.queue === "") return null;
  return (
    <details class="card" id="reschedule">
      <summary>Reschedule</summary>
      <form class="fields" method="post" action={`${placeOf.task(task.id)}/reschedule`}>
        <label>
          Earliest start (UTC)
          <input type="datetime-local" name="eta" step={1} />
        </label>
        <label>
          Queue
          <select name="queue">
            <option value="">as it is ({task.queue})</option>
            {queues.map((queue) => (
              <option>{queue}</option>
            ))}
          </select>
        </label>
        <label>
          Priority, 0 to 9
          <input
            type="number"
            name="priority"
            min={0}
            max={9}
            placeholder={String(task.priority)}
          />
        </label>
        <button class="main">Reschedule</button>
      </form>
    </details>
  );
}

/** Says something to a task that is under way. */
export function EventForm({ task, caller }: Parts) {
  if (!may(caller, "control") || task.queue === "") return null;
  const awaited = task.waiting?.reason === "event" ? task.waiting.name : "";
  return (
    <details class="card" id="event" open={awaited !== ""}>
      <summary>Send an event</summary>
      <form class="fields tall" method="post" action={`${placeOf.task(task.id)}/event`}>
        <label>
          Its name
          <input name="name" value={awaited} maxlength={100} required />
        </label>
        <label>
          Payload as JSON (may be empty)
          <textarea name="payload" rows={3} spellcheck={false} />
        </label>
        <p>
          <button class="main">Send</button>
        </p>
      </form>
    </details>
  );
}
