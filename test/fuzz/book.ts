/** Something that a request asks about, by its place among what was heard so far. */
export interface Heard {
  readonly heard: number;
}

export function isHeard(value: unknown): value is Heard {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).join() === "heard" && typeof (value as Heard).heard === "number";
}

/** What later requests ask by. */
const ASKED_BY = /(^|_|-)(id|uuid|cursor|sku)$|^(orderId|key)$/;
const MOST = 40;
const MOST_FORMS = 2_000;

/** A form as a page has it: where it is sent, and what it has in its fields. */
export interface Form {
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** What is read from answers: ids, names, cursors, by what they are of (orders, tasks); and the forms of pages. */
export class Book {
  readonly #texts = new Map<string, string[]>();
  readonly #forms = new Map<string, Form>();

  /** Keeps the forms of a page; one for each place and set of fields. */
  hearPage(html: string): void {
    for (const [, tag = "", inside = ""] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)) {
      if (attribute(tag, "method") !== "post") continue;
      const elements = [...inside.matchAll(/<(?:input|select|textarea|button)\b([^>]*)>/g)];
      const fields = elements.flatMap(([, element = ""]) => {
        const name = attribute(element, "name");
        return name === null ? [] : [[name, attribute(element, "value") ?? ""] as const];
      });
      const others = elements.map(([, element = ""]) => attribute(element, "formaction"));
      for (const action of [attribute(tag, "action"), ...others]) {
        if (action === null || this.#forms.size >= MOST_FORMS) continue;
        this.#forms.set(`${action} ${fields.map(([name]) => name).join()}`, { action, fields });
      }
    }
  }

  /** A form that is sent to such a place; null: none was seen. @param path with `{names}` in it */
  form(path: string, { heard }: Heard): Form | null {
    const place = new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/?]+")}/?(\\?|$)`);
    const found = [...this.#forms.values()].filter(({ action }) => place.test(action));
    return found[heard % Math.max(1, found.length)] ?? null;
  }

  /** Keeps what later requests may ask about: the first of each kind stay. */
  hear(path: string, answer: unknown): void {
    if (typeof answer !== "object" || answer === null) return;
    for (const [key, value] of Object.entries(answer)) {
      if (typeof value === "object") this.hear(path, value);
      else if (ASKED_BY.test(key) || (key === "name" && isNamed(path))) {
        this.#keep(path, String(value));
      }
    }
  }

  /** Something that was heard about such things, or about others. */
  text(path: string, { heard }: Heard): string {
    const own = this.#texts.get(kindOf(path)) ?? [];
    // One in eight is of another kind.
    const from = own.length > 0 && heard % 8 > 0 ? own : ["x", ...[...this.#texts.values()].flat()];
    return from[Math.floor(heard / 8) % from.length] ?? "x";
  }

  #keep(path: string, text: string): void {
    const kept = this.#texts.get(kindOf(path)) ?? [];
    this.#texts.set(kindOf(path), kept);
    if (kept.length < MOST && !kept.includes(text)) kept.push(text);
  }
}

/** Whether things are asked for by a name that they were given. */
export function isNamed(path: string): boolean {
  return /^\/api\/(schedules|mail)\b/.test(path);
}

/** What a path is about: its first word after `/api`; Flower's word for tasks is our own in the singular. */
function kindOf(path: string): string {
  const [, , kind = ""] = path.split("/");
  return /^(task|create-order)$/.test(kind) ? `${kind.replace("create-", "")}s` : kind;
}

/** What an attribute says; "" where it says nothing, null where it isn't there. */
function attribute(tag: string, name: string): string | null {
  const [found, value] = new RegExp(`\\s${name}(?:="([^"]*)")?(?=[\\s/]|$)`).exec(tag) ?? [];
  if (found === undefined) return null;
  return (value ?? "")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
