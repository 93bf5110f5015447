import type { Child } from "hono/jsx";
import { AreaField, SelectField, TextField, type FormState } from "../shell/index.ts";
import { fieldOf, type Param } from "./params-form.ts";

/** The fields of a task's arguments, made from their schema. */
export function ParamFields({ params, form }: { params: readonly Param[]; form: FormState }) {
  if (params.length === 0) return <p class="quiet full">It takes no arguments.</p>;
  return (
    <>
      {params.map((param) => (
        <ParamField param={param} form={form} />
      ))}
    </>
  );
}

function ParamField({ param, form }: { param: Param; form: FormState }): Child {
  const { entry, path, isRequired } = param;
  const name = fieldOf(path);
  const label = path.at(-1) ?? "";
  const parts = {
    form,
    name,
    label: isRequired ? `${label} (required)` : label,
    at: faultFields(param, form),
    hint: hintOf(param),
  };
  switch (entry.kind) {
    case "group":
      return (
        <fieldset>
          <legend>{parts.label}</legend>
          {param.description === null ? null : <p class="hint">{param.description}</p>}
          <div class="fields wide">
            <ParamFields params={entry.params} form={form} />
          </div>
        </fieldset>
      );
    case "text":
      return entry.isLong ? (
        <div class="full">
          <AreaField {...parts} rows={3} placeholder={placeholderOf(param)} />
        </div>
      ) : (
        <TextField
          {...parts}
          type={entry.format === "date" ? "date" : "text"}
          placeholder={placeholderOf(param)}
        />
      );
    case "secret":
      return <TextField {...parts} type="password" />;
    case "number":
      return (
        <TextField
          {...parts}
          type="number"
          step={entry.isInteger ? "1" : "any"}
          placeholder={placeholderOf(param)}
        />
      );
    case "boolean":
      return <SelectField {...parts} choices={[["", left(param)], "true", "false"]} />;
    case "choice":
      return <SelectField {...parts} choices={[["", left(param)], ...entry.choices.map(String)]} />;
    case "lines":
      return <AreaField {...parts} rows={3} placeholder={placeholderOf(param)} />;
    case "json":
      return (
        <div class="full">
          <AreaField {...parts} rows={3} placeholder={placeholderOf(param)} />
        </div>
      );
  }
}

/** The faults that are shown here: its own, and those in what it has inside without a field of its own. */
function faultFields({ path }: Param, { faults }: FormState): string[] {
  const own = ["kwargs", ...path].join(".");
  return [own, ...faults.flatMap(({ field }) => (field.startsWith(`${own}.`) ? [field] : []))];
}

function hintOf({ entry, description, rules, isNullable, isRequired }: Param): string | undefined {
  const kind = entry.kind === "json" ? "JSON" : entry.kind === "lines" ? "one a line" : null;
  const empty = isNullable && isRequired ? "empty: null" : null;
  const said = [description, kind, rules, empty].filter((part) => part !== null);
  return said.length === 0 ? undefined : said.join(" · ");
}

function placeholderOf({ fallback }: Param): string | undefined {
  return fallback === undefined ? undefined : wordsOf(fallback);
}

/** What leaving it out means. */
function left({ fallback, isRequired }: Param): string {
  if (fallback !== undefined) return `default: ${wordsOf(fallback)}`;
  return isRequired ? "choose …" : "left out";
}

function wordsOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
