/**
 * `npm run bench -- --peers [names] [--quick] [--install]`: the same work on Lovage and on what else does it,
 * where that is installed. Prints the tables in Markdown and writes bench/results/peers.json with all rounds.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { bullmq, installBullmq } from "./bullmq.ts";
import { celery } from "./celery.ts";
import { killed } from "./kill.ts";
import { lovage } from "./lovage.ts";
import { Receiver } from "./receiver.ts";
import { Report } from "./report.ts";
import { workloads, type Round } from "./speed.ts";
import type { Place, Running, System } from "./system.ts";
import { workflows } from "./workflows.ts";

const FIRST_PORT = Number(process.env["BENCH_PORT"] ?? 8790);
/** Not in /tmp, which may be no disk: all systems write where Lovage does. */
const DIR = ".wrangler/peers";
const ROUNDS = 5;
/** No round is begun after so long: the whole takes 12 minutes at most, also where all is slow. */
const ROUNDS_MS = 5 * 60_000;
const COLD_STARTS = 3;
const SETTLE_MS = 2_000;
const WARM_UP = 20;
const KILLED_TASKS = 2_000;
const QUICK_PART = 4;

const LOVAGE = "lovage";

/** Measured for speed, in turns. */
const MEASURED: readonly System[] = [
  lovage(LOVAGE, "Lovage", "bench_effect"),
  celery("celery", "Celery"),
  celery("celery-synced", "Celery, synced", { isSynced: true }),
  bullmq("bullmq", "BullMQ"),
  bullmq("bullmq-synced", "BullMQ, synced", { isSynced: true }),
  workflows,
];

/** Killed in the middle of their tasks. */
const KILLED: readonly System[] = [
  lovage("lovage-plain", "Lovage, the whole server", "bench_effect"),
  lovage("lovage-once", "Lovage, the whole server, with `ctx.once`", "bench_effect_once"),
  celery("celery-worker", "Celery, its worker"),
  celery("celery-late", "Celery, its worker, `acks_late`, `reject_on_worker_lost`", {
    acksLate: true,
  }),
  celery("celery-all", "Celery, worker and Redis", { isKilledWhole: true }),
  celery("celery-all-synced", "Celery, worker and Redis, synced", {
    isKilledWhole: true,
    isSynced: true,
  }),
  bullmq("bullmq-worker", "BullMQ, its worker"),
  bullmq("bullmq-all", "BullMQ, worker and Redis", { isKilledWhole: true }),
  bullmq("bullmq-all-synced", "BullMQ, worker and Redis, synced", {
    isKilledWhole: true,
    isSynced: true,
  }),
  { ...workflows, title: "Workflows, the whole server" },
];

interface Options {
  /** Beginnings of names; empty: all. */
  readonly peers: readonly string[];
  readonly isQuick: boolean;
}

/** @param args what is on the command line after `--peers` */
export async function comparePeers(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // What runs ends with this process.
    process.once(signal, () => process.exit(1));
  }
  process.once("exit", removeFiles);
  removeFiles();
  const receiver = await Receiver.start();
  const report = new Report();
  try {
    const chosen = (systems: readonly System[]) =>
      systems.filter((system) => isChosen(system, options));
    for (const system of chosen(MEASURED)) {
      const how = system.missing();
      if (how === null) continue;
      console.log(`${system.title} is not installed and left out. To install it: ${how}`);
    }
    const there = (system: System) => system.missing() === null;
    await measureSpeed(chosen(MEASURED).filter(there), report, receiver, options);
    await measureKills(chosen(KILLED).filter(there), report, receiver, options);
  } finally {
    receiver.stop();
  }
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/peers.json", report.json());
  console.log(`\n${report.markdown(LOVAGE)}\n`);
}

function readOptions(args: readonly string[]): Options {
  const names = args.filter((arg) => !arg.startsWith("--")).flatMap((arg) => arg.split(","));
  const flags = args.filter((arg) => arg.startsWith("--"));
  const strange = [
    ...flags.filter((flag) => flag !== "--quick" && flag !== "--install"),
    ...names.filter((name) => !MEASURED.some((system) => system.name.startsWith(name))),
  ];
  if (strange.length > 0) throw new Error(`Not known: ${strange.join(" ")}`);
  if (flags.includes("--install")) installBullmq();
  return { peers: names, isQuick: flags.includes("--quick") };
}

function isChosen({ name }: System, { peers }: Options): boolean {
  const isOwn = name.startsWith(LOVAGE);
  return isOwn || peers.length === 0 || peers.some((peer) => name.startsWith(peer));
}

/** A new folder for each start, and ports in a row: one each for those that run side by side. */
function placeOf(name: string, index: number): Place {
  const dir = join(process.cwd(), DIR, name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return { dir, port: FIRST_PORT + index };
}

/** Processes that were killed a moment ago may still be at it. */
function removeFiles(): void {
  rmSync(DIR, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function say(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

/** What goes wrong with one system is said, and the others go on. @returns null if it went wrong */
async function tried<Result>(what: string, run: () => Promise<Result>): Promise<Result | null> {
  try {
    return await run();
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Starts each several times, and leaves it running at last. */
async function startAll(
  systems: readonly System[],
  report: Report,
  { isQuick }: Options,
): Promise<Map<System, Running>> {
  const running = new Map<System, Running>();
  const starts = isQuick ? 1 : COLD_STARTS;
  for (const [index, system] of systems.entries()) {
    await system.prepare?.(placeOf(`${system.name}-template`, index));
  }
  for (let start = 1; start <= starts; start += 1) {
    for (const [index, system] of systems.entries()) {
      const place = placeOf(system.name, index);
      const startedAt = performance.now();
      const started = await tried(`${system.title}, start`, () => system.start(place));
      if (started === null) continue;
      const seconds = (performance.now() - startedAt) / 1_000;
      report.of(system).coldStartSeconds.push(seconds);
      say(`${system.title}: first result after ${seconds.toFixed(2)} s`);
      if (start < starts) await started.stop();
      else running.set(system, started);
    }
  }
  return running;
}

async function measureSpeed(
  systems: readonly System[],
  report: Report,
  receiver: Receiver,
  options: Options,
): Promise<void> {
  const running = await startAll(systems, report, options);
  try {
    await pause(SETTLE_MS);
    for (const [system, each] of running) {
      report.of(system).idleMiB = each.memoryMiB();
      await tried(`${system.title}, warming up`, () => each.latency(WARM_UP));
    }
    const rounds = options.isQuick ? 1 : ROUNDS;
    const until = Date.now() + ROUNDS_MS;
    for (let round = 0; round < rounds && Date.now() < until; round += 1) {
      say(`round ${round + 1} of ${rounds}`);
      await measureRound(rotated([...running], round), report, receiver, options);
    }
    await pause(SETTLE_MS);
    for (const [system, each] of running) report.of(system).loadedMiB = each.memoryMiB();
  } finally {
    for (const each of running.values()) await each.stop();
  }
}

/** One workload after another, each on all systems in turn. */
async function measureRound(
  running: readonly [System, Running][],
  report: Report,
  receiver: Receiver,
  { isQuick }: Options,
): Promise<void> {
  const rounds = new Map<System, Partial<Round>>();
  for (const [workload, measure] of Object.entries(workloads(receiver, isQuick))) {
    say(`  ${workload}`);
    for (const [system, each] of running) {
      const result = await tried(`${system.title}, ${workload}`, () => measure(each, system));
      if (result !== null) rounds.set(system, { ...rounds.get(system), [workload]: result });
    }
  }
  for (const [system, round] of rounds) report.of(system).rounds.push(round);
}

/** So that none is always first. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const from = by % Math.max(1, items.length);
  return [...items.slice(from), ...items.slice(0, from)];
}

/** All side by side: their tasks wait more than they work, and it is not their speed that counts here. */
async function measureKills(
  systems: readonly System[],
  report: Report,
  receiver: Receiver,
  { isQuick }: Options,
): Promise<void> {
  say("Killed in the middle");
  const count = isQuick ? KILLED_TASKS / QUICK_PART : KILLED_TASKS;
  const running = new Map<System, Running>();
  try {
    for (const [index, system] of systems.entries()) {
      const place = placeOf(system.name, index);
      const started = await tried(`${system.title}, start`, () => system.start(place));
      if (started !== null) running.set(system, started);
    }
    const all = [...running].map(async ([system, each]) => {
      const result = await tried(system.title, () => killed(each, system.name, receiver, count));
      say(`  ${system.title}: over`);
      return { system, result };
    });
    for (const { system, result } of await Promise.all(all)) {
      if (result !== null) report.addKilled(system, result);
    }
  } finally {
    for (const each of running.values()) await each.stop();
  }
}
