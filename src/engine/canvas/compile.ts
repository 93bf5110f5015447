import { checkKey, dueTime, expiryTime, runOptions } from "../call-options.ts";
import { checkInteger, MAX_PRIORITY, MAX_TIME_LIMIT_SECONDS } from "../checks.ts";
import { InvalidOptionError, UnknownTaskError } from "../errors.ts";
import { isLargerThan } from "../json.ts";
import { isMap, mappedName } from "../mapped.ts";
import type { Registry } from "../registry.ts";
import { queueNamed, type Route } from "../routing.ts";
import type { CallOptions, SignatureOptions } from "../signature.ts";
import { mayBeUnique } from "../unique-calls.ts";
import { MAX_LINKS_BYTES } from "../wire.ts";
import { CanvasBudget, checkDepth } from "./budget.ts";
import {
  at,
  bodyOf,
  chunksOf,
  inherited,
  isCanvas,
  mapOf,
  membersOf,
  optionsOfMembers,
  timesOf,
  withoutTimes,
} from "./parts.ts";
import type { Callback, MembersNode, Plan, PlanNode, PlannedCall } from "./plan.ts";
import type { AnySignature } from "./signatures.ts";

const NOTHING_DECLARED = {
  softTimeLimitSeconds: null,
  timeLimitSeconds: MAX_TIME_LIMIT_SECONDS,
  resultExpiresSeconds: null,
};
/** Callbacks of one kind of one call. */
const MAX_LINKS = 10;

/** What a compiler needs to know of its deployment. */
export interface CompilerParts {
  readonly registry: Registry<never>;
  readonly queues: ReadonlySet<string>;
  readonly routeOf: (name: string) => Route;
  readonly now: number;
  /** Makes the id of a callback: in the shard of what it is called for. */
  readonly mint: () => string;
}

/** What a member gets from those it is part of. */
interface Surroundings {
  readonly options: SignatureOptions;
  /** Arguments that come before its own. */
  readonly args: readonly unknown[];
  /** A result will be passed to it. */
  readonly takes: boolean;
  readonly depth: number;
}

/**
 * Compiles signatures: checks all of them, resolves queues and options, binds their arguments, and puts
 * their members into a plan. Nothing else is ever checked: what is compiled can run.
 */
export class Compiler {
  readonly #parts: CompilerParts;
  readonly #budget = new CanvasBudget();

  constructor(parts: CompilerParts) {
    this.#parts = parts;
  }

  /**
   * @param takes a result will be passed to it when it starts
   * @throws InvalidSignatureError with the path to what is at fault
   */
  plan(call: AnySignature, takes: boolean): Plan {
    const nodes: PlanNode[] = [];
    this.#add(nodes, -1, call, { options: {}, args: [], takes, depth: 1 });
    return { nodes };
  }

  /** A canvas that is called by itself: it may have a deadline. */
  calledPlan(call: AnySignature): Plan {
    const { expires: _deadline, ...options } = call.options;
    return this.plan({ ...call, options }, false);
  }

  /** One call, without a canvas. */
  call(given: AnySignature, takes: boolean): PlannedCall {
    const call = isMap(given.task) ? mapOf(given) : given;
    if (call.options.undo !== undefined) {
      throw new InvalidOptionError("undo", "is for links of a chain.");
    }
    return this.#call(call, call.options, call.args, takes);
  }

  #add(nodes: PlanNode[], parent: number, call: AnySignature, around: Surroundings): void {
    checkDepth(around.depth);
    const isImmutable = call.immutable || isMap(call.task);
    const args = isImmutable ? call.args : [...around.args, ...call.args];
    const takes = around.takes && !isImmutable;
    switch (call.task) {
      case "celery.chain":
        this.#addChain(nodes, parent, call, membersOf(call, "tasks"), { ...around, args, takes });
        return;
      case "celery.group":
        this.#addGroup(nodes, parent, call, membersOf(call, "tasks"), { ...around, args, takes });
        return;
      case "celery.chord": {
        const { options, ...same } = call;
        // The chord's own arguments are its header's already: `args` above.
        const header: AnySignature = {
          ...same,
          task: "celery.group",
          args: [],
          immutable: false,
          kwargs: { tasks: membersOf(call, "header") },
          options: options.errors === undefined ? {} : { errors: options.errors },
        };
        const { errors: _ofHeader, ...own } = options;
        const links = [header, bodyOf(call)];
        const chord = { ...same, options: own };
        this.#addChain(nodes, parent, chord, links, { ...around, args, takes }, ["header", "body"]);
        return;
      }
      case "celery.chunks":
        this.#addGroup(nodes, parent, call, chunksOf(call), { ...around, args: [], takes: false });
        return;
      default:
        this.#addTask(nodes, parent, call, { ...around, args, takes });
    }
  }

  #addTask(nodes: PlanNode[], parent: number, given: AnySignature, around: Surroundings): void {
    this.#budget.count();
    const call = isMap(given.task) ? mapOf(given) : given;
    const options = inherited(around.options, call.options);
    refuseUnique(this.#parts.registry, call.task, options);
    const planned = this.#call(call, options, around.args, around.takes);
    const place = nodes.push({ kind: "task", parent, call: planned }) - 1;
    const { undo } = call.options;
    if (undo === undefined) return;
    this.#budget.count();
    if (isCanvas(undo)) throw new InvalidOptionError("undo", "is one task.");
    const back = inherited(withoutTimes(around.options), undo.options);
    const undoing = at("undo", () => this.#call(undo, back, undo.args, !undo.immutable));
    nodes.push({ kind: "undo", parent: place, call: undoing });
  }

  #addChain(
    nodes: PlanNode[],
    parent: number,
    call: AnySignature,
    links: readonly AnySignature[],
    around: Surroundings,
    names: readonly string[] = [],
  ): void {
    const isChord = call.task === "celery.chord";
    if (call.options.errors !== undefined) {
      throw new InvalidOptionError("errors", "is for groups and chords.");
    }
    this.#budget.count();
    const place =
      nodes.push({
        kind: "chain",
        parent,
        ...this.#callbacks(call.options),
        ...(isChord && { is_chord: true }),
        ...(parent < 0 && wholeOptions(call.options)),
      }) - 1;
    const first = inherited(around.options, optionsOfMembers(call.options));
    const later = withoutTimes(first);
    for (const [index, link] of links.entries()) {
      const next = index === 0 ? around : { ...around, args: [], takes: true };
      const options = index === 0 ? first : later;
      at(names[index] ?? `tasks.${index}`, () => {
        this.#add(nodes, place, link, { ...next, options, depth: around.depth + 1 });
      });
    }
  }

  #addGroup(
    nodes: PlanNode[],
    parent: number,
    call: AnySignature,
    members: readonly AnySignature[],
    around: Surroundings,
  ): void {
    this.#budget.count();
    const { errors } = call.options;
    const place =
      nodes.push({
        kind: "group",
        parent,
        ...this.#callbacks(call.options),
        ...(errors === "collect" && { collects_errors: true }),
        ...(parent < 0 && wholeOptions(call.options)),
      }) - 1;
    const options = inherited(around.options, optionsOfMembers(call.options));
    for (const [index, member] of members.entries()) {
      at(`tasks.${index}`, () => {
        this.#add(nodes, place, member, { ...around, options, depth: around.depth + 1 });
      });
    }
  }

  #callbacks({ link, linkError }: SignatureOptions): {
    link?: readonly Callback[];
    link_error?: readonly Callback[];
  } {
    return {
      ...(link !== undefined && link.length > 0 && { link: this.#links("link", link) }),
      ...(linkError !== undefined &&
        linkError.length > 0 && { link_error: this.#links("linkError", linkError) }),
    };
  }

  #links(field: "link" | "linkError", calls: readonly AnySignature[]): Callback[] {
    if (calls.length > MAX_LINKS) {
      throw new InvalidOptionError(field, `takes at most ${MAX_LINKS} signatures.`);
    }
    const callbacks = calls.map((call, index) =>
      at(`${field}.${index}`, () => ({
        id: this.#parts.mint(),
        plan: this.plan(call, !call.immutable),
      })),
    );
    const text = JSON.stringify(callbacks);
    if (isLargerThan(text, MAX_LINKS_BYTES)) {
      throw new InvalidOptionError(field, `may have ${MAX_LINKS_BYTES} bytes of JSON.`);
    }
    this.#budget.grow(text.length);
    return callbacks;
  }

  #call(
    call: AnySignature,
    options: SignatureOptions,
    args: readonly unknown[],
    takes: boolean,
  ): PlannedCall {
    const { registry, routeOf, now } = this.#parts;
    if (options.errors !== undefined) throw new InvalidOptionError("errors", "is for groups.");
    const bound =
      takes && !call.immutable
        ? registry.bindLink(call.task, args, call.kwargs)
        : { kwargs: registry.bind(call.task, args, call.kwargs), into: null };
    this.#budget.grow(bound.kwargs.length);
    if (isMap(call.task)) registry.checkMap(call.task, bound.kwargs);
    const definition = registry.runnerOf({ name: call.task, kwargs: bound.kwargs });
    if (definition === null) throw new UnknownTaskError(call.task);
    // As in Celery a map goes where the task goes that it calls.
    const route = routeOf(isMap(call.task) ? mappedName(bound.kwargs) : call.task);
    const priority = options.priority ?? definition.priority ?? route.priority ?? 0;
    const key = options.key ?? registry.keyOf(call.task, bound.kwargs, bound.into);
    // Refuses what can't be; the times count from the release.
    expiryTime(options, now, dueTime(options, now));
    return {
      name: definition.name,
      queue: this.queue(options.queue ?? definition.queue ?? route.queue ?? "default"),
      priority: checkInteger("priority", priority, 0, MAX_PRIORITY),
      ...bound,
      ...(key !== undefined && { key: checkKey(key) }),
      ...timesOf(options),
      options: { ...runOptions(options, definition), ...this.#callbacks(options) },
    };
  }

  queue(name: string): string {
    const { queues } = this.#parts;
    const queue = queueNamed(queues, name);
    if (queue !== null) return queue;
    throw new InvalidOptionError("queue", `'${name}' is none of ${[...queues].join(", ")}.`);
  }
}

/** What holds for a canvas as a whole, besides its members. */
function wholeOptions(options: SignatureOptions): Pick<MembersNode, "options"> {
  const { ignoreResult, labels, resultExpires } = options;
  const own = runOptions(
    {
      ...(ignoreResult !== undefined && { ignoreResult }),
      ...(labels !== undefined && { labels }),
      ...(resultExpires !== undefined && { resultExpires }),
    },
    NOTHING_DECLARED,
  );
  return Object.keys(own).length === 0 ? {} : { options: own };
}

/** @throws InvalidOptionError for a member that would be decided over in another shard */
function refuseUnique(registry: Registry<never>, name: string, options: CallOptions): void {
  if (options.unique === false || !mayBeUnique(registry.get(name).uniqueness, options)) return;
  throw new InvalidOptionError(
    "unique",
    `'${name}' can't be unique as a member of a canvas: it might become one with another's. Call it with unique: false.`,
  );
}
