import {
  AttemptLog,
  LOG_LEVELS,
  reportedState,
  type Clock,
  type LogLevel,
  type LogLine,
  type ReportedState,
  type TaskLog,
  type TaskReport,
  type Timers,
} from "#engine";

/** Reports of one consumer are sent this long after each other at the least. */
const REPORT_MS = 250;

/** What one attempt has said by now. It may go on talking after its end; nobody hears it. */
export class AttemptNotes {
  readonly #clock: Clock;
  readonly #changed: (notes: AttemptNotes) => void;
  readonly #id: string;
  readonly #token: number;
  readonly #log = new AttemptLog();
  #state: ReportedState | null = null;
  #seq = 0;

  constructor(parts: {
    id: string;
    token: number;
    clock: Clock;
    changed: (notes: AttemptNotes) => void;
  }) {
    this.#id = parts.id;
    this.#token = parts.token;
    this.#clock = parts.clock;
    this.#changed = parts.changed;
  }

  /** @throws InvalidOptionError */
  updateState(state: string, meta?: Readonly<Record<string, unknown>>): void {
    this.#state = reportedState(state, meta);
    this.#say();
  }

  /** The attempt's log as its handler sees it. */
  readonly log: TaskLog = Object.assign(
    (message: string, fields?: Readonly<Record<string, unknown>>) => {
      this.#add("info", message, fields);
    },
    Object.fromEntries(
      LOG_LEVELS.map((level) => [
        level,
        (message: string, fields?: Readonly<Record<string, unknown>>) => {
          this.#add(level, message, fields);
        },
      ]),
    ) as Record<LogLevel, (message: string) => void>,
  );

  /** Null: nothing was logged. */
  logs(): readonly LogLine[] | null {
    return this.#log.lines();
  }

  toReport(): TaskReport {
    return {
      id: this.#id,
      token: this.#token,
      seq: this.#seq,
      state: this.#state,
      logs: this.logs(),
    };
  }

  #add(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log.add({ at: this.#clock.now(), level, message, fields });
    this.#say();
  }

  #say(): void {
    this.#seq += 1;
    this.#changed(this);
  }
}

/**
 * Carries what the attempts of one consumer say to the ledger: at once when nothing was sent lately, else
 * after a while and then only the newest. What gets lost comes with the next report or heartbeat.
 */
export class Reports {
  readonly #send: (reports: readonly TaskReport[]) => Promise<void>;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #open = new Set<AttemptNotes>();
  readonly #changed = new Set<AttemptNotes>();
  #cancelTimer: (() => void) | null = null;
  #isSoon = false;

  /** @param send may reject, or get lost */
  constructor(parts: {
    send: (reports: readonly TaskReport[]) => Promise<void>;
    clock: Clock;
    timers: Timers;
  }) {
    this.#send = parts.send;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
  }

  /**
   * The notes of an attempt that begins to say something.
   * @param isOver it has ended before: nobody hears it
   */
  open(id: string, token: number, isOver = false): AttemptNotes {
    const notes = new AttemptNotes({
      id,
      token,
      clock: this.#clock,
      changed: () => {
        if (!this.#open.has(notes)) return;
        this.#changed.add(notes);
        if (this.#cancelTimer === null) this.#flushSoon();
      },
    });
    if (!isOver) this.#open.add(notes);
    return notes;
  }

  /** The attempt is over, for this consumer at least. */
  close(notes: AttemptNotes): void {
    this.#open.delete(notes);
    this.#changed.delete(notes);
  }

  /** What all attempts that still run have said. */
  current(): TaskReport[] {
    return Array.from(this.#open, (notes) => notes.toReport());
  }

  stop(): void {
    this.#open.clear();
    this.#changed.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** After the current turn, so that what a handler says in one go is one report. */
  #flushSoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    queueMicrotask(() => {
      this.#isSoon = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#changed.size === 0) return;
    const reports = Array.from(this.#changed, (notes) => notes.toReport());
    this.#changed.clear();
    this.#cancelTimer = this.#timers.after(REPORT_MS, () => {
      this.#cancelTimer = null;
      this.#flush();
    });
    void this.#send(reports);
  }
}
