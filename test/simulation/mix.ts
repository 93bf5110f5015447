/** What one history of a mix came to. */
export interface MixReport {
  /** Tasks that its clients, its schedules and its canvases made. */
  readonly tasks: number;
  /** How often each fault really happened, by its name. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often what its promises are about happened, by name: each has to, sooner or later. Absent: not counted. */
  readonly events?: Readonly<Record<string, number>>;
}

/** A kind of history: what is done in it, and what goes wrong. */
export interface Mix {
  readonly name: string;
  /**
   * Runs the history of a seed: the same seed and number of tasks are the same history.
   * @param tasks at least so many
   * @param note told what happens, line by line; absent: nobody reads it
   * @throws Violation naming the mix and the seed
   */
  run(seed: number, tasks: number, note?: (line: string) => void): Promise<MixReport>;
}
