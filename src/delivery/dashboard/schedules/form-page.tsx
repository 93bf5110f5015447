import type { Schedule, Timing } from "#engine";
import type { ApiCall } from "../../api/route.ts";
import { ParamFields } from "../params/index.ts";
import {
  AreaField,
  CheckField,
  Faults,
  page,
  placeOf,
  SelectField,
  TextField,
  textOf,
  type FormState,
} from "../shell/index.ts";
import { inWords } from "./list-page.tsx";
import type { ArgumentsForm } from "./schedule-arguments.ts";
import { MISSED, OVERLAP, SlotList, type Slots } from "./schedule-page.tsx";
import { TimingFields } from "./timing-fields.tsx";

export interface Preview extends Slots {
  readonly timing: Timing;
}

/** The form of a schedule, with what was entered so far. */
export interface ScheduleForm extends FormState {
  /** Null: it is new. */
  readonly old: Schedule | null;
  readonly arguments: ArgumentsForm;
  readonly tasks: readonly string[];
  readonly queues: readonly string[];
  readonly timezone: string;
  /** Null: it was not asked for, or what was entered doesn't fit. */
  readonly preview: Preview | null;
}

/** Makes a schedule or changes one. */
export function formPage(call: ApiCall, form: ScheduleForm): Response {
  const { old, faults } = form;
  const path = pathOf(form);
  return page(call, {
    title: old === null ? "New schedule" : `Change ${old.name}`,
    place: "/dashboard/schedules",
    status: faults.length > 0 ? 422 : 200,
    children: (
      <form class="stack" method="post" action={path} data-preview={`${path}/preview`} novalidate>
        <Faults form={form} />
        <What form={form} />
        <div class="grid">
          <TimingFields form={form} />
          <PreviewCard form={form} />
        </div>
        <ArgumentFields form={form} />
        <Rules form={form} />
        <div class="actions">
          <button class="main">{old === null ? "Make the schedule" : "Save"}</button>
          <a
            class="button"
            href={old === null ? "/dashboard/schedules" : placeOf.schedule(old.name)}
          >
            Cancel
          </a>
        </div>
      </form>
    ),
  });
}

/** Where the form is sent to be saved. */
function pathOf({ old }: ScheduleForm): string {
  return old === null ? "/dashboard/new-schedule" : `${placeOf.schedule(old.name)}/edit`;
}

function What({ form }: { form: ScheduleForm }) {
  return (
    <section class="card">
      <h2>What runs</h2>
      <div class="fields wide">
        {form.old === null ? <TextField form={form} name="name" label="Name" required /> : null}
        <SelectField form={form} name="task" label="Task" choices={taskChoices(form)} />
        <TextField form={form} name="description" label="Description" />
        <CheckField form={form} name="enabled" label="Enabled" />
      </div>
    </section>
  );
}

/** The registered tasks; also what a schedule has now, should it not be one of them any more. */
function taskChoices({ tasks, values }: ScheduleForm): string[] {
  const given = textOf(values, "task");
  const all = tasks.includes(given) || given === "" ? tasks : [given, ...tasks];
  return [...all].sort();
}

function PreviewCard({ form }: { form: ScheduleForm }) {
  const { preview } = form;
  return (
    <section class="card" id="preview" aria-live="polite">
      <h2>
        {preview === null ? "The next ten runs" : `The next ten runs, in ${preview.timezone}`}
      </h2>
      {preview === null ? (
        <p class="quiet">What is entered says no time yet, or was not looked at.</p>
      ) : (
        <>
          <p>{inWords(preview.timing)}</p>
          <SlotList slots={preview} />
        </>
      )}
      <p class="actions">
        <button name="do" value="preview" formaction={`${pathOf(form)}/preview`}>
          Preview
        </button>
      </p>
    </section>
  );
}

function ArgumentFields({ form }: { form: ScheduleForm }) {
  const { task, params } = form.arguments;
  return (
    <section class="card">
      <h2>Arguments</h2>
      <input type="hidden" name="form_of" value={params === null ? "" : task} />
      <div class="stack">
        <div class="fields">
          <SelectField
            form={form}
            name="args_as"
            label="Entered"
            choices={[
              ["form", "in fields made for the task"],
              ["json", "as JSON"],
            ]}
          />
          <button name="do" value="choose" formaction={`${pathOf(form)}/preview`}>
            Show these for the task that is chosen
          </button>
        </div>
        {params === null ? (
          <div class="fields wide">
            <AreaField
              form={form}
              name="kwargs"
              label="By name (JSON object)"
              at={kwargsFaults(form)}
            />
            <AreaField form={form} name="args" label="By position (JSON list)" />
          </div>
        ) : (
          <fieldset>
            <legend>{task}</legend>
            <div class="fields wide">
              <ParamFields params={params} form={form} />
            </div>
          </fieldset>
        )}
      </div>
    </section>
  );
}

function kwargsFaults({ faults }: FormState): string[] {
  return faults.flatMap(({ field }) => (/^kwargs(\.|$)/.test(field) ? [field] : []));
}

function Rules({ form }: { form: ScheduleForm }) {
  return (
    <section class="card">
      <h2>Rules</h2>
      <div class="fields wide">
        <SelectField
          form={form}
          name="missed"
          label="Slots that were missed"
          choices={Object.entries(MISSED)}
        />
        <TextField
          form={form}
          name="missed_all"
          label="How many, at most"
          type="number"
          hint="of those made up for"
          at={["missed.all"]}
        />
        <SelectField
          form={form}
          name="overlap"
          label="While the run before is unfinished"
          choices={Object.entries(OVERLAP)}
        />
        <CheckField form={form} name="one_off" label="Once only, then disabled" />
        <TextField
          form={form}
          name="start_time"
          label="Not before (UTC)"
          type="datetime-local"
          step="1"
        />
        <TextField
          form={form}
          name="expires"
          label="Not after (UTC)"
          type="datetime-local"
          step="1"
        />
        <TextField
          form={form}
          name="expire_seconds"
          label="A run may start for (seconds)"
          type="number"
          step="any"
        />
        <SelectField
          form={form}
          name="queue"
          label="Queue"
          choices={[["", "as its task says"], ...form.queues]}
        />
        <TextField
          form={form}
          name="priority"
          label="Priority"
          type="number"
          hint="0 to 9, higher first"
        />
        <div class="full">
          <AreaField
            form={form}
            name="headers"
            label="Labels of its tasks"
            rows={2}
            hint="name: value, one a line"
            at={form.faults.flatMap(({ field }) =>
              /^(headers|labels)(\.|$)/.test(field) ? [field] : [],
            )}
          />
        </div>
      </div>
    </section>
  );
}
