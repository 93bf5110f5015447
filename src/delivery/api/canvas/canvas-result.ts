import { bodyPlaceOf, runsOf, type CanvasTree, type TaskRecord } from "#engine";
import type { ApiParts } from "../route.ts";
import { isResultExpired } from "../tasks/task-views.ts";

type ResultParts = Pick<ApiParts, "canvases" | "largeResults">;

/** Places that are read at once. */
const PAGE = 500;

/** Puts the list together that a canvas succeeded with, out of what its members kept. JSON text. */
export class CanvasResult {
  readonly #parts: ResultParts;
  readonly #now: number;
  readonly #task: TaskRecord;
  readonly #tree: CanvasTree;
  #page: { from: number; to: number; tasks: ReadonlyMap<number, TaskRecord> } | null = null;

  constructor(task: TaskRecord, tree: CanvasTree, parts: ResultParts, now: number) {
    this.#task = task;
    this.#tree = tree;
    this.#parts = parts;
    this.#now = now;
  }

  texts(): AsyncGenerator<string> {
    return this.#textOf(this.#tree, 0);
  }

  stream(): ReadableStream<Uint8Array> {
    const texts = this.texts();
    const encoder = new TextEncoder();
    return new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await texts.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
    });
  }

  async *#textOf(tree: CanvasTree, place: number): AsyncGenerator<string> {
    if (typeof tree === "string" || "task" in tree) yield* this.#resultAt(place);
    else if ("added" in tree || "times" in tree) throw new Error("A run stands among members.");
    else if ("chord" in tree) {
      const { header, body } = tree.chord;
      yield* this.#textOf(body, bodyPlaceOf(header, place));
    } else if ("chain" in tree) {
      const last = [...runsOf(tree.chain, place + 1)].at(-1);
      if (last === undefined) yield "null";
      else yield* this.#textOf(last.tree, last.start + (last.times - 1) * last.size);
    } else {
      yield "[";
      let isFirst = true;
      for (const { tree: member, start, times, size } of runsOf(tree.group, place + 1)) {
        for (let index = 0; index < times; index += 1) {
          if (!isFirst) yield ",";
          isFirst = false;
          yield* this.#textOf(member, start + index * size);
        }
      }
      yield "]";
    }
  }

  async *#resultAt(place: number): AsyncGenerator<string> {
    if (this.#page === null || place < this.#page.from || place >= this.#page.to) {
      const base = this.#task.options.base ?? this.#task.id;
      const page = { from: place, to: place + PAGE };
      const { tasks, to } = await this.#parts.canvases.members(base, page, page);
      this.#page = { from: place, to, tasks };
    }
    const task = this.#page.tasks.get(place);
    if (task === undefined || isResultExpired(task, this.#now)) {
      yield "null";
      return;
    }
    const { tree, joined } = task.options;
    if (joined === true && tree !== undefined) {
      yield* new CanvasResult(task, tree, this.#parts, this.#now).texts();
    } else if (task.large !== undefined) {
      const body = await this.#parts.largeResults.get(task.large.key);
      yield body === null ? "null" : await new Response(body).text();
    } else yield task.result ?? failureOf(task);
  }
}

/** A failed member stands in the list as its body got it. */
function failureOf({ id, state, error }: TaskRecord): string {
  if (error === null || state === "SUCCESS") return "null";
  const { exc_type, exc_message } = error;
  return JSON.stringify({ error: { exc_type, exc_message, task_id: id } });
}
