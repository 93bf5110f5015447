import {
  partsOfGate,
  type FinishedTask,
  type StepEntry,
  type StepRecord,
  type Timers,
} from "#engine";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type { EventsPort } from "#platform/ledger/ports.ts";
import type { GoneTask } from "#platform/ledger/protocol.ts";
import type { SimAlarm } from "../alarm.ts";
import type { EffectBook } from "../effect-book.ts";
import type { Command } from "../oracle.ts";
import type { Overseer } from "../overseer.ts";
import type { SimSql } from "../../../src/testing/sim-sql.ts";
import { Violation } from "../violation.ts";
import { DueTimes } from "./due-times.ts";
import type { Places } from "./places.ts";
import type { Records } from "./task-records.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly gate: string;
  readonly parked: number;
  readonly due_at: number;
  readonly submitted_at: number;
  readonly expires_at: number | null;
  readonly token: number;
  readonly is_suspect: number;
  readonly solo_losses: number;
  readonly is_waiting: number;
  /** JSON text of the lease that its submitter got with it; null: none. */
  readonly express: string | null;
}

interface LeaseRow {
  readonly [column: string]: string | number | null;
  readonly token: number;
  readonly is_solo: number;
  readonly claimed_at: number;
  readonly expires_at: number;
  readonly task_ids: string;
}

interface Live {
  row: Row;
  holder: Lease | null;
}

interface Lease {
  readonly token: number;
  readonly isSolo: boolean;
  readonly claimedAt: number;
  expiresAt: number;
  readonly ids: Set<string>;
}

const ROWS = `SELECT id, name, gate, parked, due_at, submitted_at, expires_at, token, is_suspect, solo_losses,
    suspension IS NOT NULL AS is_waiting, express
  FROM tasks WHERE parked IN (0, 1) AND id IN (SELECT value FROM json_each(?))`;
const SUSPECT_LOSSES = 2;
/** Before another suspect of its ledger starts, one that was lost alone has so long. */
const ALONE_MS = 20_000;
/** What waits for longer waits for something else than time. */
const FAR_MS = 400 * 86_400_000;

export interface RefereeParts {
  readonly shard: number;
  readonly sql: SimSql;
  readonly records: Records;
  readonly places: Places;
  readonly effects: EffectBook;
  readonly watchMs: number;
  /** The machine's clock jumps: only that the alarm looks after the ledger every `watchMs` is sure then. */
  readonly isClockUnsteady: boolean;
}

/**
 * Looks after one ledger at a cost of what a transaction changed: triggers tell which rows it wrote, and these are
 * read when it is committed. What a row says must follow from what the rows said before.
 */
export class ShardReferee implements Overseer {
  readonly watchers = { isWatched: () => false, notify: () => undefined };
  /** Longest time by which a start came late, ms; suspects, and what waits for leave, don't count. */
  worstDelayMs = 0;
  /** Steps that came under a lease that was over. */
  staleSteps = 0;
  readonly #parts: RefereeParts;
  readonly #live = new Map<string, Live>();
  readonly #leases = new Map<number, Lease>();
  readonly #tokenOf = new Map<number, number>();
  /** Tasks in the rows of `finished`, by slot. */
  readonly #ended = new Map<number, string[]>();
  readonly #touched = {
    tasks: new Set<string>(),
    leases: new Set<number>(),
    finished: new Set<number>(),
    steps: new Set<string>(),
  };
  readonly #due: DueTimes;
  readonly #expiring: DueTimes;
  #isWatching = false;
  #isInCommand = false;
  /** The ledger's time by its commands; it may be later by then, but not than the latest it saw. Epoch ms. */
  #now = 0;
  #latest = 0;
  #held = 0;

  constructor(parts: RefereeParts) {
    this.#parts = parts;
    this.#due = new DueTimes((id, at) => {
      const task = this.#live.get(id);
      return task?.holder === null && task.row.due_at === at;
    });
    this.#expiring = new DueTimes((id, at) => {
      const task = this.#live.get(id);
      return task?.holder === null && task.row.expires_at === at;
    });
  }

  /** Tasks that have not ended. */
  get liveIds(): readonly string[] {
    return [...this.#live.keys()];
  }

  eventsOf(_timers: Timers): EventsPort {
    return { room: null, happened: () => undefined };
  }

  begin(): void {
    this.#isInCommand = true;
  }

  end(): void {
    this.#isInCommand = false;
  }

  failed(): void {
    this.#isInCommand = false;
  }

  answered(command: Command, answer: unknown): void {
    this.#isInCommand = false;
    if (command.kind === "recordSteps") this.#recorded(command.entries, answer as boolean[]);
    else if (command.kind === "heartbeat") this.#kept(command.held, answer as GoneTask[]);
  }

  /** Whoever holds a task, and nobody else, records its steps. (G3) */
  #recorded(entries: readonly StepEntry[], held: readonly boolean[]): void {
    for (const [index, { taskId, token, step }] of entries.entries()) {
      const holder = this.#live.get(taskId)?.holder?.token ?? null;
      if (held[index] !== (holder === token)) {
        fail(`${step.name} of ${taskId} under ${token}, held by ${holder}: ${held[index]}`);
      }
      if (holder !== token) this.staleSteps += 1;
    }
  }

  /** Whoever holds a task no more is told so. (G17) */
  #kept(held: ReadonlyMap<number, readonly string[]>, gone: readonly GoneTask[]): void {
    const told = new Set(gone.map(({ id }) => id));
    for (const [token, ids] of held) {
      for (const id of ids) {
        const isHeld = this.#live.get(id)?.holder?.token === token;
        if (told.has(id) === isHeld) fail(`the runner of ${id} is told that it is held: ${isHeld}`);
      }
    }
  }

  /** When bells ring is the ledger's to decide: that work starts is what is looked at. */
  rang(): void {}

  /** A new object knows the time by its tables, until it looks at the clock. */
  restarted(): void {
    const { sql } = this.#parts;
    if (!this.#isWatching) return;
    const [known] = sql.peek<{ at: number }>(
      `SELECT max(
        coalesce((SELECT max(claimed_at) FROM leases), 0),
        coalesce((SELECT max(express ->> 'claimedAt') FROM tasks WHERE parked = 0), 0),
        coalesce((SELECT max(due_at) FROM tasks WHERE parked = 0), 0),
        coalesce((SELECT max(value ->> 'finishedAt') FROM finished, json_each(tasks)
          WHERE seq > (SELECT max(flushed_seq) FROM finished)), 0)) AS at`,
    );
    this.#now = known?.at ?? 0;
    this.#latest = this.#now;
  }

  sawClock(clock: number): void {
    this.#latest = Math.max(this.#latest, clock);
    if (this.#isInCommand) this.#now = Math.max(this.#now, clock);
  }

  woke(clock: number): void {
    this.#now = Math.max(this.#now, clock);
  }

  committed(clock: number): void {
    this.#now = Math.max(this.#now, clock);
    const { tasks, leases, finished, steps } = this.#touched;
    if (finished.size > 0) this.#lookAtFinished(finished);
    if (tasks.size > 0) this.#lookAtTasks(tasks);
    if (leases.size > 0) this.#lookAtLeases(leases);
    if (steps.size > 0) this.#lookAtSteps(steps);
    for (const touched of Object.values(this.#touched)) touched.clear();
  }

  check(ledger: TaskLedger, alarm: SimAlarm): void {
    const { running, unflushed } = ledger.stats();
    if (running !== this.#held) fail(`${running} run instead of ${this.#held}`);
    const isUnflushed = unflushed > 0;
    const now = this.#now;
    const due = this.#due.first();
    let needed = isUnflushed || this.#leases.size > 0 ? now + this.#parts.watchMs : Infinity;
    if (due < now + FAR_MS) needed = Math.min(needed, due <= now ? now + this.#parts.watchMs : due);
    for (const { expiresAt } of this.#leases.values()) needed = Math.min(needed, expiresAt);
    const expires = this.#expiring.first();
    if (expires < Infinity) needed = Math.min(needed, Math.max(expires, now + 1));
    const { isClockUnsteady, watchMs } = this.#parts;
    // Between its commands too it saw the time, before the clock went back: by that it set the alarm.
    const latest = Math.max(now, this.#latest);
    alarm.check(isClockUnsteady ? Math.max(needed, latest + watchMs) : needed, now);
  }

  /** Compares all tables, and what the ledger counts, with what is known of them. */
  compare(ledger: TaskLedger): void {
    if (!this.#isWatching) return;
    const { sql } = this.#parts;
    const rows = sql.peek<Row & { is_waiting: number }>(ROWS.replace(/ AND id IN.*$/s, ""));
    if (rows.length !== this.#live.size) fail(`${rows.length} live rows, not ${this.#live.size}`);
    for (const row of rows) {
      const known = this.#live.get(row.id)?.row;
      if (JSON.stringify(known) !== JSON.stringify(row)) fail(`${row.id} is not as it was written`);
    }
    this.#compareLeases();
    this.#recount(ledger);
  }

  /** What runs is what the rows of leases say, or its own, and of no task two do. */
  #compareLeases(): void {
    const rows = this.#parts.sql.peek<LeaseRow>("SELECT token, expires_at, task_ids FROM leases");
    const held = rows.flatMap(({ token, expires_at: until, task_ids: text }) =>
      (JSON.parse(text) as string[]).flatMap((id) => {
        const row = this.#live.get(id)?.row;
        return row === undefined || row.token >= token ? [] : `${id} by ${token} until ${until}`;
      }),
    );
    for (const { row } of this.#live.values()) {
      if (row.parked === 1 || row.express === null) continue;
      const { token, expiresAt } = expressOf(row);
      held.push(`${row.id} by ${token} until ${expiresAt}`);
    }
    const known = [...this.#leases.values()].flatMap(({ token, expiresAt, ids }) =>
      Array.from(ids, (id) => `${id} by ${token} until ${expiresAt}`),
    );
    const [is, should] = [held.toSorted().join(), known.toSorted().join()];
    if (is !== should) fail(`the leases hold ${is} instead of ${should}`);
  }

  #recount(ledger: TaskLedger): void {
    const { ready, unflushed } = ledger.stats();
    const waiting = [...this.#live.values()].filter(
      ({ row, holder }) => row.parked === 0 && holder === null,
    ).length;
    // What was called off stays in its lane until it is reached.
    if (ready < waiting) fail(`${ready} are ready instead of ${waiting}`);
    const ended = [...this.#ended.values()].flat();
    const missing = ended.filter((id) => !this.#parts.records.isKept(id)).length;
    // What D1 has and has not confirmed counts too.
    if (unflushed < missing || unflushed > ended.length) {
      fail(`${unflushed} are not in D1, of ${ended.length} that it lacks ${missing}`);
    }
    if (ledger.questions.countLive() !== this.#live.size)
      fail(`${ledger.questions.countLive()} live tasks`);
  }

  /** Rows that are left when all has ended. (G19) */
  leftovers(): string[] {
    if (!this.#isWatching) return [];
    const tables = ["tasks", "steps", "events", "event_keys"];
    const canvas = ["canvas_parts", "canvas_members", "canvas_values"];
    const left = [...tables, ...canvas].map((table) => [table, `SELECT 1 FROM ${table}`]);
    left.push([
      "finished",
      "SELECT 1 FROM finished WHERE seq > (SELECT max(flushed_seq) FROM finished)",
    ]);
    left.push(["uniques", "SELECT 1 FROM uniques WHERE is_open = 1"]);
    return left.flatMap(([table = "", query = ""]) => {
      const count = this.#parts.sql.peek(query).length;
      return count === 0 ? [] : [`${count} ${table}`];
    });
  }

  /** Why a task is still there. */
  describe(id: string): string {
    const task = this.#live.get(id);
    if (task === undefined) return `${id} is not known`;
    const { holder, row } = task;
    const lease = holder === null ? "nobody" : `lease ${holder.token} until ${holder.expiresAt}`;
    return `${JSON.stringify(row)}, held by ${lease}; the ledger's time is ${this.#now}`;
  }

  migrated(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { sql } = this.#parts;
    const { tasks, leases, finished, steps } = this.#touched;
    sql.watchRows("tasks", "id", (id) => tasks.add(String(id)));
    sql.watchRows("leases", "slot", (slot) => leases.add(Number(slot)));
    sql.watchRows("finished", "slot", (slot) => finished.add(Number(slot)));
    sql.watchRows("steps", "task_id", (id) => steps.add(String(id)));
  }

  #lookAtFinished(slots: ReadonlySet<number>): void {
    const { sql, records } = this.#parts;
    for (const slot of slots) {
      const [row] = sql.peek<{ tasks: string }>("SELECT tasks FROM finished WHERE slot = ?", slot);
      const before = this.#ended.get(slot) ?? [];
      const now =
        row === undefined || row.tasks === "[]" ? [] : (JSON.parse(row.tasks) as FinishedTask[]);
      if (now[0]?.id === before[0] && now.length === before.length) continue;
      for (const id of before) {
        if (!records.isKept(id)) fail(`${id} leaves its ledger, and D1 doesn't have it`);
      }
      this.#ended.set(
        slot,
        now.map(({ id }) => id),
      );
      for (const task of now) this.#ends(task);
    }
  }

  #ends(task: FinishedTask): void {
    const known = this.#live.get(task.id);
    const { records } = this.#parts;
    if (
      task.error?.exc_type === "WorkerLostError" &&
      task.attempts.length > 0 &&
      known !== undefined
    ) {
      const isSolo = known.holder?.isSolo === true && known.row.solo_losses === SUSPECT_LOSSES;
      if (!isSolo) fail(`${task.id} is given up after ${known.row.solo_losses} losses of its own`);
    }
    records.ended(task);
  }

  #lookAtTasks(ids: ReadonlySet<string>): void {
    const { sql, records } = this.#parts;
    const rows = new Map(sql.peek<Row>(ROWS, JSON.stringify([...ids])).map((row) => [row.id, row]));
    for (const id of ids) {
      const row = rows.get(id);
      const known = this.#live.get(id);
      if (row === undefined) {
        if (known === undefined) continue;
        if (!records.hasEnded(id)) fail(`${id} is gone and has not ended`);
        this.#release(id, known);
        this.#live.delete(id);
        continue;
      }
      if (records.hasEnded(id)) fail(`${id} has ended and lives on`);
      this.#changed(id, known, row);
    }
  }

  #changed(id: string, known: Live | undefined, row: Row): void {
    if (!Number.isInteger(row.due_at)) fail(`${id} is due at ${row.due_at}`);
    if (known === undefined) {
      this.#live.set(id, { row, holder: null });
      if (row.express !== null) return this.#isExpress(row);
    } else {
      if (row.token < known.row.token) fail(`the token of ${id} fell to ${row.token}`);
      if (known.holder !== null && row.token >= known.holder.token) this.#release(id, known);
      known.row = row;
      if (known.holder !== null) {
        if (row.parked === 0 && row.express !== null) {
          known.holder.expiresAt = expressOf(row).expiresAt;
        }
        return;
      }
    }
    this.#waits(row);
  }

  /** Who submits a task gets that one, and nothing that is limited or was lost. */
  #isExpress(row: Row): void {
    const { token, claimedAt, expiresAt } = expressOf(row);
    if (row.gate !== "" || row.parked === 1) fail(`${row.id} is not for who submits it`);
    this.#grant({ token, isSolo: false, claimedAt, expiresAt, ids: new Set([row.id]) });
  }

  #waits({ id, due_at: dueAt, expires_at: expiresAt }: Row): void {
    this.#due.push(dueAt, id);
    if (expiresAt !== null) this.#expiring.push(expiresAt, id);
  }

  #release(id: string, task: Live): void {
    const { holder } = task;
    if (holder === null) return;
    task.holder = null;
    this.#held -= 1;
    holder.ids.delete(id);
    if (holder.ids.size === 0) this.#leases.delete(holder.token);
    this.#parts.places.freed(this.#parts.shard, task.row.name, task.row.gate);
  }

  #lookAtLeases(slots: ReadonlySet<number>): void {
    for (const slot of slots) {
      const [row] = this.#parts.sql.peek<LeaseRow>(
        "SELECT token, is_solo, claimed_at, expires_at, task_ids FROM leases WHERE slot = ?",
        slot,
      );
      const before = this.#tokenOf.get(slot) ?? 0;
      const lease = this.#leases.get(before);
      if (row === undefined || row.token !== before) {
        if (lease !== undefined) fail(`lease ${before} is written over while it is held`);
        if (row === undefined) continue;
        this.#grant({
          ...{ token: row.token, isSolo: row.is_solo === 1 },
          ...{ claimedAt: row.claimed_at, expiresAt: row.expires_at },
          ids: new Set(JSON.parse(row.task_ids) as string[]),
        });
        this.#tokenOf.set(slot, row.token);
      } else if (lease !== undefined) {
        lease.expiresAt = row.expires_at;
      }
    }
    for (const { token, expiresAt } of this.#leases.values()) {
      if (expiresAt <= this.#now) fail(`lease ${token} holds tasks, and ended at ${expiresAt}`);
    }
  }

  #grant(lease: Lease): void {
    const { token, isSolo, ids } = lease;
    for (const other of [...this.#tokenOf.values(), ...this.#leases.keys()]) {
      if (token <= other) fail(`lease ${token} comes after ${other}`);
    }
    if (isSolo) this.#mayBeAlone(lease);
    this.#leases.set(token, lease);
    for (const id of ids) {
      const task = this.#live.get(id);
      if (task === undefined) fail(`lease ${token} is for ${id}, which has ended or never was`);
      if (token <= task.row.token) fail(`lease ${token} of ${id} comes after ${task.row.token}`);
      if (task.holder !== null) fail(`${id} is held by ${task.holder.token} and by ${token}`);
      this.#mayStart(task.row, isSolo, ids.size);
      task.holder = lease;
      this.#held += 1;
      this.#parts.places.taken(this.#parts.shard, task.row.name, task.row.gate, this.#now);
    }
  }

  /** A suspect that was lost alone runs so: nobody else is convicted for it. Limited ones come when they have leave. */
  #mayBeAlone(lease: Lease): void {
    const gates = [...lease.ids].map((id) => this.#live.get(id)?.row.gate ?? "");
    if (gates.some((gate) => partsOfGate(gate).name !== "")) return;
    const isLost = (one: Lease) =>
      [...one.ids].some((id) => (this.#live.get(id)?.row.solo_losses ?? 0) > 0);
    for (const other of this.#leases.values()) {
      if (!other.isSolo) continue;
      if (isLost(lease)) fail(`a suspect that was lost alone starts beside lease ${other.token}`);
      const apart = lease.claimedAt - other.claimedAt;
      if (isLost(other) && apart < ALONE_MS) fail(`${apart} ms after one that was lost alone`);
    }
  }

  #mayStart(row: Row, isSolo: boolean, count: number): void {
    const now = this.#now;
    const early = row.due_at - Math.max(now, this.#latest);
    if (row.parked === 1 && early > 0) fail(`${row.id} starts ${early} ms early`);
    if (row.expires_at !== null && row.expires_at <= now) fail(`${row.id} starts and has expired`);
    if (row.is_suspect === 1 && (!isSolo || count > 1)) fail(`${row.id} is a suspect among others`);
    if (row.is_suspect === 0 && row.gate === "") {
      this.worstDelayMs = Math.max(this.worstDelayMs, now - row.due_at);
    }
  }

  #lookAtSteps(ids: ReadonlySet<string>): void {
    const rows = this.#parts.sql.peek<{ task_id: string; record: string }>(
      "SELECT task_id, record FROM steps WHERE task_id IN (SELECT value FROM json_each(?))",
      JSON.stringify([...ids]),
    );
    this.#parts.effects.committed(
      rows.flatMap(({ task_id: taskId, record }) => {
        const step = JSON.parse(record) as StepRecord;
        return step.kind === "once" ? { taskId, step } : [];
      }),
    );
  }
}

/** The lease that its submitter got with a task. */
function expressOf({ express }: Row): Pick<Lease, "token" | "claimedAt" | "expiresAt"> {
  return JSON.parse(express ?? "") as Pick<Lease, "token" | "claimedAt" | "expiresAt">;
}

function fail(what: string): never {
  throw new Violation(what);
}
