import {
  array,
  boolean,
  constant,
  constantFrom,
  date,
  double,
  integer,
  nat,
  oneof,
  record,
  string,
  stringMatching,
  tuple,
  type Arbitrary,
} from "fast-check";
import type { Schema } from "./document.ts";
import { HOSTILE_TEXTS, HOSTILE_VALUES } from "./hostile.ts";

/** What is true of this deployment, by the name of a parameter or a field. */
export const KNOWN: Readonly<Record<string, readonly string[]>> = {
  name: ["process_data", "process_payment", "ticker", "generate_weekly_report"],
  task: ["process_data", "process_payment", "cleanup_old_carts"],
  taskname: ["process_data"],
  queue: ["default", "emails", "high-priority"],
  worker: ["lovage@lovage"],
  workername: ["lovage@lovage", "All"],
  type: ["task-sent", "task-received", "task-succeeded"],
  sort_by: ["name", "-received", "started", "state"],
  ratelimit: ["10/m", "0"],
  rate_limit: ["10/m", "0"],
  received_start: ["2026-01-01 00:00"],
  received_end: ["2100-01-01 00:00"],
  search: ["process_data state:SUCCESS", "kwargs:data=x OR abc"],
};

/** What contains itself ends here. */
const DEEPEST = 7;
const LONGEST = 40;

/** Values of the document's schemas: most fit, some nearly, some not at all. */
export class Values {
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #known = new Map<Schema, Arbitrary<unknown>>();

  constructor(schemas: Readonly<Record<string, Schema>>) {
    this.#schemas = schemas;
  }

  /**
   * @param name of the field or parameter; "" for none
   * @param depth how deep it stands
   */
  of(schema: Schema, name = "", depth = 0): Arbitrary<unknown> {
    const fits = this.#usual(schema, name, depth);
    return depth > DEEPEST
      ? fits
      : oneof(
          { weight: 24, arbitrary: fits },
          { weight: 1, arbitrary: constantFrom(...HOSTILE_VALUES) },
        );
  }

  #usual(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    const fits = this.#fitting(schema, name, depth);
    if (depth > 3 || (name !== "args" && name !== "kwargs")) return fits;
    const usual = name === "args" ? [] : { data: "x" };
    return oneof(
      { weight: 7, arbitrary: constant<unknown>(usual) },
      { weight: 3, arbitrary: fits },
    );
  }

  #fitting(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    if (schema.$ref !== undefined) {
      const found = this.#schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {};
      return this.#fitting(found, name, depth + 1);
    }
    const options = schema.anyOf ?? schema.oneOf;
    if (options !== undefined) {
      const some = depth > DEEPEST ? options.slice(0, 1) : options;
      return oneof(...some.map((option) => this.#fitting(option, name, depth + 1)));
    }
    if (schema.allOf !== undefined) {
      const parts = schema.allOf.map((part) => this.#fitting(part, name, depth + 1));
      return tuple(...parts).map((made) => Object.assign({}, ...made) as unknown);
    }
    if ("const" in schema) return constant(schema.const);
    if (schema.enum !== undefined) return constantFrom(...schema.enum);
    if (typeof schema.type !== "string" && schema.type !== undefined) {
      return oneof(...schema.type.map((type) => this.#typed({ ...schema, type }, name, depth)));
    }
    return this.#typed(schema, name, depth);
  }

  #typed(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    switch (schema.type) {
      case "string":
        return this.#text(schema, name);
      case "integer":
      case "number":
        return numbers(schema);
      case "boolean":
        return boolean();
      case "null":
        return constant(null);
      case "array":
        return this.#list(schema, name, depth);
      case "object":
        return this.#object(schema, depth);
      case undefined:
      default:
        return constantFrom<unknown[]>("x", 1, null, [], {}, "ä", { data: "x" });
    }
  }

  #text(schema: Schema, name: string): Arbitrary<unknown> {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const made = textsOf(schema, name);
    this.#known.set(schema, made);
    return made;
  }

  #list({ items = {}, minItems = 0, maxItems = 3 }: Schema, name: string, depth: number) {
    const most = depth > DEEPEST - 1 ? minItems : Math.max(minItems, Math.min(3, maxItems));
    return array(this.of(items, name, depth + 1), { minLength: minItems, maxLength: most });
  }

  #object({ properties = {}, required = [], additionalProperties }: Schema, depth: number) {
    const fields = Object.entries(properties);
    const wanted = depth > DEEPEST ? fields.filter(([key]) => required.includes(key)) : fields;
    // Fields that may be left out are, mostly: with all of them nearly nothing would fit.
    const all = wanted.map(([key, inner]) => {
      const value = this.of(inner, key, depth + 1).map((one): [string, unknown][] => [[key, one]]);
      const absent = constant<[string, unknown][]>([]);
      const weight = required.includes(key) ? 1 : 150;
      return oneof({ weight, arbitrary: absent }, { weight: 40, arbitrary: value });
    });
    const isOpen = typeof additionalProperties === "object";
    const more = isOpen
      ? this.of(additionalProperties, "", depth + 1).map((one): [string, unknown][] => [
          ["data", one],
        ])
      : constant<[string, unknown][]>([]);
    const odd = oneof(
      { weight: 40, arbitrary: constant<[string, unknown][]>([]) },
      {
        weight: 1,
        arbitrary: constantFrom(...HOSTILE_TEXTS).map((key): [string, unknown][] => [[key, 1]]),
      },
    );
    return tuple(tuple(...all), more, odd).map(([some, open, strange]) =>
      // Not by assignment: `__proto__` is to be a field like others.
      Object.fromEntries([...some.flat(), ...open, ...strange]),
    );
  }
}

function textsOf({ format, pattern, minLength = 0, maxLength = LONGEST }: Schema, name: string) {
  const known = KNOWN[name];
  const plain = plainTexts();
  const options: { weight: number; arbitrary: Arbitrary<unknown> }[] = [
    { weight: 2, arbitrary: plain },
  ];
  if (known !== undefined) options.push({ weight: 8, arbitrary: constantFrom(...known) });
  else if (/id$/i.test(name)) options.push({ weight: 4, arbitrary: record({ heard: nat(999) }) });
  return oneof(...options);

  function plainTexts(): Arbitrary<string> {
    if (format === "date-time") {
      const days = {
        min: new Date("2026-01-01"),
        max: new Date("2027-01-01"),
        noInvalidDate: true,
      };
      return date(days).map((at) => at.toISOString());
    }
    if (format === "date") return constant("2026-11-01");
    if (format === "email") return constant("customer@example.com");
    if (pattern !== undefined) {
      try {
        return stringMatching(new RegExp(pattern, "u")).map((text) => text.slice(0, maxLength));
      } catch {
        // It has what can't be generated.
        return constant("abc");
      }
    }
    const most = Math.max(minLength, Math.min(LONGEST, maxLength));
    return oneof(
      { weight: 5, arbitrary: string({ minLength, maxLength: most }) },
      { weight: 2, arbitrary: string({ minLength, maxLength: most, unit: "binary" }) },
    );
  }
}

function numbers({ minimum, maximum, exclusiveMinimum, type }: Schema): Arbitrary<number> {
  const low = minimum ?? (exclusiveMinimum === undefined ? -10 : exclusiveMinimum + 1);
  const high = maximum ?? low + 100;
  const near = Math.min(high, low + 100);
  const inside =
    type === "integer"
      ? integer({ min: Math.ceil(low), max: Math.max(Math.ceil(low), Math.floor(near)) })
      : double({ min: low, max: Math.max(low, near), noNaN: true });
  return oneof({ weight: 8, arbitrary: inside }, { weight: 1, arbitrary: constantFrom(low, high) });
}
