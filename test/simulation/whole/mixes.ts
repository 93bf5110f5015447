import type { Mix, MixReport } from "../mix.ts";
import { Violation } from "../violation.ts";
import { checkAnswers } from "./answer-check.ts";
import { checkEnd } from "./end-check.ts";
import { NO_WHOLE_FAULTS, type WholeFaults } from "./faults.ts";
import { Whole, type WholeOptions } from "./whole.ts";
import type { Share } from "./workload.ts";

const USUAL: Share = {
  canvases: 0.06,
  poison: 0,
  retired: 0,
  insistent: 0,
  tenants: 0,
  widest: 40,
};

/** Work that is due starts within this, whatever becomes of the doorbells. (G20) */
const LATEST_START_MS = 60_000;

interface Kind {
  readonly faults?: Partial<WholeFaults>;
  readonly share?: Partial<Share>;
  /** What follows from these, and has to happen too. */
  readonly follows?: readonly string[];
  /** Beginnings of its histories, epoch ms, in turn. */
  readonly starts?: readonly number[];
  /** Everything due starts within a minute. */
  readonly isPrompt?: boolean;
}

/** Half a minute before a zone's clocks change: Berlin in spring and in autumn, and an ordinary day. */
const CHANGES = ["2027-03-28T00:59:30Z", "2027-10-31T00:59:30Z", "2027-06-01T12:00:00Z"];

const KINDS: Readonly<Record<string, Kind>> = {
  none: {},
  dup: {
    faults: {
      ...{ bellDoubled: 0.7, requestDoubled: 0.2, alarmDoubled: 0.5, cronDoubled: 0.5 },
    },
  },
  reorder: { faults: { bellLate: 0.5, messageLate: 0.2 } },
  drop30: { faults: { bellLost: 0.3 } },
  noqueue: { faults: { bellLost: 1, ringThrows: 0.5 }, isPrompt: true },
  "crash-before": { faults: { consumerDies: 0.03 } },
  "crash-after-effect": { faults: { diesAfterEffect: 0.01 } },
  zombie: { faults: { consumerFreezes: 0.02 }, follows: ["staleSteps"] },
  "rpc-loss": {
    faults: {
      ...{ requestLost: 0.08, answerLost: 0.08, requestDoubled: 0.05, callLate: 0.03 },
      ...{ messageLost: 0.1, outage: 1 },
    },
  },
  "evict-storm": {
    faults: {
      ...{ ledgerDies: 0.004, diesAtStatement: 0.0003, statementFails: 0.0003 },
      ...{ limiterDies: 0.1, beatDies: 0.2, bellLost: 0.1 },
    },
  },
  "alarm-chaos": {
    faults: { alarmLate: 0.4, alarmDropped: 0.2, alarmDoubled: 0.2, bellLost: 0.3 },
  },
  "clock-chaos": {
    faults: { clockJumps: 0.01, beatClock: 0.2, ledgerDies: 0.002, cronDoubled: 0.2 },
    starts: CHANGES.map((text) => Date.parse(text)),
  },
  poison: { share: { poison: 0.1 }, follows: ["poison"] },
  "canvas-heavy": {
    faults: { consumerDies: 0.01, ledgerDies: 0.004, bellLost: 0.1 },
    share: { canvases: 0.6, widest: 200 },
  },
  everything: {
    faults: {
      ...{ bellLost: 0.05, bellDoubled: 0.05, bellLate: 0.05, ringThrows: 0.03, directFails: 0.2 },
      ...{ requestLost: 0.01, answerLost: 0.01, requestDoubled: 0.01, callLate: 0.01 },
      ...{ consumerDies: 0.005, diesAfterEffect: 0.001, consumerFreezes: 0.003 },
      ...{ ledgerDies: 0.002, diesAtStatement: 0.0002, statementFails: 0.0002, limiterDies: 0.02 },
      ...{
        alarmLate: 0.05,
        alarmDropped: 0.03,
        alarmDoubled: 0.05,
        beatDies: 0.05,
        beatClock: 0.15,
      },
      ...{ historyFails: 0.05, historyDown: 0.5, clockJumps: 0.003, cronDoubled: 0.3 },
      ...{ messageLost: 0.02, messageLate: 0.02, outage: 0.5, swizzled: 0.3 },
    },
    share: { poison: 0.02 },
    follows: ["poison", "bellDied"],
  },
  deploy: {
    faults: { deployed: 1, consumerDies: 0.005, bellLost: 0.1 },
    share: { retired: 60 },
    follows: ["unknownTask"],
  },
  "clock-leap": { faults: { clockLeaps: 0.5, ledgerDies: 0.001 } },
  "retry-storm": { faults: { refuses: 0.9 }, share: { insistent: 80 } },
  "noisy-tenant": { faults: { noisy: 1 }, share: { tenants: 60 } },
  swizzle: { faults: { swizzled: 1, bellLost: 0.1 }, follows: ["bellDied"] },
};

/** The mixes of the engine: all of a deployment but a shop. */
export const ENGINE_MIXES: readonly Mix[] = Object.entries(KINDS).map(([name, kind]) => ({
  name,
  run: (seed, tasks, note) => runKind(name, kind, seed, tasks, note),
}));

/** The faults that are on in a mix: each has to happen in twenty of its histories. */
export function faultsOf(name: string): string[] {
  const { faults = {}, follows = [] } = KINDS[name] ?? {};
  return [...Object.keys(faults), ...follows];
}

async function runKind(
  name: string,
  kind: Kind,
  seed: number,
  tasks: number,
  note?: (line: string) => void,
): Promise<MixReport> {
  const start = kind.starts?.[seed % kind.starts.length];
  const options: WholeOptions = {
    faults: { ...NO_WHOLE_FAULTS, ...kind.faults },
    share: { ...USUAL, ...kind.share },
    tasks,
    ...(note !== undefined && { note }),
    ...(start !== undefined && { start }),
  };
  const whole = new Whole(seed, options);
  const begin = whole.world.now();
  try {
    await whole.run();
    checkEnd(whole, begin);
    const worst = Math.max(...whole.shards.map(({ referee }) => referee.worstDelayMs));
    if (kind.isPrompt === true && worst > LATEST_START_MS) {
      throw new Violation(`a start came ${worst} ms late`);
    }
    return { tasks: whole.records.ends.size, faults: whole.faults, events: checkAnswers(whole) };
  } catch (error) {
    throw new Violation(`mix ${name}, seed ${seed}, ${tasks} tasks: ${String(error)}`, {
      cause: error,
    });
  } finally {
    whole.close();
  }
}
