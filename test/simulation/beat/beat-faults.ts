/** How often things go wrong around Beat; probabilities per occasion. */
export interface BeatFaults {
  /** The ledger can't be asked, or its answer gets lost, or comes minutes later. */
  readonly submitLost: number;
  readonly answerLost: number;
  readonly submitLate: number;
  /** A shard is out of reach: some of the runs of a submit get no answer. */
  readonly shardDown: number;
  /** Whether a run has ended can't be known. */
  readonly unknownEnds: number;
  /** The object dies before a submit, before its answer, at a statement, or at any moment. */
  readonly diesBeforeSubmit: number;
  readonly diesAfterSubmit: number;
  readonly diesAtStatement: number;
  readonly dies: number;
  /** The alarm comes late, twice, or is lost; then it is gone, or answers its old time for ever. */
  readonly alarmLate: number;
  readonly alarmDoubled: number;
  readonly alarmLost: number;
  /** Ten ticks of the cron trigger come at once. */
  readonly cronBurst: number;
  /** The clock jumps, or stands still for a while. */
  readonly clockJumps: number;
  readonly clockFreezes: number;
}

export const NO_BEAT_FAULTS: BeatFaults = {
  submitLost: 0,
  answerLost: 0,
  submitLate: 0,
  shardDown: 0,
  unknownEnds: 0,
  diesBeforeSubmit: 0,
  diesAfterSubmit: 0,
  diesAtStatement: 0,
  dies: 0,
  alarmLate: 0,
  alarmDoubled: 0,
  alarmLost: 0,
  cronBurst: 0,
  clockJumps: 0,
  clockFreezes: 0,
};

/** What a history may have besides; each has some of them. */
export const ALL_BEAT_FAULTS: BeatFaults = {
  submitLost: 0.05,
  answerLost: 0.05,
  submitLate: 0.05,
  shardDown: 0.05,
  unknownEnds: 0.05,
  diesBeforeSubmit: 0.03,
  diesAfterSubmit: 0.03,
  diesAtStatement: 0.0005,
  dies: 0.5,
  alarmLate: 0.1,
  alarmDoubled: 0.1,
  alarmLost: 0.05,
  cronBurst: 0.05,
  clockJumps: 0.5,
  clockFreezes: 0.5,
};

/** How often each really happened, by its name. */
export class FaultCount {
  readonly #counts = new Map<string, number>();

  add(fault: string): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
  }

  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}
