import {
  type CallOptions,
  type Lovage,
  type Signature,
  type TaskControl,
  type TaskReader,
  type TaskSubmitter,
} from "#engine";
import { KINDS, type Kind } from "../behaviours.ts";
import { drawCanvas, toSignature, wideChord, type Node } from "../canvases.ts";
import type { World } from "../../../src/testing/world.ts";
import type { CallBook } from "./call-book.ts";
import type { CalledOff } from "./called-off.ts";
import { NOISY, RETIRED, TENANT_PLACES } from "./tasks.ts";

/** Clients call for so long. */
export const CALLS_MS = 90_000;
const LONGEST_COUNTDOWN_S = 60;
/** Calls of a tenant that is noisy. */
const NOISE = 400;
const BURST = 10;
/** Behaviours that end within a minute or so, and well or not by themselves. */
const QUICK = KINDS.filter((kind) => kind !== "poison" && kind !== "deadly") as [Kind, ...Kind[]];

/** Those of them that take less than an invocation may. */
const SHORT = QUICK.filter((kind) => kind !== "slow") as [Kind, ...Kind[]];
/** Calls of these are one with others: see the tasks. */
const UNIQUE = ["only", "throttled", "debounced"] as const;
/** Of a call that its invocation may run. */
const EXPRESS = { timeLimit: 20 } as const;

/** What clients call for: shares, and numbers of calls. */
export interface Share {
  readonly canvases: number;
  /** Of the tasks of behaviours. */
  readonly poison: number;
  /** Calls of what the next version has no more. */
  readonly retired: number;
  /** Calls of what is tried again for as long as what it depends on refuses. */
  readonly insistent: number;
  /** Tenants with a call or some at once, never more than may run. */
  readonly tenants: number;
  /** Of the chords, how wide at most. */
  readonly widest: number;
}

export interface WorkloadParts {
  readonly world: World;
  readonly share: Share;
  readonly book: CallBook;
  readonly clients: readonly [Lovage, ...Lovage[]];
  /** The same callers, by invocations that can run the task that they submit. */
  readonly runners: readonly [Lovage, ...Lovage[]];
  readonly directory: TaskReader & TaskControl;
  readonly calledOff: CalledOff;
  /** Of such an invocation. Writes down in the book what is submitted. */
  readonly submitter: TaskSubmitter;
  readonly watched: (look: () => void) => void;
}

/** The clients of a deployment: what they call, look at and call off in one history. */
export class Workload {
  /** Of the canvases by their ids: how they are made. */
  readonly canvases = new Map<string, Node>();
  readonly #parts: WorkloadParts;
  #canvases = 0;
  #calls = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  /** Plans calls that come to so many tasks at least; some of what is seldom comes in every history. */
  plan(count: number): void {
    const { world, share } = this.#parts;
    let planned = share.retired + share.insistent + this.#tenants();
    planned += this.#keyed(world.between(0, CALLS_MS));
    for (const name of UNIQUE) planned += this.#unique(world.between(0, CALLS_MS), name);
    planned += this.#callOff(world.between(0, CALLS_MS), "slow", {}, true);
    this.#at(world.between(CALLS_MS / 2, CALLS_MS), () => this.#replaySome());
    for (let n = 0; n < share.retired; n += 1) this.#bulkOf(world.between(0, CALLS_MS), RETIRED, 1);
    for (let n = 0; n < share.insistent; n += BURST) {
      const name = world.pick(["insistent", "dependent", "dependent"]);
      this.#bulkOf(world.between(0, CALLS_MS), name, BURST);
    }
    while (planned < count) {
      const at = world.between(0, CALLS_MS);
      planned += world.chance(share.canvases) ? this.#canvas(at) : this.#tasks(at);
    }
  }

  /** One tenant has more to do than it may for minutes. */
  makeNoise(): void {
    this.#send(
      0,
      Array.from({ length: NOISE }, () => this.#call("tenant", {}, { n: NOISY })),
    );
  }

  #tenants(): number {
    const { world, share } = this.#parts;
    let calls = 0;
    for (let n = 1; n <= share.tenants; n += 1) {
      const count = world.between(1, TENANT_PLACES);
      this.#send(
        world.between(0, CALLS_MS),
        Array.from({ length: count }, () => this.#call("tenant", {}, { n })),
      );
      calls += count;
    }
    return calls;
  }

  #tasks(at: number): number {
    const { world } = this.#parts;
    const dice = world.float();
    if (dice < 0.3) return this.#bulk(at, world.between(10, 60));
    if (dice < 0.45) return this.#lone(world.between(5, 20));
    if (dice < 0.55) return this.#behaviours(at, world.between(1, 8));
    if (dice < 0.65) return this.#keyed(at);
    if (dice < 0.72) return this.#unique(at, world.pick(UNIQUE));
    if (dice < 0.84) return this.#limited(at, world.between(1, 8));
    if (dice < 0.9) return this.#bulkOf(at, "lasting", world.between(1, 4));
    if (dice < 0.95) return this.#calledOff(at);
    return this.#bulkOf(at, "dependent", world.between(1, 5));
  }

  #bulk(at: number, count: number): number {
    const { world } = this.#parts;
    const calls = Array.from({ length: count }, () => this.#call("plain", this.#options()));
    this.#send(at, calls);
    if (world.chance(0.2)) this.#at(at + world.between(0, 30_000), () => this.#replaySome());
    return count;
  }

  /** Short tasks one by one, at any time, by invocations that can run them. */
  #lone(count: number): number {
    const { world, runners, share } = this.#parts;
    for (let n = 0; n < count; n += 1) {
      const kind = world.chance(share.poison) ? "poison" : world.pick(SHORT);
      const options = { ...this.#options(), ...EXPRESS };
      const soft = kind === "soft" ? { softTimeLimit: 3 } : {};
      const call = world.chance(0.5)
        ? this.#call("plain", options)
        : this.#call("single", { ...options, ...soft }, { kind, n: world.between(0, 9) });
      this.#at(world.between(0, CALLS_MS), () => world.pick(runners).send(call));
    }
    return count;
  }

  #options(): CallOptions {
    const { world } = this.#parts;
    return {
      ...(world.chance(0.2) && { countdown: world.between(1, LONGEST_COUNTDOWN_S) }),
      ...(world.chance(0.2) && { priority: world.between(1, 3) }),
      ...(world.chance(0.3) && { queue: "emails" }),
    };
  }

  #behaviours(at: number, count: number): number {
    const { world, share } = this.#parts;
    const calls = Array.from({ length: count }, () => {
      const kind = world.chance(share.poison) ? "poison" : world.pick(QUICK);
      const limit = kind === "overlong" ? { timeLimit: 20 } : {};
      const options = kind === "soft" ? { softTimeLimit: 3 } : limit;
      const name = world.chance(0.4) ? "batch" : "single";
      return this.#call(name, { ...this.#options(), ...options }, { kind, n: world.between(0, 9) });
    });
    this.#send(at, calls);
    return count;
  }

  /** Under a key, and repeated: by the same caller, as another call, and by another caller. (G7) */
  #keyed(at: number): number {
    const { world } = this.#parts;
    const isShort = world.chance(0.5);
    const clients = isShort ? this.#parts.runners : this.#parts.clients;
    const key = { route: "r", key: `key ${(this.#calls += 1)}` };
    const call = this.#call("plain", { ...this.#options(), ...(isShort && EXPRESS) });
    const other = this.#call("plain", {}, { n: -1 });
    for (const client of clients) {
      this.#at(at, () => client.send(call, key));
      for (let more = world.between(1, 3); more > 0; more -= 1) {
        const later = world.between(0, world.chance(0.5) ? 20 : 80_000);
        this.#at(at + later, () => client.send(call, key));
      }
    }
    const [first] = clients;
    this.#at(at + world.between(1, 80_000), () => first.send(other, key));
    return clients.length;
  }

  /** Calls that are one with another: while it has not ended, for a time, or with the newest content. */
  #unique(at: number, name: (typeof UNIQUE)[number]): number {
    const { world } = this.#parts;
    const n = world.between(0, 5);
    const client = this.#client();
    for (let more = world.between(2, 5); more > 0; more -= 1) {
      const call = this.#call(name, { queue: "emails" }, name === "only" ? { n } : undefined);
      this.#at(at + world.between(0, world.pick([20, 200])), () => client.send(call));
    }
    return 1;
  }

  #limited(at: number, count: number): number {
    const name = this.#parts.world.pick(["paced", "narrow", "shared"]);
    return this.#bulkOf(at, name, count);
  }

  #bulkOf(at: number, name: string, count: number): number {
    this.#send(
      at,
      Array.from({ length: count }, () => this.#call(name, {})),
    );
    return count;
  }

  /** Revoked, terminated, or too late. */
  #calledOff(at: number): number {
    const { world } = this.#parts;
    const expires = world.chance(0.4);
    const countdown = world.between(0, 20);
    const kind = world.pick<Kind>(["slow", "succeed", "flaky"]);
    const options = {
      ...(expires && { countdown, expires: countdown + world.between(1, 20) }),
      ...(kind !== "slow" && EXPRESS),
    };
    return this.#callOff(at, kind, options, expires ? null : world.chance(0.5));
  }

  /** @param terminate null: nobody revokes it */
  #callOff(at: number, kind: Kind, options: CallOptions, terminate: boolean | null): number {
    const { world, directory, book, calledOff } = this.#parts;
    const client = this.#client();
    const call = this.#call("single", options, { kind, n: 1 });
    this.#at(at, async () => {
      const [spec] = await client.prepareRepeatable([call]);
      if (spec === undefined) return;
      const submit = () => this.#parts.submitter.submit([spec]).catch(() => undefined);
      const done = submit();
      const known = book.calls.get(spec.id);
      if (known !== undefined) known.mayBeRevoked = true;
      await done;
      if (terminate === null) return;
      this.#at(world.between(0, 20_000), async () => {
        const record = await directory.revoke(spec.id, { terminate });
        if (terminate && record?.state === "REVOKED") calledOff.terminated(spec.id);
      });
    });
    return 1;
  }

  #canvas(at: number): number {
    const { world, share } = this.#parts;
    const prefix = `c${(this.#canvases += 1)}.`;
    const isWide = world.chance(0.4);
    const node = isWide
      ? wideChord(world, world.between(2, share.widest), prefix)
      : drawCanvas(world, world.between(2, 5), world.chance(0.5) ? 0 : 0.15, prefix);
    const client = this.#client();
    this.#at(at, async () => {
      const [spec] = await client.prepareRepeatable([toSignature(node) as Signature]);
      if (spec === undefined) return;
      this.canvases.set(spec.id, node);
      const submit = () => this.#parts.submitter.submit([spec]);
      if (world.chance(0.3)) this.#at(world.between(0, 5_000), submit);
      await submit();
    });
    return countOf(node);
  }

  /** Replays a dead letter, by two clicks. (G15) */
  async #replaySome(): Promise<void> {
    const { world, book, directory } = this.#parts;
    const ids = [...book.calls].flatMap(([id, { spec }]) => (spec.name === "single" ? id : []));
    for (let tries = 0; tries < 20; tries += 1) {
      const id = ids[world.between(0, ids.length - 1)];
      if (id === undefined) return;
      const record = await directory.get(id);
      if (record?.isDeadLettered !== true) continue;
      const client = this.#client();
      const replay = async () => {
        const handle = await client.replay(record, null);
        book.replays.push({ old: record, owner: client.owner, handle });
      };
      this.#at(world.between(0, 10), replay);
      this.#at(world.between(0, world.pick([10, 2_000])), replay);
      return;
    }
  }

  #send(at: number, calls: readonly Signature[]): void {
    const { world, book, directory, watched } = this.#parts;
    const client = this.#client();
    this.#at(at, async () => {
      const [only] = calls;
      const ids =
        calls.length === 1 && only !== undefined
          ? [(await client.send(only)).taskId]
          : await client.sendAll(calls);
      for (const id of ids) {
        if (!world.chance(0.15)) continue;
        for (let reads = world.between(1, 4); reads > 0; reads -= 1) {
          this.#at(world.between(0, 60_000), () =>
            book.read(id, (known) => directory.get(known), watched),
          );
        }
      }
    });
  }

  #call(name: string, options: CallOptions, kwargs?: Readonly<Record<string, unknown>>): Signature {
    return {
      ...{ task: name, args: [], options, subtask_type: null, immutable: false },
      kwargs: kwargs ?? { n: (this.#calls += 1) },
    };
  }

  #client(): Lovage {
    return this.#parts.world.pick(this.#parts.clients);
  }

  /** What fails, fails: these clients don't insist. `ms` from now. */
  #at(ms: number, run: () => Promise<unknown>): void {
    this.#parts.world.after(ms, () => {
      run().catch(() => undefined);
    });
  }
}

function countOf(node: Node): number {
  if (!("members" in node)) return 1;
  const inner = node.members.reduce((sum, member) => sum + countOf(member), 1);
  return "body" in node ? inner + countOf(node.body) : inner;
}
