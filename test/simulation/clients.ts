import { mintTaskId, type TaskSpec, type UniqueRule } from "#engine";
import { KINDS, type Kind, type Params } from "./behaviours.ts";
import type { Faults } from "./faults.ts";
import type { SimHistory } from "./history.ts";
import type { Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { Readers } from "./records.ts";
import type { World } from "../../src/testing/world.ts";

const QUEUES = ["default", "emails"] as const;

/** All but the poison, whose share a mix decides. */
const HARMLESS = KINDS.filter((kind) => kind !== "poison") as [Kind, ...Kind[]];

/** How a task's own limits are set; others have none. */
const OPTIONS: Readonly<Partial<Record<Kind, TaskSpec["options"]>>> = {
  overlong: { time_limit: 20 },
  soft: { soft_time_limit: 3 },
};

/** Those who submit, read and revoke. */
export class Clients {
  readonly #world: World;
  readonly #network: Network;
  readonly #history: SimHistory;
  readonly #oracle: Oracle;
  readonly #readers = new Readers();
  readonly #watched: <T>(look: () => T) => T;
  readonly #submitToRun: (spec: TaskSpec) => Promise<unknown>;

  constructor(
    world: World,
    network: Network,
    history: SimHistory,
    oracle: Oracle,
    watched: <T>(look: () => T) => T,
    submitToRun: (spec: TaskSpec) => Promise<unknown>,
  ) {
    this.#submitToRun = submitToRun;
    this.#world = world;
    this.#network = network;
    this.#history = history;
    this.#oracle = oracle;
    this.#watched = watched;
  }

  /**
   * A minute of clients: submits of one or several tasks, some under a key and repeated at once or much
   * later, sometimes as another call; revokes; and reads all along.
   */
  plan(faults: Faults, kinds: readonly [Kind, ...Kind[]] = HARMLESS): void {
    const world = this.#world;
    for (let submits = world.between(3, 6); submits > 0; submits -= 1) {
      const isKeyed = world.chance(0.4);
      const first = world.between(0, 60_000);
      const isRunner = world.chance(0.4);
      const count = isRunner ? 1 : world.between(1, world.chance(0.2) ? 12 : 4);
      const specs = Array.from({ length: count }, () => {
        const spec = this.#anySpec(isKeyed, faults.poison, kinds);
        return isRunner ? short(spec) : spec;
      });
      this.#at(first, () => this.#submit(specs, isRunner));
      if (isKeyed) this.#planRepeats(specs, isRunner, first);
      for (const { id } of specs) this.#planReads(id, first);
      for (const { id } of specs) if (world.chance(0.15)) this.#planMove(id, first);
      const [victim] = specs;
      if (victim !== undefined && world.chance(0.3)) {
        const terminate = world.chance(0.5);
        this.#at(first + world.between(0, 20_000), () => this.revoke(victim.id, terminate));
      }
    }
  }

  /** A submit from an invocation that can run the task. */
  submitToRun(spec: TaskSpec): Promise<unknown> {
    return this.#submitToRun(short(spec));
  }

  submit(specs: readonly TaskSpec[]): Promise<unknown> {
    return this.#network.submit(specs);
  }

  revoke(id: string, terminate: boolean): Promise<unknown> {
    return this.#network.revoke(id, terminate);
  }

  reschedule(id: string, dueAt: number): Promise<unknown> {
    return this.#network.reschedule(id, { dueAt });
  }

  /** Asks the ledger, then the history, and never sees less than it has seen. */
  async read(id: string): Promise<void> {
    const wasAccepted = this.#oracle.submissions.isAccepted(id);
    const past = this.#readers.lastSeen(id);
    const record = (await this.#network.read(id)) ?? (await this.#history.find(id));
    this.#watched(() => this.#readers.saw(id, record, wasAccepted, past));
  }

  spec(kind: Kind, over: Partial<TaskSpec> = {}): TaskSpec {
    const world = this.#world;
    return {
      id: mintTaskId(world.now(), 0, world.bytes(8)),
      name: "single",
      queue: "default",
      priority: 0,
      kwargs: JSON.stringify({ kind, n: world.between(0, 9) }),
      owner: "client",
      key: null,
      dueAt: null,
      expiresAt: null,
      options: OPTIONS[kind] ?? {},
      fingerprint: null,
      ...over,
    };
  }

  #anySpec(isKeyed: boolean, poison: number, kinds: readonly [Kind, ...Kind[]]): TaskSpec {
    const world = this.#world;
    const isPoison = world.chance(poison);
    const kind = isPoison ? "poison" : world.chance(0.4) ? "succeed" : world.pick(kinds);
    const dueAt = world.chance(0.3) ? world.now() + world.between(0, 90_000) : null;
    const spec = this.spec(kind, {
      name: world.chance(0.4) ? "batch" : "single",
      queue: world.pick(QUEUES),
      priority: world.between(0, 2),
      dueAt,
      expiresAt: world.chance(0.15) ? (dueAt ?? world.now()) + world.between(1, 60_000) : null,
    });
    if (world.chance(0.3)) return this.#keyedOrUnique(this.withCallback(spec, kinds), isKeyed);
    return this.#keyedOrUnique(spec, isKeyed);
  }

  /** Whoever is told of its end is told by a task of one of these kinds. */
  withCallback(spec: TaskSpec, kinds: readonly [Kind, ...Kind[]] = HARMLESS): TaskSpec {
    const world = this.#world;
    const told = this.spec(world.pick(kinds), { name: world.pick(["single", "batch"]) });
    const { id, name, kwargs, options } = told;
    const call = {
      ...{ name, kwargs, options, into: "of", key: null },
      queue: world.pick(QUEUES),
      priority: world.between(0, 2),
    };
    const callback = {
      host: "h",
      id,
      plan: { nodes: [{ kind: "task", parent: -1, call }] },
    } as const;
    return { ...spec, options: { ...spec.options, callback } };
  }

  #keyedOrUnique(spec: TaskSpec, isKeyed: boolean): TaskSpec {
    if (isKeyed) return { ...spec, fingerprint: `call ${spec.id}` };
    return this.#world.chance(0.4) ? this.#unique(spec) : spec;
  }

  #submit(specs: readonly TaskSpec[], isRunner: boolean): Promise<unknown> {
    const [spec] = specs;
    return isRunner && spec !== undefined ? this.#submitToRun(spec) : this.#network.submit(specs);
  }

  #planRepeats(specs: readonly TaskSpec[], isRunner: boolean, first: number): void {
    const world = this.#world;
    for (let repeats = world.between(1, 3); repeats > 0; repeats -= 1) {
      const later = world.between(0, world.chance(0.5) ? 10 : 100_000);
      this.#at(first + later, () => this.#submit(specs, isRunner));
    }
    const others = specs.map((spec) => ({ ...spec, fingerprint: `another ${spec.id}` }));
    this.#at(first + world.between(0, 100_000), () => this.#submit(others, isRunner));
  }

  /** One of a few keys, so that calls meet. */
  #unique(spec: TaskSpec): TaskSpec {
    const world = this.#world;
    const key = world.pick(["one", "two"]);
    const debounce = world.pick([null, { waitMs: 15_000, maxMs: 30_000 }]);
    const isTimed = debounce === null && world.chance(0.5);
    const unique: UniqueRule = {
      key,
      keep: debounce === null ? world.pick(["first", "replace"]) : "replace",
      holdMs: isTimed ? world.between(1, 40_000) : 0,
      isHeldOpen: !isTimed || world.chance(0.5),
      debounce,
    };
    return { ...spec, unique, options: { ...spec.options, unique_key: key } };
  }

  #planMove(id: string, first: number): void {
    const world = this.#world;
    this.#at(first + world.between(0, 60_000), () => {
      const dueAt = world.now() + world.between(-5_000, 30_000);
      return this.reschedule(id, dueAt);
    });
  }

  #planReads(id: string, first: number): void {
    for (let reads = this.#world.between(0, 4); reads > 0; reads -= 1) {
      this.#at(first + this.#world.between(0, 120_000), () => this.read(id));
    }
  }

  /** What fails, fails: these clients don't insist. */
  #at(ms: number, run: () => Promise<unknown>): void {
    this.#world.after(ms, () => {
      run().catch(() => undefined);
    });
  }
}

/** With a limit that an invocation can keep, but for what takes longer, and batches, which end with their slowest. */
function short(spec: TaskSpec): TaskSpec {
  const { kind } = JSON.parse(spec.kwargs) as Params;
  if (kind === "slow" || spec.name === "batch") return spec;
  return { ...spec, options: { ...spec.options, time_limit: 20 } };
}
