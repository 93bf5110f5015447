import {
  MAX_LARGE_RESULT_BYTES,
  type Collected,
  type Failed,
  type KeptAt,
  type NodeEnd,
  type Plan,
  type PlanNode,
  type Value,
} from "#engine";
import { jsonArrays, MAX_PARAMETER_LENGTH } from "../../json-parameters.ts";
import type { SqlPort } from "../ports.ts";
import { consume } from "../schema.ts";

const encoder = new TextEncoder();
const TOO_LARGE: Collected = { text: "null", large: [], isTooLarge: true };

/** How a member of a group ended, as it is kept: its position, and what came out. */
type Entry =
  | readonly [position: number, kind: "result", result: unknown]
  | readonly [position: number, kind: "large", key: string, bytes: number]
  | readonly [position: number, kind: "group", place: number]
  | readonly [position: number, kind: "failed", end: Failed];

/** The place of what a callback itself is to get. */
export const OWN_INPUT = -1;

/** Where a chain that failed keeps its undos, and a group what all its members get; its own inverse. */
export function ownPlace(chain: number): number {
  return -2 - chain;
}

/**
 * What a canvas is kept in. All of it goes with the canvas.
 *
 * canvas_parts    its plan: one row per 600,000 characters, and one each time members are added
 * canvas_members  how members of groups ended: one row per group and transaction
 * canvas_values   by place: what a task is to get, where it does not fit into its row or may be needed
 *                 later; what a member gave that was replaced with a group; the undos of failed
 *                 chains, and what all members of a group get
 */
export class CanvasStore {
  readonly #sql: SqlPort;

  constructor(sql: SqlPort) {
    this.#sql = sql;
  }

  /** Keeps nodes behind those that are there. Rows written: one per 600,000 characters. */
  appendNodes(id: string, from: number, nodes: readonly PlanNode[]): void {
    let place = from;
    for (const { text, count } of jsonArrays(nodes.map((node) => JSON.stringify(node)))) {
      consume(
        this.#sql.exec(
          "INSERT INTO canvas_parts (canvas_id, place, nodes) VALUES (?, ?, ?)",
          id,
          place,
          text,
        ),
      );
      place += count;
    }
  }

  /** Null: there is no such canvas. */
  plan(id: string): Plan | null {
    const rows = this.#sql.exec<{ nodes: string }>(
      "SELECT nodes FROM canvas_parts WHERE canvas_id = ? ORDER BY place",
      id,
    );
    const nodes: PlanNode[] = [];
    for (const row of rows) nodes.push(...(JSON.parse(row.nodes) as PlanNode[]));
    return nodes.length === 0 ? null : { nodes };
  }

  /** Of every group that has members which ended: how many, how many of them failed, and the rows. */
  counts(id: string): { place: number; done: number; failed: number; rows: number }[] {
    return [
      ...this.#sql.exec<{ place: number; done: number; failed: number; rows: number }>(
        `SELECT place, sum(done) AS done, sum(failed) AS failed, max(seq) AS rows
         FROM canvas_members WHERE canvas_id = ? GROUP BY place`,
        id,
      ),
    ];
  }

  /** Rows written: one per 600,000 characters. Returns the last row's number. */
  appendMembers(
    id: string,
    group: number,
    afterRow: number,
    ends: readonly (readonly [position: number, end: NodeEnd])[],
  ): number {
    let row = afterRow;
    let kept = 0;
    for (const { text, count } of jsonArrays(
      ends.map(([position, end]) => entryText(position, end)),
    )) {
      const failed = ends.slice(kept, kept + count).filter(([, end]) => !("value" in end)).length;
      kept += count;
      row += 1;
      consume(
        this.#sql.exec(
          `INSERT INTO canvas_members (canvas_id, place, seq, done, failed, entries)
           VALUES (?, ?, ?, ?, ?, ?)`,
          id,
          group,
          row,
          count,
          failed,
          text,
        ),
      );
    }
    return row;
  }

  /** The first of a group's failed members. */
  firstFailed(id: string, group: number): Failed | null {
    let first: readonly [number, "failed", Failed] | null = null;
    for (const entry of this.#entries(id, group, "AND failed > 0")) {
      if (entry[1] === "failed" && (first === null || entry[0] < first[0])) first = entry;
    }
    return first?.[2] ?? null;
  }

  /** The list of a group's results, unless it has more than `limit` bytes as UTF-8. */
  list(id: string, group: number, limit: number = MAX_LARGE_RESULT_BYTES): Collected {
    const texts: string[] = [];
    const large: { path: number[]; key: string }[] = [];
    let length = 0;
    for (const entry of this.#entries(id, group)) {
      const [position, kind, value] = entry;
      let text = "null";
      if (kind === "result") text = JSON.stringify(value);
      else if (kind === "failed") text = JSON.stringify(asResult(value));
      else if (kind === "large") large.push({ path: [position], key: value });
      else {
        const inner = this.input({ id, place: value }, limit - length);
        if (inner === null || inner.isTooLarge === true) return TOO_LARGE;
        text = inner.text;
        for (const { path, key } of inner.large) large.push({ path: [position, ...path], key });
      }
      length += encoder.encode(text).length;
      if (length > limit) return TOO_LARGE;
      texts[position] = text;
    }
    return { text: `[${texts.join(",")}]`, large };
  }

  /** In place of what is there. Rows written: one per 600,000 characters, and those that go. */
  keep(id: string, place: number, text: string): void {
    consume(this.#sql.exec("DELETE FROM canvas_values WHERE id = ? AND place = ?", id, place));
    let row = 0;
    for (const part of parts(text)) {
      consume(
        this.#sql.exec(
          "INSERT INTO canvas_values (id, place, seq, text) VALUES (?, ?, ?, ?)",
          id,
          place,
          row,
          part,
        ),
      );
      row += 1;
    }
  }

  kept(id: string, place: number): string | null {
    const rows = this.#sql.exec<{ text: string }>(
      "SELECT text FROM canvas_values WHERE id = ? AND place = ? ORDER BY seq",
      id,
      place,
    );
    let text = "";
    for (const row of rows) text += row.text;
    return text === "" ? null : text;
  }

  keptValue({ id, place }: KeptAt): Value | null {
    const text = this.kept(id, place);
    return text === null ? null : (JSON.parse(text) as Value);
  }

  /**
   * What a task is to get, whether it is kept for itself or is the list of a group; null: it is gone.
   * @param limit bytes of a list, as UTF-8
   */
  input(at: KeptAt, limit: number = MAX_LARGE_RESULT_BYTES): Collected | null {
    const text = this.kept(at.id, at.place);
    if (text === null) return this.#hasCanvas(at.id) ? this.list(at.id, at.place, limit) : null;
    const value = JSON.parse(text) as Value | Collected;
    if ("kept" in value) return this.input(value.kept, limit);
    if ("text" in value) return { large: [], ...value };
    return { text: "null", large: [{ path: [], key: value.large.key }] };
  }

  #hasCanvas(id: string): boolean {
    const [part] = this.#sql.exec(
      "SELECT 1 AS one FROM canvas_parts WHERE canvas_id = ? LIMIT 1",
      id,
    );
    return part !== undefined;
  }

  keptPlaces(id: string): number[] {
    const rows = this.#sql.exec<{ place: number }>(
      "SELECT place FROM canvas_values WHERE id = ? AND seq = 0",
      id,
    );
    return Array.from(rows, ({ place }) => place);
  }

  /** Rows written: all there are. */
  delete(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const list = JSON.stringify(ids);
    const theirs = "IN (SELECT value FROM json_each(?))";
    consume(this.#sql.exec(`DELETE FROM canvas_parts WHERE canvas_id ${theirs}`, list));
    consume(this.#sql.exec(`DELETE FROM canvas_members WHERE canvas_id ${theirs}`, list));
    consume(this.#sql.exec(`DELETE FROM canvas_values WHERE id ${theirs}`, list));
  }

  *#entries(id: string, group: number, condition = ""): Generator<Entry> {
    const rows = this.#sql.exec<{ entries: string }>(
      `SELECT entries FROM canvas_members WHERE canvas_id = ? AND place = ? ${condition} ORDER BY seq`,
      id,
      group,
    );
    for (const { entries } of rows) yield* JSON.parse(entries) as Entry[];
  }
}

/** A text in parts of a parameter's length; no character is cut in two. */
function* parts(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const isCut = /[\uD800-\uDBFF]/.test(text.charAt(from + MAX_PARAMETER_LENGTH - 1));
    const to = from + MAX_PARAMETER_LENGTH - (isCut ? 1 : 0);
    yield text.slice(from, to);
    from = to;
  }
}

/** How a failed member stands in the list of its group, where that collects errors. */
function asResult({ taskId, error }: Failed) {
  const { exc_type, exc_message } = error;
  return { error: { exc_type, exc_message, task_id: taskId } };
}

function entryText(position: number, end: NodeEnd): string {
  if (!("value" in end)) return JSON.stringify([position, "failed", end]);
  const { value } = end;
  if ("text" in value) return `[${position},"result",${value.text}]`;
  if ("large" in value)
    return JSON.stringify([position, "large", value.large.key, value.large.bytes]);
  return JSON.stringify([position, "group", value.kept.place]);
}
