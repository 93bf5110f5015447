import { STATES } from "#engine";
import type { Child } from "hono/jsx";
import { LIMITS, LIST, type ListQuery } from "./list-query.ts";

/** The form that a list of tasks is asked for with. */
export function Filters({ query, queues }: { query: ListQuery; queues: readonly string[] }) {
  const { given, limit } = query;
  const isFiltered = ["name", "text", "state", "queue", "label", "from", "until"].some(
    (field) => given[field] !== undefined,
  );
  return (
    <form class="card fields filters" method="get" action={LIST} role="search">
      <Field label="Name" hint="or a glob">
        <input
          type="search"
          name="name"
          value={given["name"]}
          placeholder="send_*"
          maxlength={200}
        />
      </Field>
      <Field label="Text" hint="in arguments or error">
        <input type="search" name="text" value={given["text"]} maxlength={200} />
      </Field>
      <Field label="State">
        <Choice name="state" value={given["state"]} choices={STATES} />
      </Field>
      <Field label="Queue">
        <Choice name="queue" value={given["queue"]} choices={queues} />
      </Field>
      <Field label="Label">
        <input name="label" value={given["label"]} placeholder="name:value" maxlength={260} />
      </Field>
      <Field label="From" hint="UTC">
        <input type="datetime-local" name="from" value={given["from"]} step={1} />
      </Field>
      <Field label="Until" hint="UTC">
        <input type="datetime-local" name="until" value={given["until"]} step={1} />
      </Field>
      <Field label="Order">
        <select name="order">
          <option value="">newest first</option>
          <option value="oldest" selected={given["order"] === "oldest"}>
            oldest first
          </option>
        </select>
      </Field>
      <Field label="Rows">
        <select name="limit">
          {LIMITS.map((one) => (
            <option value={one} selected={one === limit}>
              {one}
            </option>
          ))}
        </select>
      </Field>
      <button class="main">Find</button>
      {isFiltered ? <a href={LIST}>All</a> : null}
    </form>
  );
}

function Field({ label, hint, children }: { label: string; hint?: string; children: Child }) {
  return (
    <label>
      <span>
        {label} {hint === undefined ? null : <span class="hint">{hint}</span>}
      </span>
      {children}
    </label>
  );
}

function Choice({
  name,
  value,
  choices,
}: {
  name: string;
  value: string | undefined;
  choices: readonly string[];
}) {
  return (
    <select name={name}>
      <option value="">any</option>
      {choices.map((one) => (
        <option selected={one === value}>{one}</option>
      ))}
    </select>
  );
}
