import { bill, call, median, round2, totals, untilRecorded } from "./measure.ts";

const CHAINS = 15;
const ROUNDS = 3;

const noop = (n: number) => ({ name: "bench_noop", kwargs: { n } });
const many = (count: number) => Array.from({ length: count }, (_, n) => noop(n));
const body = { name: "bench_size" };

/** Chords in chords: each header has two members and, but for the innermost, the next chord. */
function nested(depth: number): unknown {
  const header = depth === 1 ? many(3) : [noop(1), noop(2), nested(depth - 1)];
  return { chord: { header, body } };
}

/** From the submit to the answer that has the result; what it writes, by its tasks. */
async function measure(url: string, canvas: unknown, tasks: number, rounds: number) {
  const before = await totals(url);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    const { canvas_id: id } = JSON.parse(
      await call(`${url}/api/canvas/`, JSON.stringify(canvas)),
    ) as { canvas_id: string };
    let state = "SUSPENDED";
    while (state === "SUSPENDED") {
      const answer = await call(`${url}/api/canvas/${id}/?wait=60&limit=1`);
      ({ state } = JSON.parse(answer) as { state: string });
    }
    if (state !== "SUCCESS") throw new Error(`Canvas ${id} is ${state}.`);
    times.push(performance.now() - startedAt);
  }
  // The canvas itself is recorded too.
  await untilRecorded(url, before, rounds * (tasks + 1));
  const units = bill(before, await totals(url), rounds * tasks, rounds);
  return { median_ms: round2(median(times)), ...units };
}

/** Canvases of tasks that do nothing; units per task. */
export async function canvases(url: string) {
  const chain = { chain: [noop(0), ...Array.from({ length: 19 }, () => ({ name: "bench_noop" }))] };
  const chained = await measure(url, chain, 20, CHAINS);
  return {
    chain_of_20: { ...chained, link_ms: round2(chained.median_ms / 20) },
    chord_of_100: await measure(url, { chord: { header: many(100), body } }, 101, CHAINS),
    chords_5_deep: await measure(url, nested(5), 16, CHAINS),
    group_of_10000: await measure(url, { group: many(10_000) }, 10_000, ROUNDS),
    chord_of_10000: await measure(url, { chord: { header: many(10_000), body } }, 10_001, ROUNDS),
  };
}
