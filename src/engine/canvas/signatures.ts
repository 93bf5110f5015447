import { InvalidOptionError } from "../errors.ts";
import type { CallOptions, Signature } from "../signature.ts";

/** Any signature, whatever it gives, takes and lacks. */
export type AnySignature = Signature<unknown, never, unknown>;

export type SignatureResult<Call> =
  Call extends Signature<infer Result, infer _T, infer _L> ? Result : never;
type Takes<Call> = Call extends Signature<infer _R, infer Taken, infer _L> ? Taken : never;
type Lacks<Call> = Call extends Signature<infer _R, infer _T, infer Lacking> ? Lacking : never;

/** What a link is declared to be when the result before it doesn't fit. */
interface Misfit<Given, Taken> {
  readonly "the link before it gives": Given;
  readonly "but this one takes": Taken;
}

/** The links of a chain, each checked against the result of the one before. */
type Fitting<Links extends readonly unknown[], Given> = Links extends readonly [
  infer Link,
  ...infer Rest,
]
  ? [
      [Given] extends [Takes<Link>] ? Link : Misfit<Given, Takes<Link>>,
      ...Fitting<Rest, SignatureResult<Link>>,
    ]
  : [];

type Results<Members extends readonly unknown[]> = {
  -readonly [Index in keyof Members]: SignatureResult<Members[Index]>;
};

type Last<Links extends readonly unknown[]> = Links extends readonly [...infer _Before, infer Link]
  ? Link
  : never;

type AllTake<Members extends readonly unknown[]> = Members extends readonly [
  infer Member,
  ...infer Rest,
]
  ? Takes<Member> & AllTake<Rest>
  : unknown;

/** Options of a canvas: those of a call hold for all its members that have none of their own. */
export type CanvasOptions = Omit<
  CallOptions,
  "undo" | "unique" | "throttleSeconds" | "debounceSeconds"
>;

/**
 * One after the other: each link gets the result of the one before as its first argument (as the first
 * parameter that is required and not given), unless it is immutable.
 */
export function chain<const First extends AnySignature, const Rest extends readonly AnySignature[]>(
  first: First,
  ...rest: Rest & Fitting<Rest, SignatureResult<First>>
): Signature<SignatureResult<Last<[First, ...Rest]>>, Takes<First>, Lacks<First>> {
  return composite("chain", { tasks: [first, ...rest] });
}

/** All at once: its result is the list of theirs, in the order in which they are given here. */
export function group<const Members extends readonly AnySignature[]>(
  ...members: Members
): Signature<Results<Members>, AllTake<Members>, Lacks<Members[number]>> {
  return composite("group", { tasks: members });
}

/** A group, and a body that gets the list of its results when all have ended. */
export function chord<
  const Header extends readonly AnySignature[],
  const Body extends AnySignature,
>(
  header: Header | Signature<Results<Header>, AllTake<Header>, Lacks<Header[number]>>,
  body: Body & Fitting<[Body], Results<Header>>[0],
): Signature<SignatureResult<Body>, AllTake<Header>, Lacks<Header[number]>> {
  const tasks = "task" in header ? header.kwargs["tasks"] : header;
  return composite("chord", { header: tasks, body });
}

/** One task that calls another for each item, in one attempt: its result is the list of theirs. */
export function map<Result, Taken, Lacking>(
  task: Signature<Result, Taken, Lacking>,
  items: readonly Taken[],
): Signature<Result[]> {
  return composite("map", { task, it: items });
}

/** The same with a list of positional arguments for each call. */
export function starmap<Result>(
  task: Signature<Result, never, unknown>,
  items: readonly (readonly unknown[])[],
): Signature<Result[]> {
  return composite("starmap", { task, it: items });
}

/** A group of such tasks, each for `size` of the calls: its result is the list of their lists. */
export function chunks<Result>(
  task: Signature<Result, never, unknown>,
  items: readonly (readonly unknown[])[],
  size: number,
): Signature<Result[][]> {
  if (!Number.isInteger(size) || size < 1) {
    throw new InvalidOptionError("n", `${size} is no number of calls from 1 on.`);
  }
  return composite("chunks", { task, it: items, n: size });
}

/** A signature with other options: those given here come first. */
export function withOptions<Call extends AnySignature>(call: Call, options: CallOptions): Call {
  return { ...call, options: { ...call.options, ...options } };
}

/** A signature with labels (Celery's stamps) on it, and so on all its members. */
export function stamp<Call extends AnySignature>(
  call: Call,
  labels: Readonly<Record<string, string>>,
): Call {
  return withOptions(call, { labels: { ...call.options.labels, ...labels } });
}

function composite<Result, Taken, Lacking>(
  kind: "chain" | "group" | "chord" | "map" | "starmap" | "chunks",
  kwargs: Readonly<Record<string, unknown>>,
): Signature<Result, Taken, Lacking> {
  const isCanvas = kind === "chain" || kind === "group" || kind === "chord";
  return {
    task: `celery.${kind}`,
    args: [],
    kwargs,
    options: {},
    subtask_type: isCanvas ? kind : null,
    immutable: !isCanvas,
  };
}
