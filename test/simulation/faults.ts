/** How often things go wrong in a simulation; probabilities per occasion. */
export interface Faults {
  /** A doorbell is lost, comes 2 … 5 times, or up to two minutes late (which reorders them). */
  readonly bellLost: number;
  readonly bellDoubled: number;
  readonly bellLate: number;
  /** `send` throws, before or after the message was taken. */
  readonly ringThrows: number;
  /** The ledger can't reach a consumer to run without a bell. */
  readonly directFails: number;
  /** Calls of consumers and clients to the ledger: lost on either way, run twice, up to 40 s late. */
  readonly requestLost: number;
  readonly answerLost: number;
  readonly requestDoubled: number;
  readonly callLate: number;
  /** A consumer dies before or after one of its calls, or in the middle of a handler. */
  readonly consumerDies: number;
  /** A consumer stands still for longer than its leases, then goes on as if nothing had been. */
  readonly consumerFreezes: number;
  /** The ledger's object dies before or after a command, or at any moment. */
  readonly ledgerDies: number;
  /** It dies at a statement or at the commit, in the middle of a transaction. */
  readonly diesAtStatement: number;
  /** A statement or the commit throws, and the object lives on. */
  readonly statementFails: number;
  /** The alarm comes up to 75 s late, not at all, or twice. */
  readonly alarmLate: number;
  readonly alarmDropped: number;
  readonly alarmDoubled: number;
  /** D1 fails before or after its commit, or is down for a while. */
  readonly historyFails: number;
  readonly historyDown: number;
  /** The ledger's clock jumps by up to ten minutes, forward or back. */
  readonly clockJumps: number;
  /** Share of tasks that kill their consumer whenever they run. */
  readonly poison: number;
}

export const NO_FAULTS: Faults = {
  bellLost: 0,
  bellDoubled: 0,
  bellLate: 0,
  ringThrows: 0,
  directFails: 0,
  requestLost: 0,
  answerLost: 0,
  requestDoubled: 0,
  callLate: 0,
  consumerDies: 0,
  consumerFreezes: 0,
  ledgerDies: 0,
  diesAtStatement: 0,
  statementFails: 0,
  alarmLate: 0,
  alarmDropped: 0,
  alarmDoubled: 0,
  historyFails: 0,
  historyDown: 0,
  clockJumps: 0,
  poison: 0,
};

const mix = (faults: Partial<Faults>): Faults => ({ ...NO_FAULTS, ...faults });

/** Messages that get lost, doubled or delayed: nobody dies. */
export const MESSAGE_MIXES = {
  none: NO_FAULTS,
  duplicates: mix({ bellDoubled: 0.5, requestDoubled: 0.2, alarmDoubled: 0.5 }),
  "late bells": mix({ bellLate: 0.5 }),
  "lost bells": mix({ bellLost: 0.3 }),
  "no bells at all": mix({ bellLost: 1 }),
  "ringing throws": mix({ ringThrows: 0.7 }),
  "bells are the only way": mix({ bellLost: 0.5, directFails: 1 }),
  "calls get lost": mix({ requestLost: 0.1, answerLost: 0.1 }),
  "calls come late": mix({ callLate: 0.15, requestDoubled: 0.1 }),
  "alarms fail": mix({ alarmLate: 0.5, alarmDropped: 0.2, alarmDoubled: 0.2, bellLost: 0.3 }),
} satisfies Record<string, Faults>;

/** Somebody dies, stands still or breaks. */
export const CRASH_MIXES = {
  "consumers die": mix({ consumerDies: 0.08 }),
  zombies: mix({ consumerFreezes: 0.1 }),
  "the object dies": mix({ ledgerDies: 0.1 }),
  "the object dies all the time": mix({ ledgerDies: 0.5, bellLost: 0.5 }),
  "the object dies at a statement": mix({ diesAtStatement: 0.02 }),
  "statements fail": mix({ statementFails: 0.02 }),
  "D1 fails": mix({ historyFails: 0.4, ledgerDies: 0.03 }),
  "D1 is down": mix({ historyDown: 0.5 }),
  "clocks jump": mix({ clockJumps: 0.1, ledgerDies: 0.03 }),
  poison: mix({ poison: 0.15 }),
  everything: mix({
    bellLost: 0.1,
    bellDoubled: 0.1,
    bellLate: 0.1,
    ringThrows: 0.05,
    directFails: 0.3,
    requestLost: 0.03,
    answerLost: 0.03,
    requestDoubled: 0.03,
    callLate: 0.03,
    consumerDies: 0.03,
    consumerFreezes: 0.02,
    ledgerDies: 0.03,
    diesAtStatement: 0.003,
    alarmLate: 0.1,
    alarmDropped: 0.05,
    alarmDoubled: 0.05,
    historyFails: 0.1,
    historyDown: 0.2,
    clockJumps: 0.02,
    poison: 0.05,
  }),
} satisfies Record<string, Faults>;

export const MIXES: Readonly<Record<string, Faults>> = { ...MESSAGE_MIXES, ...CRASH_MIXES };
