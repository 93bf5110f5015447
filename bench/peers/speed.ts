import type { Receiver } from "./receiver.ts";
import type { Running, System } from "./system.ts";

/** What one round measures of one system: seconds become tasks per second, times stay milliseconds. */
export interface Round {
  readonly bulk: number;
  readonly single: number;
  readonly http: number;
  readonly latency: readonly number[];
  readonly chain: readonly number[];
  readonly chord: readonly number[];
}

/** How much less is asked for in a quick run, which only shows that all works. */
const QUICK = 10;
const LATENCIES = 200;
const CANVASES = 5;

export type Workload = keyof Round;
type Measure = (running: Running, system: System) => Promise<number | number[]>;

/** What every system does in turn. @param isQuick a tenth of it */
export function workloads(
  receiver: Receiver,
  isQuick: boolean,
): Readonly<Record<Workload, Measure>> {
  const sized = (count: number) => (isQuick ? Math.ceil(count / QUICK) : count);
  const rate = async (count: number, load: (count: number) => Promise<number>) =>
    count / (await load(count));
  return {
    bulk: (running, { sizes }) => rate(sized(sizes.bulk), (count) => running.bulk(count)),
    single: (running, { sizes }) => rate(sized(sizes.single), (count) => running.single(count)),
    http: (running, { sizes }) =>
      rate(sized(sizes.http), (count) => running.http(count, receiver.url)),
    latency: (running) => running.latency(sized(LATENCIES)),
    chain: (running) => running.chain(CANVASES),
    chord: (running) => running.chord(CANVASES),
  };
}
