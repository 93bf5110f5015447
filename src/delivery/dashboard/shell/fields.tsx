import type { Child } from "hono/jsx";
import { textOf, type FormState } from "./forms.ts";

interface FieldParts {
  readonly form: FormState;
  readonly name: string;
  readonly label: Child;
  readonly hint?: Child;
  /** Fields of faults that are shown here; default: its name alone. */
  readonly at?: readonly string[];
  readonly required?: boolean;
}

/** What a field's input says about itself: its name, what describes it, whether it fits. */
interface Described {
  readonly id: string;
  readonly name: string;
  readonly required: boolean | undefined;
  readonly "aria-invalid": "true" | undefined;
  readonly "aria-describedby": string | undefined;
}

/** A field with its label, its hint and what does not fit. */
function Field({
  parts: { form, name, label, hint, at = [name], required },
  isCheck = false,
  input,
}: {
  parts: FieldParts;
  isCheck?: boolean;
  input: (described: Described) => Child;
}) {
  const faults = form.faults.filter(({ field }) => at.includes(field));
  const id = `f-${name}`;
  const hints = hint === undefined ? [] : [`${id}-hint`];
  const wrong = faults.length === 0 ? [] : [`${id}-fault`];
  const described = [...hints, ...wrong].join(" ");
  const shown = input({
    id,
    name,
    required,
    "aria-invalid": faults.length > 0 ? "true" : undefined,
    "aria-describedby": described === "" ? undefined : described,
  });
  return (
    <div class="field">
      <label for={id} class={isCheck ? "check" : undefined}>
        {isCheck ? shown : null}
        <span>
          {label}
          {required === true ? <span aria-hidden="true"> *</span> : null}
        </span>
      </label>
      {isCheck ? null : shown}
      {hint === undefined ? null : (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {faults.length === 0 ? null : (
        <span class="fault" id={`${id}-fault`}>
          {faults.map(({ message }) => message).join(" ")}
        </span>
      )}
    </div>
  );
}

/** One line. A password is never shown again. */
export function TextField({
  type = "text",
  step,
  placeholder,
  list,
  ...parts
}: FieldParts & {
  type?: "text" | "number" | "password" | "datetime-local" | "date" | "search" | "email";
  step?: string;
  placeholder?: string | undefined;
  /** Id of a datalist. */
  list?: string;
}) {
  const value = type === "password" ? undefined : textOf(parts.form.values, parts.name);
  return (
    <Field
      parts={parts}
      input={(described) => (
        <input
          {...described}
          type={type}
          value={value}
          step={step}
          placeholder={placeholder}
          list={list}
          autocomplete={type === "password" ? "new-password" : "off"}
        />
      )}
    />
  );
}

/** Several lines. */
export function AreaField({
  rows = 4,
  placeholder,
  ...parts
}: FieldParts & { rows?: number; placeholder?: string | undefined }) {
  return (
    <Field
      parts={parts}
      input={(described) => (
        <textarea {...described} rows={rows} placeholder={placeholder} spellcheck="false">
          {
            // A browser drops the first line break of a text area.
            `\n${textOf(parts.form.values, parts.name)}`
          }
        </textarea>
      )}
    />
  );
}

/** One of some choices: a value each, with its words where they differ. */
export function SelectField({
  choices,
  ...parts
}: FieldParts & { choices: readonly (string | readonly [value: string, words: string])[] }) {
  const given = textOf(parts.form.values, parts.name);
  return (
    <Field
      parts={parts}
      input={(described) => (
        <select {...described}>
          {choices.map((choice) => {
            const [value, words] = typeof choice === "string" ? [choice, choice] : choice;
            return (
              <option value={value} selected={value === given}>
                {words}
              </option>
            );
          })}
        </select>
      )}
    />
  );
}

/** Yes or no; `on` when it is ticked. */
export function CheckField(parts: FieldParts) {
  const isOn = textOf(parts.form.values, parts.name) === "on";
  return (
    <Field
      parts={parts}
      isCheck
      input={(described) => <input {...described} type="checkbox" value="on" checked={isOn} />}
    />
  );
}

/** All that does not fit, at the head of a form; nothing where all does. */
export function Faults({ form: { faults } }: { form: FormState }) {
  if (faults.length === 0) return null;
  return (
    <div class="notice failed" role="alert">
      {faults.length === 1 ? "This does not fit:" : `${faults.length} things do not fit:`}
      <ul>
        {faults.map(({ field, message }) => (
          <li>{field === "form" ? message : `${field}: ${message}`}</li>
        ))}
      </ul>
    </div>
  );
}
