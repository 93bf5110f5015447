import { checkKey } from "./call-options.ts";
import type { LovageSettings } from "./client.ts";
import { InvalidOptionError } from "./errors.ts";
import { fingerprint } from "./json.ts";
import type { Registry } from "./registry.ts";
import { deriveTaskId } from "./task-id.ts";
import { traceIdOf } from "./trace.ts";
import type { TaskRecord, TaskSpec } from "./wire.ts";

/**
 * A task that ended, as a new one: with its options, and the arguments that are given or were. What belonged
 * to its place in a canvas stays with the old one, and so do its callbacks: they have run. Its id belongs to
 * the old one, so that a second replay is the same task.
 * @throws InvalidArgumentsError, UnknownTaskError when it doesn't fit the task as it is declared now
 */
export async function replaySpec(
  old: TaskRecord,
  kwargs: Readonly<Record<string, unknown>> | null,
  parts: {
    readonly registry: Registry<never>;
    readonly settings: Pick<LovageSettings, "idSecret" | "shards">;
    readonly owner: string;
    readonly queue: string;
  },
): Promise<TaskSpec> {
  const { registry, owner, queue } = parts;
  const { link_error: _errbacks, link: _callbacks, unique_key: _unique, ...kept } = old.options;
  const { canvas: _canvas, callback: _told, input, ...options } = kept;
  if (input !== undefined && kwargs === null) {
    throw new InvalidOptionError("kwargs", "have to be given: its large argument is gone.");
  }
  const given =
    kwargs === null
      ? registry.plain(old.name, old.kwargs)
      : registry.withOldSecrets(old.name, kwargs, old.kwargs);
  const bound = registry.bind(old.name, [], given as Record<string, unknown>);
  const idSecret = await parts.settings.idSecret;
  const scope = { caller: owner, route: "replay", key: old.id };
  return {
    id: await deriveTaskId(idSecret, parts.settings.shards, scope),
    name: old.name,
    queue,
    priority: old.priority,
    kwargs: bound,
    owner,
    key: checkKey(options.key ?? registry.keyOf(old.name, bound)),
    dueAt: null,
    expiresAt: null,
    options: { ...options, trace: traceIdOf(old), replay_of: old.id },
    fingerprint: await fingerprint(idSecret, [old.name, given, old.id]),
  };
}
