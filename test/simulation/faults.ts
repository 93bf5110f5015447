/** How often things go wrong in a simulation; probabilities per occasion. */
export interface Faults {
  readonly bellLost: number;
  readonly bellDoubled: number;
  readonly bellLate: number;
  /** `send` throws, before or after the message was taken. */
  readonly ringThrows: number;
  readonly requestLost: number;
  readonly answerLost: number;
  readonly requestDoubled: number;
  /** A consumer dies at one of its calls. */
  readonly consumerDies: number;
  /** The ledger's object dies between two calls, or at a statement. */
  readonly ledgerDies: number;
  readonly diesAtStatement: number;
  /** A statement fails and the object lives on. */
  readonly statementFails: number;
  readonly alarmLate: number;
  readonly alarmDropped: number;
  readonly historyFails: number;
  readonly clockJumps: number;
  /** Share of tasks that kill their consumer. */
  readonly poison: number;
}

export const NO_FAULTS: Faults = {
  bellLost: 0,
  bellDoubled: 0,
  bellLate: 0,
  ringThrows: 0,
  requestLost: 0,
  answerLost: 0,
  requestDoubled: 0,
  consumerDies: 0,
  ledgerDies: 0,
  diesAtStatement: 0,
  statementFails: 0,
  alarmLate: 0,
  alarmDropped: 0,
  historyFails: 0,
  clockJumps: 0,
  poison: 0,
};

/** What a simulation may suffer from; every mix runs with many seeds. */
export const MIXES: Readonly<Record<string, Faults>> = {
  none: NO_FAULTS,
  duplicates: { ...NO_FAULTS, bellDoubled: 0.5, requestDoubled: 0.2 },
  "late bells": { ...NO_FAULTS, bellLate: 0.5 },
  "lost bells": { ...NO_FAULTS, bellLost: 0.3 },
  "no bells at all": { ...NO_FAULTS, bellLost: 1 },
  "ringing throws": { ...NO_FAULTS, ringThrows: 0.7 },
  "consumers die": { ...NO_FAULTS, consumerDies: 0.08 },
  "calls get lost": { ...NO_FAULTS, requestLost: 0.1, answerLost: 0.1 },
  "the object dies": { ...NO_FAULTS, ledgerDies: 0.1 },
  "the object dies at a statement": { ...NO_FAULTS, diesAtStatement: 0.02 },
  "statements fail": { ...NO_FAULTS, statementFails: 0.02 },
  "alarms fail": { ...NO_FAULTS, alarmLate: 0.5, alarmDropped: 0.2, bellLost: 0.3 },
  "D1 fails": { ...NO_FAULTS, historyFails: 0.4, ledgerDies: 0.03 },
  "clocks jump": { ...NO_FAULTS, clockJumps: 0.1 },
  poison: { ...NO_FAULTS, poison: 0.15 },
  everything: {
    bellLost: 0.1,
    bellDoubled: 0.1,
    bellLate: 0.1,
    ringThrows: 0.05,
    requestLost: 0.03,
    answerLost: 0.03,
    requestDoubled: 0.03,
    consumerDies: 0.03,
    ledgerDies: 0.03,
    diesAtStatement: 0.003,
    statementFails: 0.003,
    alarmLate: 0.1,
    alarmDropped: 0.05,
    historyFails: 0.1,
    clockJumps: 0.02,
    poison: 0.05,
  },
};
