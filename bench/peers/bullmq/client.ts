/** The application that adds the jobs: does what it is told, one line of JSON for another. Argument: Redis' port. */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { FlowProducer, Queue, QueueEvents, type FlowJob, type Job } from "bullmq";
import { spread } from "../../measure.ts";
import { QUEUE } from "./queue.ts";

const BULK_SIZE = 1_000;
const WIDTH = 64;
const PAUSE_MS = 5;
const TIMEOUT_MS = 120_000;

interface Asked {
  readonly do: string;
  readonly count: number;
  readonly url: string;
}

const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const queue = new Queue(QUEUE, { connection });
const events = new QueueEvents(QUEUE, { connection });
const flows = new FlowProducer({ connection });

async function completed(): Promise<number> {
  return (await queue.getJobCounts("completed"))["completed"] ?? 0;
}

/** Seconds from the first job that is added to the last that is completed. */
async function load(count: number, add: () => Promise<unknown>): Promise<number> {
  const before = await completed();
  const startedAt = performance.now();
  await add();
  const until = startedAt + TIMEOUT_MS;
  while ((await completed()) < before + count) {
    if (performance.now() > until) throw new Error("The jobs did not end in time.");
    await pause(PAUSE_MS);
  }
  return (performance.now() - startedAt) / 1_000;
}

async function addAll(name: string, count: number, url = ""): Promise<void> {
  for (let from = 0; from < count; from += BULK_SIZE) {
    const size = Math.min(BULK_SIZE, count - from);
    await queue.addBulk(
      Array.from({ length: size }, (_, n) => ({ name, data: { n: from + n, url } })),
    );
  }
}

/** Milliseconds from each call to its result, one after another. */
async function timed(count: number, add: (n: number) => Promise<Job>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const startedAt = performance.now();
    await (await add(n)).waitUntilFinished(events, TIMEOUT_MS);
    times.push(performance.now() - startedAt);
  }
  return times;
}

const noop = (n: number): FlowJob => ({ name: "noop", queueName: QUEUE, data: { n } });

/** A flow's children run before it: the chain's last link is the root. */
function chainOf(links: number): FlowJob {
  if (links === 1) return noop(1);
  return { name: "next", queueName: QUEUE, data: {}, children: [chainOf(links - 1)] };
}

const addFlow = async (flow: FlowJob): Promise<Job> => (await flows.add(flow)).job;
const header = Array.from({ length: 100 }, (_, n) => noop(n));
const chord: FlowJob = { name: "size", queueName: QUEUE, data: {}, children: header };

async function held(): Promise<number> {
  const counts = await queue.getJobCounts("waiting", "active", "delayed");
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

const commands: Readonly<Record<string, (asked: Asked) => Promise<unknown>>> = {
  bulk: ({ count }) => load(count, () => addAll("noop", count)),
  single: ({ count }) => load(count, () => spread(count, WIDTH, () => queue.add("noop", { n: 1 }))),
  http: ({ count, url }) => load(count, () => addAll("get", count, url)),
  latency: ({ count }) => timed(count, (n) => queue.add("noop", { n })),
  chain: ({ count }) => timed(count, () => addFlow(chainOf(20))),
  chord: ({ count }) => timed(count, () => addFlow(chord)),
  effects: ({ count, url }) => addAll("effect", count, url),
  held,
};

await events.waitUntilReady();
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as Asked;
  console.log(JSON.stringify((await commands[asked.do]?.(asked)) ?? null));
}
process.exit(0);
