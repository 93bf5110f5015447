/** What every system is asked to do, each in the fast way that its documentation shows. */
export interface Running {
  /** Tasks that do nothing, in as few calls as it offers. @returns seconds from the first call to the last result */
  bulk(count: number): Promise<number>;
  /** The same with a call for each task. */
  single(count: number): Promise<number>;
  /** Tasks that await the answer of an HTTP server. */
  http(count: number, url: string): Promise<number>;
  /** One task after another. @returns milliseconds from each call to its result */
  latency(count: number): Promise<number[]>;
  /** Twenty tasks, each with the result of the one before; so many times. */
  chain(count: number): Promise<number[]>;
  /** A hundred tasks and one that gets all their results; so many times. */
  chord(count: number): Promise<number[]>;
  /**
   * Calls tasks of about 20 ms that GET and then POST `<url><their number>`: half of those that are killed in
   * the middle have had their effect. Comes back when all are accepted.
   */
  effects(count: number, url: string): Promise<void>;
  /** Tasks that it still has to run, now or later; null: it can't be asked. */
  held(): Promise<number | null>;
  /** `kill -9` of what runs the tasks, with all its processes. */
  killWorker(): Promise<void>;
  restartWorker(): Promise<void>;
  /** Resident memory of all its processes, without the application that calls. */
  memoryMiB(): number;
  /** Kills everything it started; a second time nothing. */
  stop(): Promise<void>;
}

/** Where a system may put things, and the port that is its own. */
export interface Place {
  /** A folder that is there, empty, and removed when it has ended. */
  readonly dir: string;
  readonly port: number;
}

/** How much is asked of a system in one round, so that each takes a second or a few. */
export interface Sizes {
  readonly bulk: number;
  readonly single: number;
  readonly http: number;
}

/** Something that can be measured beside others. */
export interface System {
  /** As it is chosen on the command line. */
  readonly name: string;
  /** As it is called in the table. */
  readonly title: string;
  readonly sizes: Sizes;
  /** What is missing here and how to install it; null: nothing. */
  missing(): string | null;
  /** What happens once and isn't part of a start: migrations. */
  prepare?(place: Place): Promise<void>;
  /** Starts it in an empty place, and returns when it has run a first task. */
  start(place: Place): Promise<Running>;
}
