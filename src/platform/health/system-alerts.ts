import type { Clock, Lovage, Signature, SystemReport } from "#engine";

/** Between two looks. */
const LOOK_MS = 300_000;
/** What is wrong for less mends itself, as a rule. */
const LASTING_MS = 600_000;
/** One message in this time, at most: what is wrong stays wrong until somebody comes. */
const WINDOW_MS = 3_600_000;
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

/**
 * Tells the admins of agents that have not done their work for ten minutes, and of databases that are nearly full:
 * one message an hour at most, because the task's id belongs to the hour. A duty of the watchdog; the cron trigger
 * runs it when it doesn't reach the watchdog.
 */
export class SystemAlerts {
  readonly #parts: AlertParts;
  #lookedAt = -Infinity;
  /** When this one first saw what is wrong now, by name: an object that is out of reach says no time. */
  #seenAt: ReadonlyMap<string, number> = new Map();

  constructor(parts: AlertParts) {
    this.#parts = parts;
  }

  /** Looks around if the last look is some minutes ago. */
  async run(): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const { agents, usage } = await this.#parts.report();
    const wrong = agents.filter(({ problem }) => problem !== null);
    this.#seenAt = new Map(wrong.map(({ name }) => [name, this.#seenAt.get(name) ?? now]));
    const lasting = wrong.filter(({ name, problemSince }) => {
      const since = Math.min(problemSince ?? now, this.#seenAt.get(name) ?? now);
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
    const call = this.#parts.message(
      "The deployment needs you",
      `${lines.join("\n")}\n\nGET /api/system`,
    );
    const key = String(Math.floor(now / WINDOW_MS));
    // Known already, with other lines in it: that message is this hour's.
    await this.#parts.lovage.send(call, { route: "system-alert", key });
  }
}
