import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import type { MixReport } from "../../test/simulation/mix.ts";
import { ALL_MIXES, traceOf } from "../../test/simulation/mixes.ts";
import { optionsOf } from "../options.ts";

const PROGRESS_MS = 10_000;

interface Order {
  readonly mix: string;
  readonly seed: number;
  readonly length: number;
}
type Outcome = { readonly order: Order } & (
  | { readonly report: MixReport }
  | { readonly violation: string }
);

interface Total {
  seeds: number;
  tasks: number;
  violations: number;
  readonly faults: Map<string, number>;
}

async function carryOut(order: Order): Promise<Outcome> {
  const mix = ALL_MIXES.find(({ name }) => name === order.mix);
  if (mix === undefined) throw new Error(`There is no mix '${order.mix}'.`);
  try {
    return { order, report: await mix.run(order.seed, order.length) };
  } catch (error) {
    return { order, violation: error instanceof Error ? error.message : String(error) };
  }
}

/** A worker process: an order at a time, until none comes. */
export function serve(): void {
  process.on("message", (order: Order) => {
    void carryOut(order).then((outcome) => process.send?.(outcome));
  });
}

const { values } = optionsOf({
  allowPositionals: true,
  options: {
    tasks: { type: "string", default: "20000000" },
    mix: { type: "string" },
    seed: { type: "string" },
    from: { type: "string", default: "0" },
    length: { type: "string", default: "1000" },
    json: { type: "string" },
  },
});

function replayCommand({ mix, seed, length }: Order): string {
  return `npm run simulate -- --mix ${mix} --seed ${seed} --length ${length}`;
}

/** @returns the command's exit code */
async function replay({ mix, seed, length }: Order): Promise<number> {
  const { lines, violation } = await traceOf(mix, seed, length);
  for (const line of lines) console.log(line);
  if (violation === null) return 0;
  console.error(violation);
  return 1;
}

function add(totals: Map<string, Total>, { mix }: Order, report: MixReport | null): void {
  let total = totals.get(mix);
  if (total === undefined) {
    totals.set(mix, (total = { seeds: 0, tasks: 0, violations: 0, faults: new Map() }));
  }
  total.seeds += 1;
  if (report === null) {
    total.violations += 1;
    return;
  }
  total.tasks += report.tasks;
  for (const [name, count] of Object.entries(report.faults)) {
    total.faults.set(name, (total.faults.get(name) ?? 0) + count);
  }
}

const count = (n: number) => n.toLocaleString("en-US");

function show(totals: ReadonlyMap<string, Total>): void {
  console.log("\n| mix | seeds | tasks | violations | faults that happened |");
  console.log("| --- | ---: | ---: | ---: | --- |");
  for (const [mix, { seeds, tasks, violations, faults }] of totals) {
    const named = [...faults].map(([name, times]) => `${name} ${count(times)}`).join(", ");
    console.log(
      `| ${mix} | ${count(seeds)} | ${count(tasks)} | ${violations} | ${named || "none"} |`,
    );
  }
}

/** Runs the mixes in turn over all workers. @returns the first violation; null: none */
function runAll(totals: Map<string, Total>, program: string): Promise<string | null> {
  const names = ALL_MIXES.map(({ name }) => name).filter((name) => (values.mix ?? name) === name);
  if (names.length === 0) throw new Error(`There is no mix '${values.mix}'.`);
  const wanted = Number(values.tasks);
  const length = Number(values.length);
  let next = 0;
  let done = 0;
  const order = (): Order => ({
    mix: names[next % names.length] ?? "",
    seed: Number(values.from) + Math.floor(next++ / names.length),
    length,
  });
  const beganAt = performance.now();
  const progress = setInterval(() => {
    const seconds = (performance.now() - beganAt) / 1_000;
    console.log(`${count(done)} of ${count(wanted)} tasks, ${count(Math.round(done / seconds))}/s`);
  }, PROGRESS_MS);
  const workers: ChildProcess[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  for (let core = 0; core < availableParallelism(); core += 1) {
    const worker = fork(program, ["worker"]);
    workers.push(worker);
    worker.on("message", (outcome: Outcome) => {
      if ("violation" in outcome) {
        add(totals, outcome.order, null);
        resolve(`${outcome.violation}\n\nTo see it again: ${replayCommand(outcome.order)}`);
        return;
      }
      add(totals, outcome.order, outcome.report);
      done += outcome.report.tasks;
      if (done < wanted) worker.send(order());
      else resolve(null);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code !== null && code !== 0) reject(new Error(`a worker ended with ${code}`));
    });
    worker.send(order());
  }
  return promise.finally(() => {
    clearInterval(progress);
    for (const worker of workers) worker.kill();
  });
}

/**
 * The whole command.
 * @param program what a worker process starts
 * @returns its exit code
 */
export async function simulate(program: string): Promise<number> {
  if (values.mix !== undefined && values.seed !== undefined) {
    return replay({ mix: values.mix, seed: Number(values.seed), length: Number(values.length) });
  }
  const totals = new Map<string, Total>();
  const beganAt = performance.now();
  const violation = await runAll(totals, program);
  const seconds = (performance.now() - beganAt) / 1_000;
  const tasks = [...totals.values()].reduce((sum, total) => sum + total.tasks, 0);
  show(totals);
  console.log(`\n${count(tasks)} tasks in ${Math.round(seconds)} s`);
  if (values.json !== undefined) {
    const mixes = [...totals].map(([mix, total]) => ({
      ...{ mix, ...total },
      faults: Object.fromEntries(total.faults),
    }));
    mkdirSync(dirname(values.json), { recursive: true });
    writeFileSync(values.json, `${JSON.stringify({ tasks, seconds, mixes }, null, 2)}\n`);
  }
  if (violation !== null) {
    console.error(`\n${violation}`);
    return 1;
  }
  const bound = (3 / tasks).toExponential(1);
  console.log(
    `0 of ${count(tasks)} tasks broke a promise: at most ${bound} do, with 95 % certainty.`,
  );
  return 0;
}
