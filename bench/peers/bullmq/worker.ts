/** BullMQ's worker as its documentation shows one: many jobs at once in one process. Argument: Redis' port. */
import { Worker, type Job } from "bullmq";
import { call } from "../../measure.ts";
import { CONCURRENCY, QUEUE } from "./queue.ts";

interface Data {
  readonly n: number;
  readonly url: string;
}

async function run(job: Job<Data>): Promise<unknown> {
  switch (job.name) {
    case "get":
      return call(job.data.url);
    case "effect":
      await call(`${job.data.url}${job.data.n}`);
      return call(`${job.data.url}${job.data.n}`, "");
    case "size":
      return Object.keys(await job.getChildrenValues()).length;
    case "next":
      return Object.values(await job.getChildrenValues())[0];
    default:
      return job.data.n;
  }
}

const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const worker = new Worker(QUEUE, run, { connection, concurrency: CONCURRENCY });
// A Worker without a listener for errors would end with the first.
worker.on("error", console.error);
