import type { z } from "zod";
import type { AnyTaskDefinition, ParamsSchema } from "./definition.ts";
import { InvalidArgumentsError, InvalidOptionError, UnknownTaskError } from "./errors.ts";
import { isLargerThan } from "./json.ts";
import {
  hasSecrets,
  isSealed,
  mapSecrets,
  PLAIN_SEALER,
  REDACTED,
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
      const params = definition.params as ParamsSchema;
      this.#entries.set(definition.name, {
        definition,
        strictParams: params.strict(),
        hasSecrets: hasSecrets(params),
      });
    }
  }

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

  /**
   * Binds positional arguments to the params in their order, adds the named ones, checks all.
   * @returns the arguments by name as JSON text, as they were given (defaults are filled in at the run),
   *   the secret ones sealed
   * @throws UnknownTaskError, InvalidArgumentsError with one issue per argument that doesn't fit
   */
  bind(name: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): string {
    const { strictParams } = this.#entry(name);
    const bound = bindPositional(name, Object.keys(strictParams.shape), args, kwargs);
    const checked = strictParams.safeParse(bound);
    if (!checked.success) throw new InvalidArgumentsError(name, issuesOf(checked.error));
    const text = JSON.stringify(this.#sealed(name, bound));
    if (isLargerThan(text, MAX_KWARGS_BYTES)) {
      throw new InvalidArgumentsError(name, [
        {
          path: "kwargs",
          message: `The arguments have more than ${MAX_KWARGS_BYTES} bytes of JSON.`,
        },
      ]);
    }
    return text;
  }

  /**
   * The params of a stored call, for its handler.
   * @throws InvalidArgumentsError when the declaration changed since the call was accepted
   */
  parse(name: string, kwargs: string): unknown {
    const checked = this.#entry(name).strictParams.safeParse(this.plain(name, kwargs));
    if (!checked.success) throw new InvalidArgumentsError(name, issuesOf(checked.error));
    return checked.data;
  }

  /** A stored call's arguments as they were given, its secrets opened. Not to be shown. */
  plain(name: string, kwargs: string): unknown {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    const value: unknown = JSON.parse(kwargs);
    if (!hasAny) return value;
    return mapSecrets(strictParams, value, (sealed, path) =>
      isSealed(sealed)
        ? (JSON.parse(this.#sealer.open(sealed.$secret, `${name}${path}`)) as unknown)
        : sealed,
    );
  }

  /** The texts among the secrets of a stored call: what must not stand in an error. */
  secretTexts(name: string, kwargs: string): string[] {
    const entry = this.#entries.get(name);
    if (entry?.hasSecrets !== true) return [];
    const texts: string[] = [];
    mapSecrets(entry.strictParams, this.plain(name, kwargs), (value) => {
      texts.push(typeof value === "string" ? value : JSON.stringify(value));
      return value;
    });
    return texts;
  }

  /**
   * Arguments that somebody edited as they were shown: what still reads `[secret]` is what it was.
   * @param old the stored arguments
   */
  withOldSecrets(
    name: string,
    edited: Readonly<Record<string, unknown>>,
    old: string,
  ): Readonly<Record<string, unknown>> {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    if (!hasAny) return edited;
    const before = new Map<string, unknown>();
    mapSecrets(strictParams, this.plain(name, old), (value, path) => {
      before.set(path, value);
      return value;
    });
    return mapSecrets(strictParams, edited, (value, path) =>
      value === REDACTED && before.has(path) ? before.get(path) : value,
    ) as Readonly<Record<string, unknown>>;
  }

  #sealed(name: string, bound: Readonly<Record<string, unknown>>): unknown {
    const { strictParams, hasSecrets: hasAny } = this.#entry(name);
    if (!hasAny) return bound;
    return mapSecrets(strictParams, bound, (value, path) => ({
      $secret: this.#sealer.seal(JSON.stringify(value), `${name}${path}`),
    }));
  }

  /** The key that a task's declaration gives a stored call; null: none. */
  keyOf(name: string, kwargs: string): string | null {
    const { definition } = this.#entry(name);
    if (definition.keyOf === null) return null;
    const key = definition.keyOf(this.parse(name, kwargs));
    return key === null ? null : String(key);
  }

  #entry(name: string): Entry<Services> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new UnknownTaskError(name);
    return entry;
  }
}

function bindPositional(
  name: string,
  params: readonly string[],
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (args.length > params.length) {
    throw new InvalidArgumentsError(name, [
      {
        path: "args",
        message: `takes ${params.length} positional arguments but ${args.length} were given`,
      },
    ]);
  }
  const bound: Record<string, unknown> = { ...kwargs };
  for (const [index, value] of args.entries()) {
    const param = params[index] ?? "";
    if (Object.hasOwn(kwargs, param)) {
      throw new InvalidArgumentsError(name, [
        { path: param, message: "given both by position and by name" },
      ]);
    }
    bound[param] = value;
  }
  return bound;
}

function issuesOf(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.map((issue) => ({
    path: issue.path.length > 0 ? issue.path.map(String).join(".") : "kwargs",
    message: issue.message,
  }));
}
