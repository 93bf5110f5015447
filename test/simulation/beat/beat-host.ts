import type { DeclaredSchedule, ScheduleSettings } from "#engine";
import { BeatTimer } from "#platform/beat/beat-timer.ts";
import type { RunAnswer } from "#platform/beat/run-records.ts";
import { TaskBeat } from "#platform/beat/task-beat.ts";
import type { PlannedRun } from "#platform/beat/tick-plan.ts";
import type { SqlPort } from "#platform/ledger/ports.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import { never, type World } from "../../../src/testing/world.ts";
import { Violation } from "../violation.ts";
import { BeatAlarm } from "./beat-alarm.ts";
import type { BeatFaults, FaultCount } from "./beat-faults.ts";
import type { BeatOracle } from "./beat-oracle.ts";

const MINUTE = 60_000;
/** When the platform runs an alarm's handler again, at first, and how often; it may give up before. */
const RING_AGAIN_MS = 2_000;
const MAX_RINGS = 6;
const GIVEN_UP = 0.3;

/** Thrown where the object dies in the middle of what it does. */
class Crash extends Error {
  override readonly name = "Crash";
}

export interface BeatHostParts {
  readonly world: World;
  readonly oracle: BeatOracle;
  readonly count: FaultCount;
  readonly faults: BeatFaults;
}

/**
 * The Durable Object of Beat around the real code, and the ledger that it submits to. Storage, alarm and ledger
 * outlive the object; what a dead one still waits for never comes, but what it has sent may arrive.
 */
export class BeatHost {
  readonly alarm: BeatAlarm;
  /** The first promise that was broken. */
  violation: Violation | null = null;
  declared: readonly DeclaredSchedule[] = [];
  faults: BeatFaults;
  readonly #parts: BeatHostParts;
  readonly #sql = new SimSql();
  /** Tasks by their key: the same key is the same task. When they end, epoch ms. */
  readonly #tasks = new Map<string, number>();
  #epoch = 0;
  #beat: TaskBeat;
  #timer: BeatTimer;
  #offset = 0;
  #frozenAt: number | null = null;
  /** The latest time that this object has seen: it never goes back behind it. */
  #seen = 0;
  /** Nobody dies at a statement now. */
  #isUndivided = false;
  #isRecording = false;
  #answers = new Map<string, string>();

  constructor(parts: BeatHostParts) {
    const { world, count } = parts;
    this.#parts = parts;
    this.faults = parts.faults;
    this.alarm = new BeatAlarm({
      world,
      count,
      clock: () => this.clock(),
      faults: () => this.faults,
      fire: () => this.#ring(0),
    });
    [this.#beat, this.#timer] = this.#create();
    this.#sql.setHooks({
      around: (_sql, run) => {
        if (!this.#isUndivided && world.chance(this.faults.diesAtStatement)) {
          count.add("diesAtStatement");
          this.die();
          throw new Crash("at a statement");
        }
        return run();
      },
      committed: () => {
        if (!this.#isRecording) return;
        this.#isRecording = false;
        const answers = this.#answers;
        this.#watch(() => {
          parts.oracle.recorded((id, slot) => answers.get(`${id} ${slot}`) ?? null);
        });
      },
    });
  }

  /** What the machine's clock shows. */
  clock(): number {
    return this.#frozenAt ?? this.#parts.world.now() + this.#offset;
  }

  jump(ms: number): void {
    this.#offset += ms;
    this.#note("the clock shows now");
    this.alarm.clockChanged();
  }

  freeze(isFrozen: boolean): void {
    if (isFrozen) this.#frozenAt ??= this.clock();
    else if (this.#frozenAt !== null) {
      this.#frozenAt = null;
      this.alarm.clockChanged();
    }
  }

  die(): void {
    this.#note("the object dies");
    this.#epoch += 1;
    this.#isRecording = false;
    this.#seen = 0;
    this.#parts.oracle.dropped();
    [this.#beat, this.#timer] = this.#create();
  }

  /** The cron trigger's call. */
  tick(): void {
    this.#run(() => this.#timer.tick());
  }

  /** The first request of an isolate. */
  start(): void {
    this.#run(() => this.#timer.start());
  }

  create(name: string, id: string, settings: ScheduleSettings): void {
    this.#change(() => {
      this.#beat.create(name, id, settings);
      this.#parts.oracle.made(name, id, settings, this.#seen);
    });
  }

  update(name: string, settings: ScheduleSettings): void {
    this.#change(() => {
      this.#beat.update(name, settings, this.#beat.get(name)?.version ?? 0);
      this.#parts.oracle.changed(name, settings, this.#seen);
    });
  }

  remove(name: string): void {
    this.#change(() => {
      this.#beat.remove(name);
      this.#parts.oracle.removed(name);
    });
  }

  /** After the last event: what its tables say. */
  checkRecords(): void {
    for (const name of this.#parts.oracle.names()) {
      const runs = this.#beat
        .runs(name, 2_000)
        .flatMap(({ slot, task_id: id }) => (id === null ? [] : [[slot, id] as const]));
      this.#parts.oracle.checkRecords(name, new Map(runs));
    }
    this.#sql.close();
  }

  #create(): [TaskBeat, BeatTimer] {
    const epoch = this.#epoch;
    const clock = {
      now: () => {
        const now = this.clock();
        if (epoch === this.#epoch) this.#seen = Math.max(this.#seen, now);
        return now;
      },
    };
    const alive = async <T>(work: Promise<T>): Promise<T> => {
      try {
        const value = await work;
        return epoch === this.#epoch ? value : await never<T>();
      } catch (error) {
        if (epoch === this.#epoch) throw error;
        return never<T>();
      }
    };
    this.#isUndivided = true;
    const beat = new TaskBeat({
      clock,
      sql: this.#guarded(() => epoch === this.#epoch),
      submit: (runs) => (epoch === this.#epoch ? alive(this.#submit(runs)) : never()),
      isUnfinished: (taskId) => alive(this.#isUnfinished(taskId)),
      log: () => undefined,
    });
    this.#isUndivided = false;
    const timer = new BeatTimer({
      clock,
      alarm: {
        get: () => alive(Promise.resolve(this.alarm.at)),
        set: (at) => alive(this.alarm.set(at)),
        delete: () => alive(this.alarm.delete()),
      },
      nextAt: () => beat.nextAt,
      declare: () => {
        this.#declare(beat);
      },
      // As beat-object.ts: it never rejects.
      fire: () => alive(beat.tick().catch(() => undefined)),
    });
    return [beat, timer];
  }

  /** Who died over a statement comes to no other, whatever it catches. */
  #guarded(isAlive: () => boolean): SqlPort {
    const check = () => {
      if (!isAlive()) throw new Crash("is dead");
    };
    return {
      exec: (sql, ...params) => {
        check();
        return this.#sql.exec(sql, ...params);
      },
      transaction: (fn) => {
        check();
        return this.#sql.transaction(fn);
      },
    };
  }

  #declare(beat: TaskBeat): void {
    const { oracle } = this.#parts;
    beat.declare(this.declared, (name) => `code:${name}`);
    const names = new Set(this.declared.map(({ name }) => name));
    for (const { name, settings } of this.declared) {
      const known = oracle.settingsOf(name);
      if (known === undefined) oracle.made(name, `code:${name}`, settings, this.#seen);
      else if (JSON.stringify(known) !== JSON.stringify(settings)) {
        oracle.changed(name, settings, this.#seen);
      }
    }
    for (const name of oracle.names()) {
      const settings = oracle.settingsOf(name);
      if (!name.startsWith("declared") || names.has(name) || settings?.enabled !== true) continue;
      oracle.changed(name, { ...settings, enabled: false }, this.#seen);
    }
  }

  /**
   * The handler of the alarm. Where its object died the platform runs it again, and gives up some day, unless it
   * had set the next alarm by then.
   */
  #ring(tries: number): void {
    const { world } = this.#parts;
    const epoch = this.#epoch;
    this.#run(() => this.#timer.rang());
    world.after(RING_AGAIN_MS * 2 ** tries, () => {
      const isAgain = epoch !== this.#epoch && this.alarm.at === null;
      if (isAgain && tries < MAX_RINGS && !world.chance(GIVEN_UP)) this.#ring(tries + 1);
    });
  }

  /** An admin's call: the change and the alarm for it are one turn, of which the platform keeps all or nothing. */
  #change(change: () => void): void {
    this.#run(() => {
      this.#isUndivided = true;
      try {
        change();
        return this.#timer.arm();
      } finally {
        this.#isUndivided = false;
      }
    });
  }

  /** What dies over its own statement is gone; everything else that is thrown is a bug. */
  #run(call: () => Promise<void>): void {
    const failed = (error: unknown) => {
      if (error instanceof Crash) return;
      this.violation ??= error instanceof Violation ? error : new Violation(String(error));
    };
    try {
      call().catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #submit(runs: readonly PlannedRun[]): Promise<RunAnswer[]> {
    const { world, oracle, count } = this.#parts;
    const { faults } = this;
    this.#isRecording = false;
    this.#watch(() => {
      oracle.planned(runs, this.#seen, (id) => (this.#tasks.get(id) ?? 0) > world.now());
    });
    const happens = (fault: keyof BeatFaults) => {
      const does = world.chance(faults[fault]);
      if (does) count.add(fault);
      return does;
    };
    const epoch = this.#epoch;
    if (happens("diesBeforeSubmit")) this.die();
    await world.sleep(
      happens("submitLate") ? world.between(1_000, 5 * MINUTE) : world.between(0, 20),
    );
    if (happens("submitLost")) throw new Error("the ledger can't be reached");
    const isDown = happens("shardDown");
    const answers = runs.map((run) => {
      if (isDown && world.chance(0.5)) return null;
      this.#arrive(run);
      return { taskId: run.key };
    });
    if (epoch === this.#epoch && happens("diesAfterSubmit")) this.die();
    await world.sleep(
      happens("submitLate") ? world.between(1_000, 5 * MINUTE) : world.between(0, 20),
    );
    if (happens("answerLost")) throw new Error("the answer got lost");
    if (epoch === this.#epoch) {
      this.#isRecording = true;
      const answered = runs.flatMap(({ schedule, slot, key }, index) =>
        answers[index] === null ? [] : [[`${schedule.id} ${slot}`, key] as const],
      );
      this.#answers = new Map(answered);
    }
    return answers;
  }

  #arrive(run: PlannedRun): void {
    const { world, oracle } = this.#parts;
    const isNew = !this.#tasks.has(run.key);
    const slot = new Date(run.slot).toISOString();
    this.#note(`${run.schedule.name} is fired ${isNew ? "" : "again "}for ${slot}`);
    this.#watch(() => {
      oracle.arrived(run, isNew);
    });
    if (isNew) this.#tasks.set(run.key, world.now() + world.between(0, 20 * MINUTE));
  }

  #note(what: string): void {
    this.#parts.world.note(`${new Date(this.clock()).toISOString()} ${what}`);
  }

  async #isUnfinished(taskId: string): Promise<boolean> {
    const { world, count } = this.#parts;
    if (world.chance(this.faults.unknownEnds)) {
      count.add("unknownEnds");
      throw new Error("the shard can't be reached");
    }
    return (this.#tasks.get(taskId) ?? 0) > world.now();
  }

  #watch(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }
}
