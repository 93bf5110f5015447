import { PERIOD_MS, SOLAR_EVENTS } from "#engine";
import { SelectField, TextField, type FormState } from "../shell/index.ts";
import { CRONTAB_FIELDS, KINDS } from "./schedule-fields.ts";

interface TimingForm extends FormState {
  /** The deployment's, for crontabs that name none. */
  readonly timezone: string;
}

/** When a schedule fires: its kind, and the fields of each. */
export function TimingFields({ form }: { form: TimingForm }) {
  return (
    <section class="card">
      <h2>When</h2>
      <div class="stack">
        <SelectField
          form={form}
          name="kind"
          label="Kind"
          choices={KINDS.map((kind) => [kind, KIND_WORDS[kind]])}
        />
        <fieldset class="of-kind crontab">
          <legend>Crontab</legend>
          <div class="fields wide narrow">
            {CRONTAB_FIELDS.map((field) => (
              <TextField
                form={form}
                name={field}
                label={field.replaceAll("_", " ")}
                at={[`crontab.${field}`]}
              />
            ))}
            <TextField
              form={form}
              name="timezone"
              label="Time zone"
              placeholder={form.timezone}
              at={["crontab.timezone"]}
            />
          </div>
          <p class="hint">As in Celery: * for any, lists (1,15), ranges (mon-fri), steps (*/10).</p>
        </fieldset>
        <OtherKinds form={form} />
      </div>
    </section>
  );
}

const KIND_WORDS = {
  crontab: "crontab: at times of the clock",
  interval: "interval: every so often",
  clocked: "clocked: once",
  solar: "solar: by the sun",
} as const;

function OtherKinds({ form }: { form: TimingForm }) {
  return (
    <>
      <fieldset class="of-kind interval">
        <legend>Interval</legend>
        <div class="fields wide narrow">
          <TextField form={form} name="every" label="Every" type="number" at={["interval.every"]} />
          <SelectField
            form={form}
            name="period"
            label="Period"
            choices={Object.keys(PERIOD_MS)}
            at={["interval.period"]}
          />
        </div>
      </fieldset>
      <fieldset class="of-kind clocked">
        <legend>Clocked</legend>
        <TextField
          form={form}
          name="at"
          label="At (UTC)"
          type="datetime-local"
          step="1"
          at={["clocked.at"]}
        />
      </fieldset>
      <fieldset class="of-kind solar">
        <legend>Solar</legend>
        <div class="fields wide narrow">
          <SelectField
            form={form}
            name="event"
            label="Event"
            choices={SOLAR_EVENTS}
            at={["solar.event"]}
          />
          <TextField form={form} name="latitude" label="Latitude" at={["solar.latitude"]} />
          <TextField form={form} name="longitude" label="Longitude" at={["solar.longitude"]} />
        </div>
      </fieldset>
    </>
  );
}
