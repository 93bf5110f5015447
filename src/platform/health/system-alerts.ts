import type { Clock, Lovage, Signature, SystemReport } from "#engine";

/** Between two looks. */
const LOOK_MS = 300_000;
/** What is wrong for less mends itself, as a rule. */
const LASTING_MS = 600_000;
/** One message in this time, at most: what is wrong stays wrong until somebody comes. */
const WINDOW_MS = 3_600_000;
/** Lines of one message: a line has 400 characters at most, and a message 20,000. */
const MAX_LINES = 50;
/** A database that is so full needs a person. */
const FULL = 0.9;

interface AlertParts {
  /** What it says of agents and usage; findings are told by others. */
  readonly report: () => Promise<SystemReport>;
  readonly lovage: Lovage;
  /** The call that sends a message. */
  readonly message: (subject: string, message: string) => Signature;
  /** Whether there is anybody who would get it. */
  readonly hasReaders: () => Promise<boolean>;
  readonly clock: Clock;
}

/** What a look leaves for the next one. Times are epoch ms. */
export interface LastLook {
  readonly at: number;
  /** When what was wrong then was first seen so, by name: an object that is out of reach says no time. */
  readonly seenAt: Readonly<Record<string, number>>;
}

/** Where that is kept from look to look: half an hour of them, so not in an object's or isolate's own memory. */
export interface LookMemory {
  read(): Promise<LastLook | undefined>;
  write(look: LastLook): Promise<void>;
}

/**
 * Tells the admins of agents that have not done their work for ten minutes, and of databases that are nearly full:
 * one message an hour at most, because the task's id belongs to the hour. A duty of the watchdog; the cron trigger
 * runs it when it doesn't reach the watchdog.
 */
export class SystemAlerts {
  readonly #parts: AlertParts;

  constructor(parts: AlertParts) {
    this.#parts = parts;
  }

  /** Looks around if the last look is some minutes ago. Writes to its memory once for each look. */
  async run(memory: LookMemory): Promise<void> {
    const now = this.#parts.clock.now();
    const last = await memory.read();
    // A look in the future was one of a clock that went wrong.
    if (last !== undefined && last.at <= now && now - last.at < LOOK_MS) return;
    const { agents, usage } = await this.#parts.report();
    const wrong = agents.filter(({ problem }) => problem !== null);
    // What was wrong long ago may have been well since.
    const before = last !== undefined && now - last.at < LASTING_MS ? last.seenAt : {};
    const seenAt = Object.fromEntries(
      wrong.map(({ name }) => [name, Math.min(before[name] ?? now, now)]),
    );
    await memory.write({ at: now, seenAt });
    const lasting = wrong.filter(({ name, problemSince }) => {
      const since = Math.min(problemSince ?? now, seenAt[name] ?? now);
      return now - since >= LASTING_MS;
    });
    const lines = [
      ...lasting.map(({ name, problem }) => `${name}: ${problem ?? ""}`),
      ...usage
        .filter(({ used, limit }) => used >= limit * FULL)
        .map(({ name, used, limit, unit }) => `${name}: ${used} of ${limit} ${unit} are used.`),
    ];
    if (lines.length > 0 && (await this.#parts.hasReaders())) await this.#tell(lines, now);
  }

  async #tell(lines: readonly string[], now: number): Promise<void> {
    const more = lines.length - MAX_LINES;
    const shown = [...lines.slice(0, MAX_LINES), ...(more > 0 ? [`… and ${more} more.`] : [])];
    const call = this.#parts.message(
      "The deployment needs you",
      `${shown.join("\n")}\n\nGET /api/system`,
    );
    const key = String(Math.floor(now / WINDOW_MS));
    // Known already, with other lines in it: that message is this hour's.
    await this.#parts.lovage.send(call, { route: "system-alert", key });
  }
}
