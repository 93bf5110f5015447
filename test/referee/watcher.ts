import type { Client } from "./client.ts";
import type { Journal } from "./journal.ts";

const MAX_WATCHED = 200;
/** Looks at a task after its end, before it is let go. */
const LOOKS_AFTER = 3;
const TERMINAL = new Set(["SUCCESS", "FAILURE", "REVOKED", "IGNORED"]);

interface Watched {
  readonly id: string;
  /** Attempts that were seen. */
  attempts: number;
  /** What was read after its end, state, result and time; null: it has not ended. */
  ended: string | null;
  looks: number;
}

/** Reads tasks again and again, as impatient clients do, and holds what they say against what they said. */
export class Watcher {
  polls = 0;
  readonly #client: Client;
  readonly #journal: Journal;
  #watched: Watched[] = [];
  #next = 0;

  constructor(client: Client, journal: Journal) {
    this.#client = client;
    this.#journal = journal;
  }

  /** Looks at it from now on, if there is room. */
  add(id: string): void {
    if (this.#watched.length >= MAX_WATCHED) return;
    this.#watched.push({ id, attempts: 0, ended: null, looks: 0 });
  }

  /** For a server that was brought back from older data: what it said before is not true any more. */
  forget(): void {
    this.#watched = [];
  }

  /** Looks at one task. */
  async look(): Promise<void> {
    const all = this.#watched;
    const seen = all[this.#next % Math.max(1, all.length)];
    this.#next += 1;
    if (seen === undefined) return;
    const { outcome, status, text } = await this.#client.get(`/api/tasks/${seen.id}/`);
    // Brought back meanwhile, or let go.
    if (!this.#watched.includes(seen)) return;
    if (outcome === "fail" && status !== 0) this.#journal.wrong("poll", { id: seen.id, status });
    if (outcome !== "ok") return;
    this.polls += 1;
    this.#compare(seen, text);
    if (seen.looks > LOOKS_AFTER) this.#watched = this.#watched.filter((other) => other !== seen);
  }

  #compare(seen: Watched, text: string): void {
    const task = JSON.parse(text) as {
      readonly state: string;
      readonly attempts: readonly unknown[];
    };
    const isEnded = TERMINAL.has(task.state);
    const wrong = (what: string) => {
      this.#journal.wrong("poll", { what, id: seen.id, before: seen.ended, now: text });
    };
    if (seen.ended !== null && seen.ended !== text) wrong("its end changed");
    if (task.attempts.length < seen.attempts) wrong("attempts are gone");
    seen.attempts = Math.max(seen.attempts, task.attempts.length);
    if (isEnded) {
      seen.ended ??= text;
      seen.looks += 1;
    }
  }
}
