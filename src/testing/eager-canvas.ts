import {
  CanvasRun,
  memberId,
  release,
  type Callback,
  type CanvasPort,
  type Failed,
  type FinishedTask,
  type NodeEnd,
  type Plan,
  type TaskSpec,
  type Undoing,
  type Value,
} from "#engine";

/** What an eager task that ended gives its canvas. */
export interface EagerEnd {
  readonly record: FinishedTask;
  /** Its result as text, whatever its size, kept with it or not. */
  readonly text: string;
  readonly added: readonly Plan[];
}

interface EagerParts {
  readonly owner: string;
  readonly keyOf: (name: string, kwargs: string) => string | null;
  readonly runTask: (spec: TaskSpec) => Promise<EagerEnd>;
  readonly dropped: (spec: TaskSpec, end: Failed) => Promise<void>;
  readonly callBack: (callback: Callback, input: Value) => Promise<void>;
  readonly now: () => number;
}

/** Runs a canvas in its caller: the same progress as deployed, one task after the other. */
export async function runEagerCanvas(
  id: string,
  plan: Plan,
  input: Value | null,
  parts: EagerParts,
): Promise<NodeEnd> {
  const members = new Map<number, NodeEnd[]>();
  const values = new Map<number, Value>();
  const work: (() => Promise<void>)[] = [];
  let whole: NodeEnd | null = null;
  const run = new CanvasRun({
    id,
    base: id,
    plan,
    memory: { groups: new Map(), undoable: new Set(), undoing: new Map<number, Undoing>() },
    nesting: 0,
    isUndo: false,
    stop: null,
  });
  const specOf: (...given: Parameters<CanvasPort["start"]>) => TaskSpec = (
    place,
    call,
    value,
    canvas,
  ) =>
    release(call, {
      id: memberId(id, place),
      owner: parts.owner,
      now: parts.now(),
      input: value,
      keyOf: parts.keyOf,
      trace: null,
      canvas,
    });
  const port: CanvasPort = {
    start: (place, call, value, ref) => {
      work.push(async () => {
        const { record, text, added } = await parts.runTask(specOf(place, call, value, ref));
        if (added.length > 0) run.grow(port, place, added);
        run.taskEnded(port, place, endOf(record, text));
      });
    },
    share: (_group, _members, value) => value,
    drop: (place, call, end) => {
      const spec = specOf(place, { ...call, key: null }, null, { id, place });
      work.push(() => parts.dropped(spec, end));
    },
    keepMember: (group, position, end) => {
      const ends = members.get(group) ?? [];
      ends[position] = end;
      members.set(group, ends);
    },
    collect: (group) => ({ text: `[${(members.get(group) ?? []).map(textOf).join(",")}]` }),
    firstFailed: (group) => members.get(group)?.find((end) => !("value" in end)) as Failed,
    keepInput: (place, value) => {
      values.set(place, value);
    },
    keptInput: (place) => values.get(place) ?? { text: "null" },
    keepUndoing: () => undefined,
    call: (callbacks, value) => {
      for (const callback of callbacks) work.push(() => parts.callBack(callback, value));
    },
    finish: (end) => {
      whole = end;
    },
  };
  run.begin(port, input);
  for (let next = work.shift(); next !== undefined; next = work.shift()) await next();
  if (whole === null) throw new Error(`${id} has not come to an end.`);
  return whole;
}

function endOf({ id, state, error }: FinishedTask, text: string): NodeEnd {
  if (state === "SUCCESS") return { value: { text } };
  const ignored = { exc_type: "Ignore", exc_message: "ignored", traceback: null };
  return { state, error: error ?? ignored, taskId: id };
}

function textOf(end: NodeEnd): string {
  if ("value" in end) return "text" in end.value ? end.value.text : "null";
  const { exc_type, exc_message } = end.error;
  return JSON.stringify({ error: { exc_type, exc_message, task_id: end.taskId } });
}
