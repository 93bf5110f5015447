import { formatRate, type AnyTaskDefinition, type RetryPolicy, type Schedule } from "#engine";
import { may } from "../../api/callers/access.ts";
import type { RegisteredTask } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall } from "../../api/route.ts";
import { ParamFields, type Param } from "../params/index.ts";
import {
  Empty,
  Faults,
  page,
  pathWith,
  placeOf,
  SelectField,
  TextField,
  type FormState,
} from "../shell/index.ts";
import { inWords } from "../schedules/list-page.tsx";
import { timesOf } from "./list-page.tsx";

interface Shown {
  readonly definition: AnyTaskDefinition<never>;
  readonly view: RegisteredTask;
  readonly params: readonly Param[];
  readonly schedules: readonly Schedule[];
  readonly queues: readonly string[];
  /** Why this caller may not call it; null: they may. */
  readonly refusal: string | null;
  readonly form: FormState;
}

/** One task: how it behaves, and the form that calls it. */
export function definitionPage(call: ApiCall, shown: Shown): Response {
  const { view, params, form } = shown;
  return page(call, {
    title: view.name,
    place: "/dashboard/definitions",
    status: form.faults.length > 0 ? 422 : 200,
    actions: (
      <a class="button" href={pathWith("/dashboard/tasks", { name: view.name })}>
        Its tasks
      </a>
    ),
    children: (
      <div class="beside wide-first">
        <section class="card">
          <h2>Call it</h2>
          {may(call.caller, "tasks:write") && shown.refusal === null ? (
            <CallForm shown={shown} />
          ) : (
            <>
              <p class="quiet">{shown.refusal ?? "You may look at it, and not call it."}</p>
              <ParamList params={params} />
            </>
          )}
        </section>
        <div class="stack">
          <Facts shown={shown} />
          <Schedules call={call} shown={shown} />
        </div>
      </div>
    ),
  });
}

function CallForm({ shown: { view, params, queues, form } }: { shown: Shown }) {
  return (
    <form class="stack" method="post" action={placeOf.definition(view.name)} novalidate>
      <Faults form={form} />
      <div class="fields wide">
        <ParamFields params={params} form={form} />
      </div>
      <details open={form.faults.length > 0}>
        <summary>Options of the call</summary>
        <div class="fields wide">
          <TextField
            form={form}
            name="countdown"
            label="Countdown, seconds"
            type="number"
            step="any"
          />
          <TextField
            form={form}
            name="eta"
            label="Not before (UTC)"
            type="datetime-local"
            step="1"
          />
          <TextField
            form={form}
            name="expires"
            label="Expires after, seconds"
            type="number"
            step="any"
          />
          <SelectField
            form={form}
            name="queue"
            label="Queue"
            choices={[["", "as the task says"], ...queues]}
          />
          <TextField
            form={form}
            name="priority"
            label="Priority"
            type="number"
            hint="0 to 9, higher first"
          />
          <TextField
            form={form}
            name="idempotency_key"
            label="Idempotency key"
            hint="Calls with the same key are one task."
          />
        </div>
      </details>
      <div class="actions">
        <button class="main">Call it</button>
      </div>
    </form>
  );
}

function ParamList({ params }: { params: readonly Param[] }) {
  if (params.length === 0) return <Empty>It takes no arguments.</Empty>;
  return (
    <dl class="facts">
      {params.map(({ path, entry, isRequired, description, rules }) => (
        <>
          <dt class="mono">{path.at(-1)}</dt>
          <dd>
            {[entry.kind, isRequired ? "required" : null, description, rules]
              .filter((part) => part !== null)
              .join(" · ")}
          </dd>
        </>
      ))}
    </dl>
  );
}

function Facts({ shown: { definition, view } }: { shown: Shown }) {
  const { retryPolicy, limits } = definition;
  const perKey = limits?.perKey ?? null;
  const keyLimits =
    perKey === null
      ? []
      : [
          perKey.rate === null ? null : formatRate(perKey.rate),
          perKey.concurrency === null ? null : `${perKey.concurrency} at once`,
        ].filter((one) => one !== null);
  const facts: [string, string][] = [
    ["Queue", definition.queue ?? "as the deployment's routes say"],
    ["Priority", String(definition.priority ?? "as the routes say")],
    ["Retries", view.max_retries === null ? "for ever" : String(view.max_retries)],
    ["Between retries", delayWords(retryPolicy)],
    ["Time limit", timesOf(view)],
    ["Rate", view.rate_limit ?? "none"],
    ["At once", String(view.concurrency ?? "any")],
    ["Per key", keyLimits.length === 0 ? "–" : keyLimits.join(", ")],
    ["Unique", definition.uniqueness === null ? "no" : "yes: a like call becomes no second task"],
    ["Result", resultWords(definition)],
    ["Handled", definition.batch === null ? "one by one" : `${definition.batch.size} at once`],
  ];
  return (
    <section class="card">
      <h2>How it behaves</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
      <p class="small">
        <a href="/dashboard/queues">Change its limits</a>
      </p>
    </section>
  );
}

function delayWords(policy: RetryPolicy): string {
  const { retryBackoffSeconds: factor, retryBackoffMaxSeconds: most, retryJitter } = policy;
  if (factor === null) return `${policy.defaultRetryDelaySeconds} s`;
  const jitter = retryJitter ? ", at random up to that" : "";
  return `${factor} s, twice that each time, ${most} s at most${jitter}`;
}

function resultWords({ ignoreResult, resultExpiresSeconds }: AnyTaskDefinition<never>): string {
  if (ignoreResult) return "not kept";
  return resultExpiresSeconds === null ? "kept" : `may be read for ${resultExpiresSeconds} s`;
}

function Schedules({ call, shown: { schedules, view } }: { call: ApiCall; shown: Shown }) {
  return (
    <section class="card">
      <h2>Schedules</h2>
      {schedules.length === 0 ? (
        <Empty>None calls it.</Empty>
      ) : (
        <ul class="lines">
          {schedules.map(({ name, timing, enabled }) => (
            <li>
              <a href={placeOf.schedule(name)}>{name}</a>
              <span class="quiet">{inWords(timing)}</span>
              {enabled ? null : <span class="tag warn">disabled</span>}
            </li>
          ))}
        </ul>
      )}
      {may(call.caller, "control") ? (
        <p>
          <a class="button" href={pathWith("/dashboard/new-schedule", { task: view.name })}>
            New schedule
          </a>
        </p>
      ) : null}
    </section>
  );
}
