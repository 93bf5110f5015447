import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { SAMPLE_MAIL } from "./sample-mail.ts";
import { call, median } from "./measure.ts";

const BATCHES = [1, 10, 100];
const CONNECTIONS = [1, 2, 4, 6];
const ROUNDS = 3;
/** Messages of one measurement: batches of one are slow, as every batch connects. */
const messagesFor = (batch: number) => Math.min(batch * 5, 300);

/**
 * Mails per second over SMTP to a server on this machine: by the Worker's transport, and by nodemailer alone under
 * Node as the ceiling, with a pool for each batch too. In turns, so that a noisy machine is fair to both; medians. The
 * server waits 100 ms before it greets, so each batch has that in it.
 */
export async function mail(url: string) {
  const sink = fork(join(import.meta.dirname, "mail-sink.ts"));
  const port = await portOf(sink);
  const results: Record<string, unknown> = {};
  try {
    for (const batch of BATCHES) {
      for (const connections of CONNECTIONS.filter((count) => count <= batch)) {
        const worker: number[] = [];
        const node: number[] = [];
        const shares: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          const size = { port, batch, connections, count: messagesFor(batch) };
          const query = new URLSearchParams(Object.entries(size).map(([k, v]) => [k, String(v)]));
          const ours = await rate(size.count, () => call(`${url}/bench/mail?${query.toString()}`));
          const theirs = await rate(size.count, () => sendUnderNode(size));
          worker.push(ours);
          node.push(theirs);
          shares.push(ours / theirs);
        }
        results[`batch_${batch}_connections_${connections}`] = [
          `${Math.round(median(worker))}/s`,
          `nodemailer on Node ${Math.round(median(node))}/s`,
          `share ${Math.round(median(shares) * 100)} %`,
        ];
      }
    }
  } finally {
    sink.kill();
  }
  return results;
}

interface Size {
  readonly port: number;
  readonly batch: number;
  readonly connections: number;
  readonly count: number;
}

async function sendUnderNode({ port, batch, connections, count }: Size): Promise<void> {
  for (let sent = 0; sent < count; sent += batch) {
    const pool = createTransport({
      ...{ host: "127.0.0.1", port, pool: true, maxConnections: connections, ignoreTLS: true },
    });
    await Promise.all(Array.from({ length: batch }, () => pool.sendMail(SAMPLE_MAIL)));
    pool.close();
  }
}

async function rate(count: number, run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return count / ((performance.now() - startedAt) / 1_000);
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("message", (port) => {
      resolve(Number(port));
    });
    child.once("error", reject);
  });
}
