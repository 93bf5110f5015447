import { sample, string, stringMatching } from "fast-check";
import type { Content, OpenApi, Parameter, Placed, Schema } from "./document.ts";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A request as it is sent. */
export interface MadeRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

const HOSTILE_TEXTS: readonly string[] = [
  ...["", " ", "0", "-1", "-0", "1.5", "1e3", "1e400", "NaN", "Infinity", "0x10", "٣", "null"],
  ...["9007199254740993", "99999999999999999999", "true", "maybe", "[]", "{}", "undefined"],
  ...["\0", "a\0b", "\n", "%", "%00", "%ff", "'", '"', "\\", "`", "--", "*", "?", "[a-", "***?***"],
  ...[
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "a/b",
    "a:b",
    ":",
    "a=b",
    "=x",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "\u202Eabc", "👩‍👩‍👧", "\uFFFE", "ä"],
  ...["2026-02-30", "2026-11-21T25:00:00Z", "9999-12-31T23:59:59Z", "+275760-09-13T00:00:00Z"],
  ...[
    "0000-01-01T00:00:00Z",
    "2026-11-21 08:00",
    "0001-01-01 00:00",
    "2026-W53",
    "state:",
    "NOT abc",
  ],
  ...[
    "(((((((abc)))))))",
    '"abc',
    "name:abc OR",
    "-abc",
    "kwargs:a=b",
    "a".repeat(300),
    "ß".repeat(3_000),
  ],
];

const HOSTILE_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, -0.5, 1e308, 2 ** 53, 1.0000000001, 1e-320, [], {}, [[]], [null]],
  ...[{ __proto__: null, constructor: 1 }, { "": "" }, Array.from({ length: 2_000 }, () => 1)],
  ...HOSTILE_TEXTS,
];

const HOSTILE_BODIES: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  ...[
    "",
    " ",
    "null",
    "[]",
    "{",
    '"text"',
    "0",
    "{}",
    '{"__proto__":{"name":1}}',
    "{'a':1}",
    "1e999",
  ],
  ...['{"name":"process_data","name":"nothing"}', "\uFEFF{}", "[".repeat(50_000), "a=b&c=d"],
  ...['{"args":'.concat("[".repeat(5_000), "]".repeat(5_000), "}"), '{"name":"\\ud800"}'],
  new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  new Uint8Array(20_000),
];

/** What is true of this deployment, by the name of a parameter or a field. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
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

/** Makes requests from an OpenAPI document: most nearly as it says, some as nobody should. */
export class RequestMaker {
  readonly #document: OpenApi;
  readonly #random: () => number;
  /** Texts from answers, ids, names, cursors, by what they are of: orders, tasks. */
  readonly #heard = new Map<string, string[]>();

  constructor(document: OpenApi, random: () => number) {
    this.#document = document;
    this.#random = random;
  }

  /** Keeps what later requests may ask about. */
  hear(path: string, answer: unknown): void {
    if (typeof answer !== "object" || answer === null) return;
    for (const [key, value] of Object.entries(answer)) {
      if (typeof value === "object") this.hear(path, value);
      else if (ASKED_BY.test(key) || (key === "name" && isNamed(path))) {
        this.#keep(path, String(value));
      }
    }
  }

  #keep(path: string, text: string): void {
    const kept = this.#heard.get(kindOf(path)) ?? [];
    this.#heard.set(kindOf(path), kept);
    if (kept.length < 50) kept.push(text);
    else kept[Math.floor(this.#random() * 50)] = text;
  }

  /** Something that was heard about such things, or about others. */
  #heardOf(path: string): string {
    const others = [...this.#heard.values()].flat();
    const own = this.#heard.get(kindOf(path));
    return this.#pick(own !== undefined && this.#random() < 0.8 ? own : ["x", ...others]);
  }

  make({ method, path, operation }: Placed): MadeRequest {
    const given = operation.parameters ?? [];
    const of = (place: Parameter["in"]) => given.filter((one) => one.in === place);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
      const parameter = of("path").find((one) => one.name === name);
      return inPath(this.#parameterText(path, name, parameter?.schema ?? {}));
    });
    const query = new URLSearchParams(
      of("query").flatMap(({ name, schema, required }) => {
        if (this.#random() < (required === true ? 0.05 : 0.6)) return [];
        const times = this.#random() < 0.05 ? [1, 2] : [1];
        return times.map((): [string, string] => [name, this.#parameterText(path, name, schema)]);
      }),
    );
    if (this.#random() < 0.05) query.append(this.#pick(HOSTILE_TEXTS), this.#pick(HOSTILE_TEXTS));
    const headers: Record<string, string> = {};
    for (const { name, schema } of of("header")) {
      if (this.#random() < 0.5) headers[name] = inHeader(this.#parameterText(path, name, schema));
    }
    const { type, body } = this.#body(operation.requestBody?.content ?? {});
    if (type !== null && method !== "GET") headers["Content-Type"] = type;
    const text = query.toString();
    return {
      method,
      path: `${filled}${this.#random() < 0.2 ? "/" : ""}${text === "" ? "" : `?${text}`}`,
      headers,
      body: method === "GET" ? null : body,
    };
  }

  #body(content: Content): { type: string | null; body: MadeRequest["body"] } {
    const types = Object.keys(content);
    if (types.length === 0) return { type: null, body: null };
    const type = this.#random() < 0.04 ? "text/plain" : this.#pick(types);
    if (this.#random() < 0.08) return { type, body: this.#pick(HOSTILE_BODIES) };
    const { schema = {}, example } = content[type] ?? {};
    if (!type.endsWith("json")) return { type, body: this.#pick(HOSTILE_BODIES) };
    const value =
      example !== undefined && this.#random() < 0.3 ? example : this.#value(schema, "", 0.04, 0);
    return { type, body: JSON.stringify(value) };
  }

  #parameterText(path: string, name: string, schema: Schema): string {
    const roll = this.#random();
    if (roll < 0.15) return this.#pick(HOSTILE_TEXTS);
    const isHeard = KNOWN[name] === undefined || (name === "name" && isNamed(path));
    const isText = schema.type === "string" && schema.enum === undefined;
    if (roll < 0.85 && isHeard && isText && schema.format === undefined) return this.#heardOf(path);
    // Nobody waits here for what goes on.
    if (name === "wait" || name === "timeout") return this.#pick(["0", "0.1", "1"]);
    const value = this.#value(schema, name, 0, 0);
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** @param rot how often a value is replaced with one that may not fit */
  #value(schema: Schema, name: string, rot: number, depth: number): unknown {
    if (this.#random() < rot) return this.#pick(HOSTILE_VALUES);
    if (depth < 3 && this.#random() < 0.7) {
      if (name === "args") return [];
      if (name === "kwargs") return { data: "x" };
    }
    if (schema.$ref !== undefined) {
      const found = this.#document.components.schemas[schema.$ref.split("/").at(-1) ?? ""];
      return this.#value(found ?? {}, name, rot, depth + 1);
    }
    const options = schema.anyOf ?? schema.oneOf;
    if (options !== undefined) {
      // What contains itself ends somewhere.
      const option = depth > 8 ? options[0] : this.#pick(options);
      return this.#value(option ?? {}, name, rot, depth + 1);
    }
    if (schema.allOf !== undefined) {
      const parts = schema.allOf.map((part) => this.#value(part, name, 0, depth + 1));
      return Object.assign({}, ...parts) as unknown;
    }
    if ("const" in schema) return schema.const;
    if (schema.enum !== undefined) return this.#pick(schema.enum);
    const type = typeof schema.type === "string" ? schema.type : this.#pick(schema.type ?? ["any"]);
    switch (type) {
      case "string":
        return this.#text(schema, name);
      case "integer":
      case "number":
        return this.#number(schema, type);
      case "boolean":
        return this.#random() < 0.5;
      case "array":
        return this.#list(schema, name, rot, depth);
      case "object":
        return this.#object(schema, rot, depth);
      case "null":
        return null;
      default:
        return this.#pick(["x", 1, null, [], {}, "ä", { data: "x" }]);
    }
  }

  #text({ format, pattern, minLength = 0, maxLength = 40 }: Schema, name: string): string {
    const known = KNOWN[name];
    if (known !== undefined && this.#random() < 0.8) return this.#pick(known);
    if (format === "date-time") {
      return new Date(Date.UTC(2026, 0, 1) + this.#random() * 4e10).toISOString();
    }
    if (format === "date") return "2026-11-01";
    const seed = Math.floor(this.#random() * 2 ** 31);
    if (pattern !== undefined) {
      try {
        const [text = ""] = sample(stringMatching(new RegExp(pattern, "u")), {
          seed,
          numRuns: 1,
        });
        return text.slice(0, maxLength);
      } catch {
        // It has what can't be generated.
        return "abc";
      }
    }
    if (/id$/i.test(name) && this.#random() < 0.6) return this.#heardOf("");
    const [text = ""] = sample(
      string({ minLength, maxLength: Math.max(minLength, Math.min(40, maxLength)) }),
      { seed, numRuns: 1 },
    );
    return text;
  }

  #number({ minimum, maximum, exclusiveMinimum }: Schema, type: string): number {
    const low = minimum ?? (exclusiveMinimum === undefined ? -10 : exclusiveMinimum + 1);
    const high = maximum ?? low + 100;
    const edge = this.#random();
    if (edge < 0.1) return low;
    if (edge < 0.2) return high;
    const value = low + this.#random() * (Math.min(high, low + 100) - low);
    return type === "integer" ? Math.round(value) : value;
  }

  #list(
    { items = {}, minItems = 0, maxItems = 3 }: Schema,
    name: string,
    rot: number,
    depth: number,
  ) {
    const most = depth > 6 ? minItems : Math.max(minItems, Math.min(3, maxItems));
    const length = minItems + Math.floor(this.#random() * (most - minItems + 1));
    return Array.from({ length }, () => this.#value(items, name, rot, depth + 1));
  }

  #object(
    { properties = {}, required = [], additionalProperties }: Schema,
    rot: number,
    depth: number,
  ): Record<string, unknown> {
    const entries = Object.entries(properties).flatMap(([key, inner]): [string, unknown][] => {
      const isGiven = required.includes(key) ? this.#random() > rot / 2 : this.#random() < 0.15;
      return isGiven ? [[key, this.#value(inner, key, rot, depth + 1)]] : [];
    });
    if (typeof additionalProperties === "object" && this.#random() < 0.6) {
      entries.push(["data", this.#value(additionalProperties, "", rot, depth + 1)]);
    }
    if (this.#random() < rot) entries.push([this.#pick(HOSTILE_TEXTS), 1]);
    return Object.fromEntries(entries);
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error("There is nothing to choose from.");
    return item;
  }
}

/** The keys of what later requests ask by. */
const ASKED_BY = /(^|_|-)(id|uuid|cursor|sku)$|^(orderId|key)$/;

/** Whether things are asked for by a name that they were given. */
function isNamed(path: string): boolean {
  return /^\/api\/(schedules|mail)\b/.test(path);
}

/** What a path is about: its first word after `/api`; Flower's word for tasks is our own in the singular. */
function kindOf(path: string): string {
  const [, , kind = ""] = path.split("/");
  return /^(task|create-order)$/.test(kind) ? `${kind.replace("create-", "")}s` : kind;
}

/** As one part of a path; what a URL would take for another path is something else. */
function inPath(text: string): string {
  return text === "" || text === "." || text === ".."
    ? "x"
    : encodeURIComponent(text.toWellFormed());
}

/** A header takes no line breaks, and no letters beyond Latin 1. */
function inHeader(text: string): string {
  return text.replaceAll(/[^\u0020-\u00FF]/g, "~").trim();
}
