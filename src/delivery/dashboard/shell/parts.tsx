import type { Child } from "hono/jsx";
import { may, type Caller, type Scope } from "../../api/callers/access.ts";

/** The state of a task, or of anything else that has one. */
export function Tag({
  state,
  kind = "",
}: {
  state: string;
  kind?: "good" | "bad" | "warn" | "busy" | "";
}) {
  return <span class={`tag ${state} ${kind}`.trim()}>{state}</span>;
}

/** An instant: as "3 min ago" where scripts run, in full on hovering. Null: a dash. */
export function When({ at, isExact = false }: { at: number | null; isExact?: boolean }) {
  if (at === null) return <span class="quiet">–</span>;
  const iso = new Date(at).toISOString();
  const full = `${iso.slice(0, 10)} ${iso.slice(11, isExact ? 23 : 19)} UTC`;
  return (
    <time datetime={iso} title={full} data-relative={isExact ? undefined : ""}>
      {full}
    </time>
  );
}

/** "850 ms", "2.4 s", "3 min 5 s"; null: a dash. */
export function duration(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

const NUMBER = new Intl.NumberFormat("en");

export function count(value: number): string {
  return NUMBER.format(value);
}

/** "1 task", "1,200 tasks". */
export function counted(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}

/** JSON as people read it. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <pre tabindex={0} aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}

/** The beginning of a text that may be long. */
export function clipped(text: string, length: number): string {
  // No half of a character that is two.
  const start = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return start.length < text.length ? `${start}…` : text;
}

/** A task's id, short, with a button that copies it. */
export function CopyId({ id }: { id: string }) {
  return (
    <span class="id">
      <code title={id}>{`${id.slice(0, 8)}…${id.slice(-4)}`}</code>
      <button type="button" class="plain" data-copy={id} aria-label={`Copy the id ${id}`}>
        copy
      </button>
    </span>
  );
}

export function Empty({ children }: { children: Child }) {
  return <p class="empty">{children}</p>;
}

/** A table of which a phone shows each row as a block. Cells are `Cell`s. */
export function Table({
  caption,
  head,
  numbers = [],
  children,
}: {
  caption: string;
  head: readonly Child[];
  /** Heads of columns of numbers. */
  numbers?: readonly Child[];
  children: Child;
}) {
  return (
    <div class="table blocks">
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((one) =>
              one === "" ? (
                <td />
              ) : (
                <th scope="col" class={numbers.includes(one) ? "number" : undefined}>
                  {one}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** `name`: the head of its column, which a phone shows beside it. */
export function Cell({
  name,
  kind,
  children,
}: {
  name: string;
  kind?: "number" | "clip" | "mono" | "whole";
  children?: Child;
}) {
  return (
    <td data-name={name} class={kind}>
      {children}
    </td>
  );
}

/** A button that does something: a form of its own. Not there for those who may not do it. */
export function Action({
  caller,
  scope,
  path,
  fields = {},
  confirm,
  kind,
  children,
}: {
  caller: Caller;
  scope: Scope;
  path: string;
  fields?: Readonly<Record<string, string>>;
  /** Asked before it is done, where it can't be undone. */
  confirm?: string;
  kind?: "main" | "danger" | "plain";
  children: Child;
}) {
  if (!may(caller, scope)) return null;
  return (
    <form class="inline" method="post" action={path} data-confirm={confirm}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <button class={kind}>{children}</button>
    </form>
  );
}

/** Where there are more: links that go on from a cursor. */
export function Pager({
  newest,
  next,
  words = ["Newest", "Older"],
}: {
  newest: string | null;
  next: string | null;
  /** On the links to the first page and to the next. */
  words?: readonly [first: string, next: string];
}) {
  if (newest === null && next === null) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {newest === null ? null : (
        <a class="button" href={newest} rel="first">
          {words[0]}
        </a>
      )}
      {next === null ? null : (
        <a class="button" href={next} rel="next">
          {words[1]}
        </a>
      )}
    </nav>
  );
}

/** A path with parameters in its query; those that are null or empty are left out. */
export function pathWith(
  path: string,
  query: Readonly<Record<string, string | null | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === null || value === undefined || value === "" ? [] : [[name, value]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** Where things are shown. */
export const placeOf = {
  task: (id: string) => `/dashboard/tasks/${id}`,
  canvas: (id: string) => `/dashboard/canvas/${id}`,
  schedule: (name: string) => `/dashboard/schedules/${encodeURIComponent(name)}`,
  definition: (name: string) => `/dashboard/definitions/${encodeURIComponent(name)}`,
  order: (id: string) => `/dashboard/orders/${encodeURIComponent(id)}`,
};

/** A name as code has it, which may go over into the next line behind its underscores. */
export function Name({ children: name }: { children: string }) {
  return (
    <>
      {name.split(/(?<=_)/).map((part) => (
        <>
          {part}
          {part.endsWith("_") ? <wbr /> : null}
        </>
      ))}
    </>
  );
}
