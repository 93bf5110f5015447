import type { Clock, DeadLetterGroup, Lovage, Signature } from "#engine";
import type { DutyMemory } from "../watchdog/duty-rounds.ts";

export interface AlertSettings {
  /** So many dead letters in one window are worth a message. */
  readonly threshold: number;
  readonly windowMs: number;
}

/** Groups that one message names. */
const MAX_NAMED = 20;

/**
 * Tells the admins of new dead letters: at most one message a window, however many there are, so that a
 * provider that is down does not send a thousand mails. Runs as a duty of the watchdog; a second run, or
 * one in another process, makes no second message, because the task's id belongs to the window.
 */
export class DeadLetterAlerts {
  readonly #groups: (from: number, to: number) => Promise<DeadLetterGroup[]>;
  readonly #lovage: Lovage;
  readonly #message: (subject: string, message: string) => Signature;
  readonly #hasReaders: () => Promise<boolean>;
  readonly #exempt: readonly string[];
  readonly #clock: Clock;
  readonly #settings: AlertSettings;

  constructor(parts: {
    /** Unresolved dead letters that ended in this time. */
    groups: (from: number, to: number) => Promise<DeadLetterGroup[]>;
    lovage: Lovage;
    /** The call that sends a message. */
    message: (subject: string, message: string) => Signature;
    /** Whether there is anybody who would get it. */
    hasReaders: () => Promise<boolean>;
    /** The tasks that bring a message: their own dead letters are no reason for another. */
    exempt: readonly string[];
    clock: Clock;
    settings: AlertSettings;
  }) {
    this.#groups = parts.groups;
    this.#lovage = parts.lovage;
    this.#message = parts.message;
    this.#hasReaders = parts.hasReaders;
    this.#exempt = parts.exempt;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
  }

  /**
   * Looks at this window, and at the last one: something may have failed after the last look. What nobody could look at
   * for longer (D1 was away, or the watchdog) is told together. Rows written: 1 a window.
   */
  async run(memory: DutyMemory): Promise<void> {
    const { windowMs } = this.#settings;
    const current = Math.floor(this.#clock.now() / windowMs) * windowMs;
    const seen = await memory.read<number>();
    const last = seen ?? current;
    await this.#alert(current - windowMs, current);
    await this.#alert(current, current + windowMs);
    // What ended just before D1 was away came late to it, so some may be told again.
    const from = last - windowMs;
    const isLate = last < current - windowMs;
    if (isLate) await this.#alert(from, current - windowMs, `${from} to ${current}`);
    if (seen !== current) await memory.write(current);
  }

  /** @param key of the message: the same is told once */
  async #alert(from: number, to: number, key = String(from)): Promise<void> {
    const { threshold } = this.#settings;
    const all = await this.#groups(from, to);
    const groups = all.filter(({ name }) => !this.#exempt.includes(name));
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    if (count < threshold || !(await this.#hasReaders())) return;
    const call = this.#message(
      `${count} ${count === 1 ? "task has" : "tasks have"} failed for good`,
      groups.slice(0, MAX_NAMED).map(lineOf).join("\n"),
    );
    // Known already, with fewer or more failures in it: that message is this time's.
    await this.#lovage.send(call, { route: "dead-letter-alert", key });
  }
}

function lineOf({ name, excType, count, ids }: DeadLetterGroup): string {
  return `${count} × ${name}: ${excType} (${ids.join(", ")}${count > ids.length ? ", …" : ""})`;
}
