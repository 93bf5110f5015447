import * as z from "zod";
import {
  bindPositional,
  issuesOf,
  MissingParameter,
  paramsWithout,
  refuseSealed,
  secretsOf,
} from "./arguments.ts";
import { checkKey } from "./call-options.ts";
import type { AnyTaskDefinition, ParamsSchema } from "./definition.ts";
import {
  describeError,
  InvalidArgumentsError,
  InvalidOptionError,
  UnknownTaskError,
  type ErrorInfo,
} from "./errors.ts";
import { withArgument } from "./canvas/plan.ts";
import { isLargerThan } from "./json.ts";
import {
  isMap,
  MAP_DEFINITIONS,
  mappedDefinition,
  mappedName,
  type MapName,
  type MapParams,
} from "./mapped.ts";
import { hasSecrets, mapSecrets, type SecretPath } from "./secret-fields.ts";
import {
  isSealed,
  PLAIN_SEALER,
  REDACTED,
  secretRemover,
  textsOf,
  type SealedValue,
  type Sealer,
} from "./secrets.ts";
import { MAX_KWARGS_BYTES } from "./wire.ts";

interface Entry<Services> {
  readonly definition: AnyTaskDefinition<Services>;
  /** The params, refusing names they don't have, as a Python call would. */
  readonly strictParams: ParamsSchema;
  readonly hasSecrets: boolean;
}

/** The task definitions of a deployment, by name. */
export class Registry<Services = never> {
  readonly #entries = new Map<string, Entry<Services>>();

  readonly #sealer: Sealer;

  /** @throws InvalidOptionError when two definitions share a name */
  constructor(definitions: readonly AnyTaskDefinition<Services>[], sealer = PLAIN_SEALER) {
    this.#sealer = sealer;
    for (const definition of definitions) {
      if (this.#entries.has(definition.name)) {
        throw new InvalidOptionError("name", `'${definition.name}' is declared twice.`);
      }
      this.#entries.set(definition.name, entryOf(definition));
    }
  }

  /** The declared ones. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  find(name: string): AnyTaskDefinition<Services> | null {
    return this.#entries.get(name)?.definition ?? null;
  }

  /** @throws UnknownTaskError */
  get(name: string): AnyTaskDefinition<Services> {
    return this.#entry(name).definition;
  }

  /** What runs a stored call, a map as the task that it calls; null: nobody knows it. */
  runnerOf({
    name,
    kwargs,
  }: {
    readonly name: string;
    readonly kwargs: string;
  }): AnyTaskDefinition<Services> | null {
    if (!isMap(name)) return this.find(name);
    const inner = this.find(mappedName(kwargs));
    return inner && mappedDefinition(name, inner, (params) => this.#itemsOf(name, params));
  }

  /** @throws UnknownTaskError, InvalidArgumentsError when a map can't run */
  checkMap(name: MapName, kwargs: string): void {
    const params = this.parse(name, kwargs) as MapParams;
    const inner = params.task.task;
    const fault = isMap(inner)
      ? "is a map itself: call it in a group"
      : this.#entry(inner).hasSecrets
        ? "has secret arguments, which items can't be: call it in a group"
        : null;
    if (fault !== null) throw new InvalidArgumentsError(name, [{ path: "task", message: fault }]);
    this.#itemsOf(name, params);
  }

  /** The params of each call of a map. @throws InvalidArgumentsError for an item that doesn't fit */
  #itemsOf(name: MapName, { task: { task, args, kwargs }, it }: MapParams): unknown[] {
    let bound: (item: unknown) => string;
    if (name === "celery.starmap") {
      bound = (item) => this.bind(task, [...(item as unknown[]), ...args], kwargs);
    } else {
      const link = this.bindLink(task, args, kwargs);
      bound = (item) => withArgument(link.kwargs, link.into, JSON.stringify(item));
    }
    return it.map((item, index) => {
      try {
        return this.parse(task, bound(item));
      } catch (error) {
        if (!(error instanceof InvalidArgumentsError)) throw error;
        const at = (path: string) => `it.${index}.${path}`;
        const issues = error.issues.map(({ path, message }) => ({ path: at(path), message }));
        throw new InvalidArgumentsError(name, issues);
      }
    });
  }

  /**
   * Binds positional arguments to the params in their order, adds the named ones, checks all.
   * @returns the arguments by name as JSON text, as they were given (defaults are filled in at the run),
   *   the secret ones sealed
   * @throws UnknownTaskError, InvalidArgumentsError with one issue per argument that doesn't fit
   */
  bind(name: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): string {
    return this.#bind(this.#entry(name), args, kwargs);
  }

  /**
   * Binds the arguments of a call that gets one more later: the result before it. That goes to the first
   * required parameter that is not given by name (else to the first that isn't), as positional arguments
   * to those after it: as in Celery, where it comes before them.
   * @returns as `bind`, without that parameter; and its name
   */
  bindLink(
    name: string,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ): { kwargs: string; into: string } {
    const entry = this.#entry(name);
    const { shape } = entry.strictParams;
    const isRequired = (param: string) => !(shape[param] as z.ZodType).safeParse(undefined).success;
    const free = Object.keys(shape).filter((param) => !Object.hasOwn(kwargs, param));
    const into = free.find(isRequired) ?? free[0];
    if (into === undefined) {
      const message = "has no parameter left for the result before it: make it immutable (si)";
      throw new InvalidArgumentsError(name, [{ path: "args", message }]);
    }
    if (hasSecrets(shape[into] as z.ZodType)) {
      const message = "is secret: no result may go there";
      throw new InvalidArgumentsError(name, [{ path: into, message }]);
    }
    const { [into]: _later, ...rest } = shape;
    const strictParams = z.strictObject(rest);
    return { kwargs: this.#bind({ ...entry, strictParams }, args, kwargs), into };
  }

  /**
   * The params of a stored call, for its handler.
   * @throws InvalidArgumentsError when the declaration changed since the call was accepted
   */
  parse(name: string, kwargs: string): unknown {
    const entry = this.#entry(name);
    const plain = this.plain(name, kwargs);
    const checked = entry.strictParams.safeParse(plain);
    if (checked.success) return checked.data;
    throw new InvalidArgumentsError(name, issuesOf(entry, checked.error, plain));
  }

  /** A stored call's arguments as they were given, its secrets opened. Not to be shown. */
  plain(name: string, kwargs: string): unknown {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    const value: unknown = JSON.parse(kwargs);
    if (!hasAny) return value;
    return mapSecrets(strictParams, value, (sealed, path) =>
      isSealed(sealed) ? this.#open(name, path, sealed) : sealed,
    );
  }

  /** What a stored call failed with, as it is kept: without the secrets of the call. Never throws. */
  describe(call: { readonly name: string; readonly kwargs: string }, thrown: unknown): ErrorInfo {
    const entry = this.#entries.get(call.name);
    if (entry?.hasSecrets !== true) return describeError(thrown);
    let plain: unknown;
    try {
      plain = this.plain(call.name, call.kwargs);
    } catch {
      // They can't be opened, so nobody can have quoted them.
      return describeError(thrown);
    }
    return describeError(thrown, secretRemover(textsOf(secretsOf(entry.strictParams, plain))));
  }

  /**
   * Arguments that somebody edited as they were shown: what still reads `[secret]` is what it was.
   * @param old the stored arguments
   * @throws SecretUnreadableError for one that is kept and can't be opened
   */
  withOldSecrets(
    name: string,
    edited: Readonly<Record<string, unknown>>,
    old: string,
  ): Readonly<Record<string, unknown>> {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    if (!hasAny) return edited;
    const before = new Map<string, unknown>();
    mapSecrets(strictParams, JSON.parse(old), (value, path) => {
      before.set(path.join("\0"), value);
      return value;
    });
    return mapSecrets(strictParams, edited, (value, path) => {
      const stored = value === REDACTED ? before.get(path.join("\0")) : undefined;
      if (stored === undefined) return value;
      return isSealed(stored) ? this.#open(name, path, stored) : stored;
    }) as Readonly<Record<string, unknown>>;
  }

  #bind(
    entry: Entry<Services>,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ): string {
    const { strictParams } = entry;
    const { name } = entry.definition;
    const bound = bindPositional(name, Object.keys(strictParams.shape), args, kwargs);
    if (entry.hasSecrets) refuseSealed(name, strictParams, bound);
    const checked = strictParams.safeParse(bound);
    if (!checked.success) {
      throw new InvalidArgumentsError(name, issuesOf(entry, checked.error, bound));
    }
    const text = JSON.stringify(this.#sealed(name, bound));
    if (isLargerThan(text, MAX_KWARGS_BYTES)) {
      const message = `The arguments have more than ${MAX_KWARGS_BYTES} bytes of JSON.`;
      throw new InvalidArgumentsError(name, [{ path: "kwargs", message }]);
    }
    return text;
  }

  #sealed(name: string, bound: Readonly<Record<string, unknown>>): unknown {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    if (!hasAny) return bound;
    return mapSecrets(strictParams, bound, (value, path) => ({
      $secret: this.#sealer.seal(JSON.stringify(value), contextOf(name, path)),
    }));
  }

  #open(name: string, path: SecretPath, { $secret: sealed }: SealedValue): unknown {
    return JSON.parse(this.#sealer.open(sealed, contextOf(name, path))) as unknown;
  }

  /**
   * The key that a task's declaration gives a stored call; null: none.
   * @param missing a parameter that is not known yet, if there is one
   * @returns undefined: the key depends on that
   */
  keyOf(name: string, kwargs: string): string | null;
  keyOf(name: string, kwargs: string, missing: string | null): string | null | undefined;
  keyOf(name: string, kwargs: string, missing: string | null = null): string | null | undefined {
    const { definition, strictParams } = this.#entry(name);
    if (definition.keyOf === null) return null;
    if (missing === null) return keyText(definition.keyOf(this.parse(name, kwargs)));
    const params = paramsWithout(strictParams, this.plain(name, kwargs), missing);
    try {
      return keyText(definition.keyOf(params));
    } catch (error) {
      if (error instanceof MissingParameter) return undefined;
      throw error;
    }
  }

  #entry(name: string): Entry<Services> {
    const entry = this.#entries.get(name) ?? (MAP_ENTRIES.get(name) as Entry<Services> | undefined);
    if (entry === undefined) throw new UnknownTaskError(name);
    return entry;
  }
}

function keyText(key: string | number | null): string | null {
  return key === null ? null : checkKey(String(key));
}

function entryOf<Services>(definition: AnyTaskDefinition<Services>): Entry<Services> {
  const params = definition.params as ParamsSchema;
  return { definition, strictParams: params.strict(), hasSecrets: hasSecrets(params) };
}

const MAP_ENTRIES = new Map(MAP_DEFINITIONS.map((each) => [each.name, entryOf(each)]));

/** A sealed secret is for one place. As JSON: no two places are written alike. */
function contextOf(name: string, path: SecretPath): string {
  return JSON.stringify([name, ...path]);
}
