import { checkInteger, MAX_PRIORITY } from "./checks.ts";
import { InvalidOptionError } from "./errors.ts";

/** Where the calls of a task go that say nothing themselves, and whose declaration doesn't either. */
export interface Route {
  readonly queue?: string;
  readonly priority?: number;
}

/**
 * Rules by task name, the first that fits holds (Celery's `task_routes`, `celery/app/routes.py`): names, or
 * globs with `*` (any characters) and `?` (one). A list, or an object in the order of its declaration.
 */
export type TaskRoutes =
  | readonly (readonly [pattern: string, route: Route])[]
  | Readonly<Record<string, Route>>;

/** The queue that is called so, or with hyphens for its underscores: Celery's users write `high_priority`. */
export function queueNamed(queues: ReadonlySet<string>, name: string): string | null {
  if (queues.has(name)) return name;
  const hyphened = name.replaceAll("_", "-");
  return queues.has(hyphened) ? hyphened : null;
}

/**
 * The queue that a filter means. A name that none has stays: a queue that there is no more may still have tasks.
 * @param name undefined: it is about all queues
 */
export function queueMeant(
  queues: ReadonlySet<string>,
  name: string | undefined,
): string | undefined {
  return name === undefined ? undefined : (queueNamed(queues, name) ?? name);
}

/**
 * The routes ready for use.
 * @throws InvalidOptionError naming the pattern, for a queue that there is not or a priority out of range
 */
export function compileRoutes(
  routes: TaskRoutes,
  queues: ReadonlySet<string>,
): (name: string) => Route {
  const rules = isList(routes) ? routes : Object.entries(routes);
  const compiled = rules.map(([pattern, route]) => {
    if (route.queue !== undefined && !queues.has(route.queue)) {
      const known = [...queues].join(", ");
      throw new InvalidOptionError(`routes.${pattern}`, `'${route.queue}' is none of ${known}.`);
    }
    if (route.priority !== undefined) {
      checkInteger(`routes.${pattern}.priority`, route.priority, 0, MAX_PRIORITY);
    }
    return { isMatch: globMatcher(pattern), route };
  });
  const found = new Map<string, Route>();
  return (name) => {
    let route = found.get(name);
    if (route === undefined) {
      route = compiled.find(({ isMatch }) => isMatch(name))?.route ?? {};
      found.set(name, route);
    }
    return route;
  };
}

/** Array.isArray does not tell a readonly list from an object. */
function isList(routes: TaskRoutes): routes is Extract<TaskRoutes, readonly unknown[]> {
  return Array.isArray(routes);
}

/** Tells whether a name fits a glob: `*` is any characters, `?` one. */
export function globMatcher(glob: string): (name: string) => boolean {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`, "s");
  return (name) => pattern.test(name);
}
