import * as z from "zod";
import { createTaskDefiner, Ignore, type AnySignature, type TerminalState } from "#engine";
import type { World } from "../../src/testing/world.ts";

/*
 * Random canvases, and what has to come of them by the rules of the documentation: a plain recursion, which
 * shares nothing with the code that runs them. Every task has a label of its own.
 */

export interface Services {
  readonly world: Pick<World, "sleep">;
}
const define = createTaskDefiner<Services>();
const label = z.string();

class Flaky extends Error {}

/** Gives its label, and what it got before it. */
const work = define({
  name: "work",
  params: z.object({ input: z.unknown().optional(), label, tries: z.number(), ms: z.number() }),
  autoretryFor: [Flaky],
  maxRetries: 5,
  defaultRetryDelaySeconds: 1,
  handler: async ({ input, label: own, tries, ms }, ctx) => {
    await ctx.services.world.sleep(ms);
    if (ctx.retries < tries) throw new Flaky("once more");
    return input === undefined ? own : [own, input];
  },
});
const fail = define({
  name: "fail",
  params: z.object({ input: z.unknown().optional(), label }),
  handler: ({ label: own }) => {
    throw new TypeError(own);
  },
});
const ignored = define({
  name: "ignored",
  params: z.object({ input: z.unknown().optional(), label }),
  handler: () => {
    throw new Ignore();
  },
});
/** Callbacks and undos. */
const note = define({
  name: "note",
  params: z.object({ input: z.unknown(), label }),
  handler: ({ input }) => input,
});
export const canvasTasks = [work, fail, ignored, note];

type Leaf = {
  readonly kind: "work" | "fail" | "ignored";
  readonly label: string;
  readonly tries: number;
  readonly ms: number;
  readonly isImmutable: boolean;
  readonly undo: string | null;
};
type Inner =
  | { readonly kind: "chain"; readonly members: readonly Node[] }
  | { readonly kind: "group"; readonly members: readonly Node[]; readonly collects: boolean }
  | {
      readonly kind: "chord";
      readonly members: readonly Node[];
      readonly collects: boolean;
      readonly body: Node;
    };
export type Node = (Leaf | Inner) & {
  readonly link: string | null;
  readonly errback: string | null;
};

function isLeaf(node: Node): node is Node & Leaf {
  return node.kind === "work" || node.kind === "fail" || node.kind === "ignored";
}

/**
 * Draws a canvas.
 * @param failing how often a task is one that fails
 * @param prefix begins all labels
 */
export function drawCanvas(world: World, depth: number, failing: number, prefix = ""): Node {
  let count = 0;
  const next = (kind: string) => `${prefix}${kind}${(count += 1)}`;
  const draw = (levels: number): Node => {
    const callbacks = {
      link: world.chance(0.1) ? next("link") : null,
      errback: world.chance(0.2) ? next("errback") : null,
    };
    const kind = levels <= 1 || count > 60 ? 0 : world.between(0, 4);
    if (kind <= 1) {
      const isBad = world.chance(failing);
      return {
        kind: isBad ? (world.chance(0.8) ? "fail" : "ignored") : "work",
        label: next("task"),
        tries: world.chance(0.1) ? world.between(1, 2) : 0,
        ms: world.between(0, 40),
        isImmutable: world.chance(0.2),
        undo: world.chance(0.25) ? next("undo") : null,
        ...callbacks,
      };
    }
    const members = Array.from({ length: world.between(0, 4) }, () => draw(levels - 1));
    if (kind === 2) return { kind: "chain", members, ...callbacks };
    const collects = world.chance(0.2);
    if (kind === 3) return { kind: "group", members, collects, ...callbacks };
    return { kind: "chord", members, collects, body: draw(levels - 1), ...callbacks };
  };
  for (;;) {
    const root = draw(depth);
    if (!isLeaf(root)) return root;
  }
}

/** A chord of so many tasks that do well, and a body. */
export function wideChord(world: World, size: number, prefix: string): Node {
  const leaf = (own: string): Node => ({
    ...{ kind: "work", label: `${prefix}${own}`, tries: 0, ms: world.between(0, 40) },
    ...{ isImmutable: false, undo: null, link: null, errback: null },
  });
  const members = Array.from({ length: size }, (_, index) => leaf(`member${index}`));
  return {
    ...{ kind: "chord", members, collects: false, body: leaf("body") },
    ...{ link: null, errback: null },
  };
}

const named = (name: string, kwargs: Record<string, unknown>, immutable = false): AnySignature => ({
  task: name,
  args: [],
  kwargs,
  options: {},
  subtask_type: null,
  immutable,
});

/** The canvas as its caller would write it. */
export function toSignature(node: Node): AnySignature {
  const options = {
    ...(node.link !== null && { link: [named("note", { label: node.link })] }),
    ...(node.errback !== null && { linkError: [named("note", { label: node.errback })] }),
  };
  if (isLeaf(node)) {
    const { kind, label: own, tries, ms, isImmutable, undo } = node;
    const kwargs = { label: own, ...(kind === "work" && { tries, ms }) };
    const undone = undo === null ? {} : { undo: named("note", { label: undo }) };
    return { ...named(kind, kwargs, isImmutable), options: { ...options, ...undone } };
  }
  const tasks = node.members.map(toSignature);
  const errors = "collects" in node && node.collects ? { errors: "collect" as const } : {};
  const kwargs =
    node.kind === "chord" ? { header: tasks, body: toSignature(node.body) } : { tasks };
  return {
    ...named(`celery.${node.kind}`, kwargs),
    options: { ...options, ...errors },
    subtask_type: node.kind,
  };
}

type End = { readonly value: unknown } | { readonly failed: Exclude<TerminalState, "SUCCESS"> };

/** What has to come of a canvas. */
export interface Expected {
  readonly end: End;
  /** The end of each of its tasks, of the callbacks that are called, and of the undos that are run. */
  readonly states: ReadonlyMap<string, TerminalState>;
  /** What callbacks that are called for a success got. */
  readonly inputs: ReadonlyMap<string, unknown>;
  /** The undos in the order in which they have to run, by the chain that runs them. */
  readonly undos: readonly (readonly string[])[];
}

const NONE = Symbol("no input");

export function evaluate(root: Node): Expected {
  const states = new Map<string, TerminalState>();
  const inputs = new Map<string, unknown>();
  const undos: string[][] = [];

  /** `done`: finished tasks that can be undone, the first at the front; those of a chain that failed leave it. */
  const end = (node: Node, input: unknown, done: [string, unknown][]): End => {
    const result = inner(node, input, done);
    callBack(node, result);
    return result;
  };
  const callBack = (node: Node, result: End) => {
    if ("value" in result && node.link !== null) {
      states.set(node.link, "SUCCESS");
      inputs.set(node.link, result.value);
    }
    if ("failed" in result && result.failed === "FAILURE" && node.errback !== null) {
      states.set(node.errback, "SUCCESS");
    }
  };
  const drop = (node: Node, state: "REVOKED" | "FAILURE") => {
    callBack(node, { failed: state });
    if (isLeaf(node)) {
      states.set(node.label, state);
      return;
    }
    for (const member of node.members) drop(member, "REVOKED");
    if (node.kind === "chord") drop(node.body, "REVOKED");
  };
  const chain = (
    links: readonly { readonly node: Node; readonly isHeader?: boolean }[],
    input: unknown,
    done: [string, unknown][],
  ): End => {
    const own: [string, unknown][] = [];
    let value = input;
    for (const [index, { node, isHeader }] of links.entries()) {
      const result = isHeader === true ? group(node, value, own) : end(node, value, own);
      if ("failed" in result) {
        const isChord = node.kind === "group" || isHeader === true;
        for (const [behind, link] of links.slice(index + 1).entries()) {
          const isBody = behind === 0 && isChord && result.failed === "FAILURE";
          drop(link.node, isBody ? "FAILURE" : "REVOKED");
        }
        if (own.length > 0) undos.push(own.toReversed().map(([undo]) => undo));
        for (const [undo, given] of own) {
          states.set(undo, "SUCCESS");
          inputs.set(undo, given);
        }
        return result;
      }
      ({ value } = result);
    }
    done.push(...own);
    return { value: value === NONE ? null : value };
  };
  const group = (node: Node, input: unknown, done: [string, unknown][]): End => {
    if (isLeaf(node)) throw new Error("no group");
    const results = node.members.map((member) => end(member, input, done));
    const collects = "collects" in node && node.collects;
    if (!collects && results.some((result) => "failed" in result)) return { failed: "FAILURE" };
    return { value: results.map((result) => ("value" in result ? result.value : "an error")) };
  };
  const inner = (node: Node, input: unknown, done: [string, unknown][]): End => {
    if (node.kind === "chain")
      return chain(
        node.members.map((each) => ({ node: each })),
        input,
        done,
      );
    if (node.kind === "group") return group(node, input, done);
    if (node.kind === "chord")
      return chain([{ node, isHeader: true }, { node: node.body }], input, done);
    if (!isLeaf(node)) throw new Error("no task");
    if (node.kind !== "work") {
      const failed = node.kind === "fail" ? "FAILURE" : "IGNORED";
      states.set(node.label, failed);
      return { failed };
    }
    states.set(node.label, "SUCCESS");
    const value = input === NONE || node.isImmutable ? node.label : [node.label, input];
    if (node.undo !== null) done.push([node.undo, value]);
    return { value };
  };
  const whole = end(root, NONE, []);
  return { end: whole, states, inputs, undos };
}
