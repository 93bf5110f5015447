import { dueTime, expiryTime } from "./call-options.ts";
import { checkSize } from "./canvas/budget.ts";
import { Compiler } from "./canvas/compile.ts";
import { isCanvas } from "./canvas/parts.ts";
import { release, type Plan } from "./canvas/plan.ts";
import type { AnySignature } from "./canvas/signatures.ts";
import { canvasSpec, treeOf } from "./canvas/tree.ts";
import { checkInteger, MAX_PRIORITY } from "./checks.ts";
import { endCallback, type CallbackTo } from "./end-callback.ts";
import type { ParamsSchema, TaskDefinition } from "./definition.ts";
import { InvalidCallError, LovageError } from "./errors.ts";
import { fingerprint } from "./json.ts";
import type { Clock, Random } from "./ports.ts";
import type { Registry } from "./registry.ts";
import { replaySpec } from "./replay.ts";
import type { Route } from "./routing.ts";
import { signature, type CallOptions, type Signature } from "./signature.ts";
import { deriveTaskId, mintTaskId, shardOf } from "./task-id.ts";
import { mayBeUnique, withUniqueRule } from "./unique-calls.ts";
import {
  type Merged,
  type Reschedule,
  type SubmitAnswer,
  type TaskRecord,
  type TaskSpec,
} from "./wire.ts";
import type * as z from "zod";

/** Commits tasks in the ledger shard of their id: when it resolves they are durable. */
export interface TaskSubmitter {
  /** @returns one answer per task, in their order */
  submit(tasks: readonly TaskSpec[]): Promise<SubmitAnswer[]>;
}

/** What the client needs to know of its deployment. */
export interface LovageSettings {
  /** Shards that new tasks are spread over. */
  readonly shards: number;
  /** Names of the queues that have a consumer. */
  readonly queues: ReadonlySet<string>;
  /** The rule for a task's name, see `compileRoutes`; the call and the declaration come first. */
  readonly routeOf: (name: string) => Route;
  /** Who is called when somebody gives a `callbackUrl`; absent: nobody may. */
  readonly callbackTo?: CallbackTo;
  /** Derives ids from keys that callers bring. */
  readonly idSecret: Promise<CryptoKey>;
}

/** A key that makes a call repeatable: the same caller, route and key are one task. */
export interface CallKey {
  readonly route: string;
  readonly key: string;
}

/** What a call answers: the id, and whether this call made the task, changed it or found it. */
export interface TaskHandle {
  readonly taskId: string;
  readonly answer: Exclude<SubmitAnswer, Merged> | Merged["how"];
}

/**
 * Calls tasks on behalf of one caller. Typed calls go through `delay` and `applyAsync`, calls by name
 * through `send`; all are validated before anything is written.
 */
export class Lovage {
  readonly #registry: Registry<never>;
  readonly #submitter: TaskSubmitter;
  readonly #settings: LovageSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #owner: string;
  readonly #trace: string | null;

  constructor(parts: {
    registry: Registry<never>;
    submitter: TaskSubmitter;
    settings: LovageSettings;
    clock: Clock;
    random: Random;
    owner: string;
    /** The trace that its calls belong to; null or absent: each begins one. */
    trace?: string | null;
  }) {
    this.#registry = parts.registry;
    this.#submitter = parts.submitter;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#owner = parts.owner;
    this.#trace = parts.trace ?? null;
  }

  /** On whose behalf it calls: the tasks are theirs. */
  get owner(): string {
    return this.#owner;
  }

  /** Calls a task now, with its own options (Celery's `task.delay()`). */
  delay<Schema extends ParamsSchema, Result, Services>(
    task: TaskDefinition<Schema, Result, Services>,
    params: z.input<Schema>,
  ): Promise<TaskHandle> {
    return this.applyAsync(task, params);
  }

  /** Calls a task with options of this call (Celery's `task.apply_async()`). */
  applyAsync<Schema extends ParamsSchema, Result, Services>(
    task: TaskDefinition<Schema, Result, Services>,
    params: z.input<Schema>,
    options: CallOptions = {},
    key?: CallKey,
  ): Promise<TaskHandle> {
    return this.send(signature<Result>(task.name, params, options), key);
  }

  /**
   * Calls the task that a signature names.
   * @throws UnknownTaskError, InvalidArgumentsError, InvalidOptionError; nothing is written then
   */
  async send(call: Signature, key?: CallKey): Promise<TaskHandle> {
    const [spec] =
      key === undefined ? await this.prepare([call]) : [await this.prepareKeyed(call, key)];
    if (spec === undefined) throw new Error("The call gave no task.");
    return this.#submit(spec);
  }

  async #submit(spec: TaskSpec): Promise<TaskHandle> {
    const [answer] = await this.#submitter.submit([spec]);
    if (answer === undefined) throw new Error("The ledger gave no answer.");
    if (typeof answer === "string") return { taskId: spec.id, answer };
    return { taskId: answer.mergedInto, answer: answer.how };
  }

  /**
   * Calls many tasks at once: all in one shard, in one transaction; those that are unique each in the
   * shard of their key.
   * @returns the id of each call's task; that of another where the call is one with it
   */
  async sendAll(calls: readonly Signature[]): Promise<string[]> {
    const specs = await this.prepare(calls);
    const answers = await this.#submitter.submit(specs);
    return specs.map((spec, index) => {
      const answer = answers[index];
      return typeof answer === "object" ? answer.mergedInto : spec.id;
    });
  }

  /**
   * Validates calls and gives them ids, without submitting: for writing them into an outbox together
   * with the rows they belong to.
   */
  async prepare(calls: readonly Signature[]): Promise<TaskSpec[]> {
    const now = this.#clock.now();
    const shard = Math.floor(this.#random.float() * this.#settings.shards);
    const random = this.#random.bytes(calls.length * 8);
    // In the order of the calls: of equal due times the lower id goes first.
    const ids = calls
      .map((_call, index) => mintTaskId(now, shard, random.subarray(index * 8, index * 8 + 8)))
      .sort();
    const specs: TaskSpec[] = [];
    for (const [index, call] of calls.entries()) {
      try {
        const spec = this.#unique(this.#spec(call, ids[index] ?? "", now), call, now);
        specs.push(spec instanceof Promise ? await spec : spec);
      } catch (error) {
        if (calls.length === 1 || !(error instanceof LovageError)) throw error;
        throw new InvalidCallError(index, error);
      }
    }
    return specs;
  }

  /** Like `prepare`, for calls that may be submitted twice: the ledger will know them again. */
  async prepareRepeatable(calls: readonly Signature[]): Promise<TaskSpec[]> {
    const specs = await this.prepare(calls);
    return Promise.all(specs.map((spec, index) => this.#withFingerprint(spec, calls[index])));
  }

  /**
   * A call as a plan of its own, for a task that becomes it or adds it to its group.
   * @throws InvalidSignatureError
   */
  plan(call: Signature, taskId: string): { readonly plan: Plan; readonly base: string } {
    const now = this.#clock.now();
    const shard = shardOf(taskId) ?? 0;
    const plan = this.#compiler(now, shard).plan(call, false);
    checkSize(plan, treeOf(plan));
    return { plan, base: mintTaskId(now, shard, this.#random.bytes(8)) };
  }

  /**
   * Checks what is to change of a task that waits.
   * @throws InvalidOptionError
   */
  rescheduling(options: Pick<CallOptions, "eta" | "countdown" | "priority" | "queue">): Reschedule {
    const now = this.#clock.now();
    const { eta, countdown, priority, queue } = options;
    const isMoved = eta !== undefined || countdown !== undefined;
    if (priority !== undefined) checkInteger("priority", priority, 0, MAX_PRIORITY);
    return {
      ...(isMoved && { dueAt: dueTime(options, now) ?? now }),
      ...(priority !== undefined && { priority }),
      ...(queue !== undefined && { queue: this.#compiler(now, 0).queue(queue) }),
    };
  }

  /** See replaySpec. */
  prepareReplay(
    old: TaskRecord,
    kwargs: Readonly<Record<string, unknown>> | null,
  ): Promise<TaskSpec> {
    return replaySpec(old, kwargs, {
      registry: this.#registry,
      settings: this.#settings,
      owner: this.#owner,
      queue: this.#compiler(0, 0).queue(old.queue),
    });
  }

  /** Runs a task that has ended once more, see replaySpec. */
  async replay(...ended: Parameters<Lovage["prepareReplay"]>): Promise<TaskHandle> {
    return this.#submit(await this.prepareReplay(...ended));
  }

  /**
   * Like `prepareRepeatable`, with the id that belongs to the caller's key. Of a unique call it lies in
   * the shard of its unique key: another such call under the same `key` is known as a conflict only where
   * both have that in common.
   */
  async prepareKeyed(call: Signature, key: CallKey): Promise<TaskSpec> {
    const id = await deriveTaskId(await this.#settings.idSecret, this.#settings.shards, {
      caller: this.#owner,
      ...key,
    });
    const now = this.#clock.now();
    return this.#withFingerprint(await this.#unique(this.#spec(call, id, now), call, now), call);
  }

  /**
   * Two calls are the same if they name the same task with the same arguments and options. By HMAC, so that
   * nobody can guess a secret argument from what is stored.
   */
  async #withFingerprint(spec: TaskSpec, call: AnySignature | undefined): Promise<TaskSpec> {
    const content =
      spec.plan === undefined
        ? [spec.name, this.#registry.plain(spec.name, spec.kwargs), call?.options]
        : [call];
    return { ...spec, fingerprint: await fingerprint(await this.#settings.idSecret, content) };
  }

  /** Only what may be unique waits for its key: plain calls stay in one turn. */
  #unique(spec: TaskSpec, call: AnySignature, now: number): TaskSpec | Promise<TaskSpec> {
    const { task, options } = call;
    if (spec.plan !== undefined) return spec;
    const declared = this.#registry.get(task).uniqueness;
    if (!mayBeUnique(declared, options)) return spec;
    const args = () => this.#registry.plain(task, spec.kwargs);
    const params = () => this.#registry.parse(task, spec.kwargs);
    const { idSecret, shards } = this.#settings;
    const withId = (id: string) => this.#spec(call, id, now);
    const parts = { declared, options, args, params, withId, idSecret, shards, now };
    return withUniqueRule(spec, parts);
  }

  #spec(given: AnySignature, id: string, now: number): TaskSpec {
    if (given.options.callbackUrl === undefined) return this.#specOf(given, id, now);
    const { callbackUrl: url, ...options } = given.options;
    const spec = this.#specOf({ ...given, options }, id, now);
    const shard = shardOf(id) ?? 0;
    const callback = endCallback(url, this.#settings.callbackTo, {
      id: mintTaskId(now, shard, this.#random.bytes(8)),
      planOf: (call) => this.#compiler(now, shard).plan(call, true),
    });
    return { ...spec, options: { ...spec.options, callback } };
  }

  #specOf(call: AnySignature, id: string, now: number): TaskSpec {
    const compiler = this.#compiler(now, shardOf(id) ?? 0);
    const [owner, trace] = [this.#owner, this.#trace];
    if (!isCanvas(call)) {
      const keyOf = (name: string, kwargs: string) => this.#registry.keyOf(name, kwargs);
      return release(compiler.call(call, false), { id, owner, now, input: null, keyOf, trace });
    }
    const plan = compiler.calledPlan(call);
    const spec = canvasSpec(id, owner, plan, trace);
    checkSize(plan, spec.options.tree);
    return { ...spec, expiresAt: expiryTime(call.options, now, null) };
  }

  #compiler(now: number, shard: number): Compiler {
    return new Compiler({
      registry: this.#registry,
      queues: this.#settings.queues,
      routeOf: this.#settings.routeOf,
      now,
      mint: () => mintTaskId(now, shard, this.#random.bytes(8)),
    });
  }
}
