import { LovageError, type Clock, type Controls, type Timers } from "#engine";
import { AgentRecord, type AgentHealth } from "../health/agent-record.ts";
import { within } from "../health/within.ts";

/** A round ends after this, whoever is still at it: the next alarm can't ring before. */
const ROUND_MS = 20_000;
/** A duty that takes longer is said to hang. A first clearing of a long history may take a minute. */
const HANGING_MS = 120_000;
/** A duty that is still at it by then is given up, and begun anew. */
const LOST_MS = 300_000;

/** What one duty remembers from round to round: what an object has in memory is gone after ten quiet seconds. */
export interface DutyMemory {
  /** Undefined: it has written nothing yet. */
  read<Memory>(): Promise<Memory | undefined>;
  /** Rows written: 1. */
  write(value: unknown): Promise<void>;
}

/** Something the watchdog does on every round; each is tried, whatever becomes of the others. Safe to repeat. */
export interface WatchdogDuty {
  readonly name: string;
  /** What it does, for people. */
  readonly does: string;
  run(controls: Controls, memory: DutyMemory): Promise<void>;
}

interface DutyRecord {
  readonly agent: AgentRecord;
  /** The run that has not ended, and since when; null: none. */
  current: { readonly since: number; readonly end: Promise<void> } | null;
}

/**
 * Does the duties, round after round. One that throws or hangs holds up no other, and no round for longer than
 * ROUND_MS; while it is at it, a round doesn't begin it again.
 */
export class DutyRounds {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: (event: string, fields: Record<string, unknown>) => void;
  readonly #records = new Map<string, DutyRecord>();

  constructor(parts: {
    clock: Clock;
    timers: Timers;
    log: (event: string, fields: Record<string, unknown>) => void;
  }) {
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#log = parts.log;
  }

  /** Never throws. */
  async run(
    duties: readonly WatchdogDuty[],
    controls: Controls,
    memoryOf: (duty: string) => DutyMemory,
  ): Promise<void> {
    const ends = duties.map((duty) => this.#begin(duty, controls, memoryOf(duty.name)));
    // Those that are not through by then go on.
    await within(this.#timers, ROUND_MS, () => Promise.all(ends)).catch(() => undefined);
  }

  healthOf(duty: string): AgentHealth {
    return this.#recordOf(duty).agent.health;
  }

  /** See `AgentRecord.recall`; of duties that there are no more it means nothing. */
  recall(stored: Readonly<Record<string, AgentHealth>>): void {
    for (const [duty, health] of Object.entries(stored)) this.#recordOf(duty).agent.recall(health);
  }

  #begin(duty: WatchdogDuty, controls: Controls, memory: DutyMemory): Promise<void> {
    const record = this.#recordOf(duty.name);
    const now = this.#clock.now();
    const { current } = record;
    const takesMs = current === null ? 0 : now - current.since;
    if (takesMs >= HANGING_MS) {
      const seconds = Math.floor(takesMs / 1_000);
      this.#failed(duty, new LovageError("timed_out", `It has not ended for ${seconds} seconds.`));
    }
    if (current !== null && takesMs < LOST_MS) return current.end;
    const run = async () => duty.run(controls, memory);
    const end = run()
      .then(
        () => {
          record.agent.ran(this.#clock.now());
        },
        (error: unknown) => {
          this.#failed(duty, error);
        },
      )
      .finally(() => {
        if (record.current?.end === end) record.current = null;
      });
    record.current = { since: now, end };
    return end;
  }

  #failed({ name }: WatchdogDuty, error: unknown): void {
    this.#recordOf(name).agent.failed(this.#clock.now(), error);
    this.#log("duty_failed", { duty: name, error });
  }

  #recordOf(duty: string): DutyRecord {
    let record = this.#records.get(duty);
    if (record === undefined) {
      this.#records.set(duty, (record = { agent: new AgentRecord(), current: null }));
    }
    return record;
  }
}
