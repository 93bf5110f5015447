import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LocalServer } from "../../scripts/local-server.ts";
import { call, spread } from "../measure.ts";
import { LocalWorker } from "./local-worker.ts";
import type { Place, Running, System } from "./system.ts";

const WIDTH = 64;
const PAUSE_MS = 10;
const TIMEOUT_MS = 120_000;

/** A Worker with nothing but a Workflow: a task is an instance with one step. */
class LocalWorkflows extends LocalWorker implements Running {
  bulk(count: number): Promise<number> {
    return this.#load(count, () => this.#call(`/many?count=${count}`));
  }

  single(count: number): Promise<number> {
    return this.#load(count, () => spread(count, WIDTH, () => this.#call("/one")));
  }

  http(count: number, url: string): Promise<number> {
    return this.#load(count, () =>
      this.#call(`/many?count=${count}&kind=get&url=${encodeURIComponent(url)}`),
    );
  }

  latency(count: number): Promise<number[]> {
    return this.#timed(count, "noop");
  }

  chain(count: number): Promise<number[]> {
    return this.#timed(count, "chain");
  }

  chord(count: number): Promise<number[]> {
    return this.#timed(count, "chord");
  }

  async effects(count: number, url: string): Promise<void> {
    await this.#call(`/many?count=${count}&kind=effect&url=${encodeURIComponent(url)}`);
  }

  /** It can't be asked for a number of instances. */
  held(): Promise<null> {
    return Promise.resolve(null);
  }

  #call(path: string): Promise<string> {
    return call(`${this.url}${path}`);
  }

  async #load(count: number, create: () => Promise<unknown>): Promise<number> {
    const before = Number(await this.#call("/ended"));
    const startedAt = performance.now();
    await create();
    while (Number(await this.#call("/ended")) < before + count) {
      if (performance.now() > startedAt + TIMEOUT_MS) throw new Error("The instances did not end.");
      await pause(PAUSE_MS);
    }
    return (performance.now() - startedAt) / 1_000;
  }

  async #timed(count: number, kind: string): Promise<number[]> {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const startedAt = performance.now();
      await this.#call(`/run?kind=${kind}`);
      times.push(performance.now() - startedAt);
    }
    return times;
  }
}

async function start({ dir, port }: Place): Promise<Running> {
  const config = join(dir, "wrangler.json");
  const main = join(import.meta.dirname, "workflows/worker.ts");
  const workflows = [{ binding: "FLOW", name: "bench", class_name: "Flow" }];
  writeFileSync(
    config,
    JSON.stringify({ name: "peer", main, compatibility_date: "2026-10-01", workflows }),
  );
  const options = { port, config, state: join(dir, "state"), isDirect: true };
  const running = new LocalWorkflows(options, await LocalServer.start(options));
  await running.latency(1);
  return running;
}

/** Cloudflare Workflows as `wrangler dev` runs them, in the same runtime as Lovage. */
export const workflows: System = {
  name: "workflows",
  title: "Workflows, local",
  sizes: { bulk: 300, single: 300, http: 300 },
  missing: () => null,
  start,
};
