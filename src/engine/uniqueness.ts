import { InvalidOptionError } from "./errors.ts";
import { canonicalJson } from "./json.ts";
import type { UniqueRule } from "./wire.ts";

/** A hundred years, in seconds. */
const MAX_SECONDS = 100 * 365 * 86_400;

/**
 * What happens to a call whose key is taken. `first`: nothing, it is answered with the task that is
 * there. `replace`: that task takes the new arguments, options and due time, if no attempt of it has
 * begun; else the call becomes a task of its own, which takes the key over.
 */
export type Keep = "first" | "replace";

/** How the calls of a task are kept apart; see `TaskDeclaration.unique`. */
export interface UniqueOptions<Params> {
  /** What makes two calls the same, 1 to 200 characters. Default: their arguments, as they were given. */
  readonly key?: (params: Params) => string | number;
  /** Taken for this long after the submit, ended or not. Default: until the task has ended. */
  readonly forSeconds?: number;
  /** Default `first`. */
  readonly keep?: Keep;
  /** Whose calls may be the same: those of one owner (default), or of everybody. */
  readonly scope?: "owner" | "deployment";
}

/** As `UniqueOptions`, of one call; what it leaves out is as declared. */
export interface UniqueCall {
  readonly key?: string;
  readonly forSeconds?: number;
  readonly keep?: Keep;
}

/** Options that a declaration and a call share; seconds. */
export interface PaceOptions {
  /** At most one task is accepted per this time; further calls are answered with it. */
  readonly throttleSeconds?: number;
  /** A call runs this long after the last one like it; the newest arguments win. */
  readonly debounceSeconds?: number;
  /** But not later than this after the first of them. Default: no matter how late. */
  readonly debounceMaxSeconds?: number;
}

/** What a declaration says of uniqueness. */
export interface DeclaredUniqueness<Params> extends PaceOptions {
  readonly unique: boolean | UniqueOptions<Params>;
}

/** A call, as far as it matters here. */
interface Call {
  readonly name: string;
  readonly owner: string;
  /** The arguments as they were given, opened: what is sealed is never twice the same. */
  readonly args: () => unknown;
  /** Whom or what it is for. */
  readonly key: string | null;
  /** The arguments as the declaration's key function takes them. */
  readonly params: () => unknown;
}

/** A rule whose key is yet to be derived from what it stands for. */
export interface UniquePlan {
  /** JSON text: two calls with equal ones are the same. */
  readonly scope: string;
  readonly rule: Omit<UniqueRule, "key">;
}

/**
 * Checks what a declaration says of uniqueness.
 * @returns null if it says nothing
 * @throws InvalidOptionError naming the option
 */
export function declaredUniqueness<Params>(
  declaration: PaceOptions & { readonly unique?: boolean | UniqueOptions<Params> },
): DeclaredUniqueness<Params> | null {
  const { unique = false, throttleSeconds, debounceSeconds, debounceMaxSeconds } = declaration;
  const declared = {
    unique,
    ...(throttleSeconds !== undefined && { throttleSeconds }),
    ...(debounceSeconds !== undefined && { debounceSeconds }),
    ...(debounceMaxSeconds !== undefined && { debounceMaxSeconds }),
  };
  const isPlain = unique === false && Object.keys(declared).length === 1;
  if (isPlain) return null;
  ruleOf(unique === true ? {} : unique, declared);
  return declared;
}

/**
 * How one call is to be kept apart from others; null: it is not.
 * @throws InvalidOptionError naming the option
 */
export function uniquePlan(
  declared: DeclaredUniqueness<never> | null,
  options: PaceOptions & { readonly unique?: boolean | UniqueCall },
  call: Call,
): UniquePlan | null {
  const given = options.unique;
  const base = typeof declared?.unique === "object" ? declared.unique : {};
  const isUnique = given === undefined ? (declared?.unique ?? false) !== false : given !== false;
  const { key, ...own } = typeof given === "object" ? given : {};
  const unique = isUnique && { ...base, ...own };
  const pace = paceOf(declared, options);
  if (unique === false && pace === null) return null;
  const owner = base.scope === "deployment" ? null : call.owner;
  const basis = key ?? (isUnique ? declaredKey(base, call) : null);
  const scope = JSON.stringify(["unique", owner, call.name, ...basisOf(basis, isUnique, call)]);
  return { scope, rule: ruleOf(unique, pace ?? {}) };
}

/** A call's own pace, or the declared one. */
function paceOf(declared: PaceOptions | null, options: PaceOptions): PaceOptions | null {
  const isOwn = [options.throttleSeconds, options.debounceSeconds, options.debounceMaxSeconds].some(
    (seconds) => seconds !== undefined,
  );
  const pace = isOwn ? options : declared;
  const isPaced = [pace?.throttleSeconds, pace?.debounceSeconds, pace?.debounceMaxSeconds].some(
    (seconds) => seconds !== undefined,
  );
  return isPaced ? pace : null;
}

function declaredKey(base: UniqueOptions<never>, call: Call): string | null {
  return base.key === undefined ? null : String(base.key(call.params() as never));
}

/** What two calls must have in common: a key, the arguments, or (paced only) whom they are for. */
function basisOf(key: string | null, isUnique: boolean, call: Call): [string, unknown] {
  if (key !== null) {
    if (!/^[^\n\0]{1,200}$/.test(key)) {
      throw new InvalidOptionError(
        "unique.key",
        "must be 1 to 200 characters without a line break.",
      );
    }
    return ["key", key];
  }
  return isUnique ? ["args", canonicalJson(call.args())] : ["all", call.key];
}

/** The rule that the options come to; `unique` false: only the pace counts. */
function ruleOf(
  unique: UniqueCall | UniqueOptions<never> | false,
  pace: PaceOptions,
): Omit<UniqueRule, "key"> {
  const { forSeconds, keep } = unique === false ? {} : unique;
  const { throttleSeconds, debounceSeconds, debounceMaxSeconds } = pace;
  checkPeriod("unique.forSeconds", forSeconds);
  checkPeriod("throttleSeconds", throttleSeconds);
  checkPeriod("debounceSeconds", debounceSeconds);
  checkPeriod("debounceMaxSeconds", debounceMaxSeconds);
  if (debounceSeconds === undefined) {
    if (debounceMaxSeconds !== undefined) refuse("debounceMaxSeconds", "needs a debounce.");
    if (throttleSeconds !== undefined && forSeconds !== undefined) {
      refuse(
        "throttleSeconds",
        "can't be given together with a time of unique: they are the same.",
      );
    }
    if (throttleSeconds !== undefined && keep === "replace") {
      refuse("throttleSeconds", "keeps the first call: it can't be given together with replace.");
    }
    const seconds = forSeconds ?? throttleSeconds ?? 0;
    return {
      keep: keep ?? "first",
      holdMs: Math.round(seconds * 1_000),
      isHeldOpen: unique !== false && forSeconds === undefined,
      debounce: null,
    };
  }
  if (throttleSeconds !== undefined || forSeconds !== undefined || keep === "first") {
    refuse("debounceSeconds", "keeps the newest call while it waits: it takes no other rule.");
  }
  if (debounceMaxSeconds !== undefined && debounceMaxSeconds < debounceSeconds) {
    refuse("debounceMaxSeconds", "is less than the debounce.");
  }
  const maxMs = debounceMaxSeconds === undefined ? null : Math.round(debounceMaxSeconds * 1_000);
  const debounce = { waitMs: Math.round(debounceSeconds * 1_000), maxMs };
  return { keep: "replace", holdMs: 0, isHeldOpen: true, debounce };
}

function checkPeriod(field: string, seconds: number | undefined): void {
  if (seconds === undefined || (seconds > 0 && seconds <= MAX_SECONDS)) return;
  refuse(field, `${seconds} is not a number of seconds above 0 and up to a hundred years.`);
}

function refuse(field: string, message: string): never {
  throw new InvalidOptionError(field, message);
}
