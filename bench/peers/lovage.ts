import { join } from "node:path";
import { LocalServer, type LocalServerOptions } from "../../scripts/local-server.ts";
import { call, spread, totals, untilRecorded } from "../measure.ts";
import { writeConfig } from "../server.ts";
import { LocalWorker } from "./local-worker.ts";
import type { Place, Running, System } from "./system.ts";

const BULK_SIZE = 1_000;
const BULK_WIDTH = 4;
const WIDTH = 64;

const noop = (n: number) => ({ name: "bench_noop", kwargs: { n } });

/** Lovage under `wrangler dev`, called over HTTP. */
class LocalLovage extends LocalWorker implements Running {
  readonly #effect: string;

  constructor(options: LocalServerOptions, effect: string, server: LocalServer) {
    super(options, server);
    this.#effect = effect;
  }

  bulk(count: number): Promise<number> {
    return this.#load(count, () => this.#submit(Array.from({ length: count }, (_, n) => noop(n))));
  }

  single(count: number): Promise<number> {
    const body = JSON.stringify(noop(1));
    return this.#load(count, () => spread(count, WIDTH, () => this.#call("/api/tasks/", body)));
  }

  http(count: number, url: string): Promise<number> {
    const task = { name: "bench_http", kwargs: { url } };
    return this.#load(count, () => this.#submit(Array.from({ length: count }, () => task)));
  }

  latency(count: number): Promise<number[]> {
    const body = JSON.stringify(noop(1));
    return this.#timed(count, async () => {
      const task = JSON.parse(await this.#call("/api/tasks/?wait=10", body)) as { state: string };
      return task.state;
    });
  }

  chain(count: number): Promise<number[]> {
    const links = Array.from({ length: 19 }, () => ({ name: "bench_noop" }));
    return this.#timed(count, () => this.#canvas({ chain: [noop(0), ...links] }));
  }

  chord(count: number): Promise<number[]> {
    const header = Array.from({ length: 100 }, (_, n) => noop(n));
    return this.#timed(count, () =>
      this.#canvas({ chord: { header, body: { name: "bench_size" } } }),
    );
  }

  async effects(count: number, url: string): Promise<void> {
    const task = (n: number) => ({ name: this.#effect, kwargs: { url: `${url}${n}` } });
    await this.#submit(Array.from({ length: count }, (_, n) => task(n)));
  }

  async held(): Promise<number> {
    const { queues } = JSON.parse(await this.#call("/api/queues/")) as {
      queues: { waiting: number; scheduled: number; running: number }[];
    };
    const figures = queues.flatMap(({ waiting, scheduled, running }) => [
      waiting,
      scheduled,
      running,
    ]);
    return figures.reduce((sum, figure) => sum + figure, 0);
  }

  #call(path: string, body?: string): Promise<string> {
    return call(`${this.url}${path}`, body);
  }

  async #submit(tasks: readonly object[]): Promise<void> {
    const bodies: string[] = [];
    for (let from = 0; from < tasks.length; from += BULK_SIZE) {
      bodies.push(JSON.stringify({ tasks: tasks.slice(from, from + BULK_SIZE) }));
    }
    await spread(bodies.length, BULK_WIDTH, () => this.#call("/api/tasks/bulk/", bodies.pop()));
  }

  async #load(count: number, submit: () => Promise<unknown>): Promise<number> {
    const { url } = this;
    const before = await totals(url);
    const startedAt = performance.now();
    await submit();
    await untilRecorded(url, before, count);
    return (performance.now() - startedAt) / 1_000;
  }

  async #canvas(canvas: object): Promise<string> {
    const { canvas_id: id } = JSON.parse(
      await this.#call("/api/canvas/", JSON.stringify(canvas)),
    ) as { canvas_id: string };
    const answer = await this.#call(`/api/canvas/${id}/?wait=60&limit=1`);
    return (JSON.parse(answer) as { state: string }).state;
  }

  async #timed(count: number, run: () => Promise<string>): Promise<number[]> {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const startedAt = performance.now();
      const state = await run();
      times.push(performance.now() - startedAt);
      if (state !== "SUCCESS") throw new Error(`It is ${state}.`);
    }
    return times;
  }
}

/** Has the empty database made that every start has a copy of. */
async function prepare({ dir, port }: Place): Promise<void> {
  const options = { port, config: writeConfig(dir), state: join(dir, "state") };
  await (await LocalServer.start(options)).kill();
}

/**
 * Lovage as `npm start` has it, but without static files, with a second Worker's tasks for the bench.
 * @param effect the task that has an effect, by its name
 */
export function lovage(name: string, title: string, effect: string): System {
  return {
    name,
    title,
    sizes: { bulk: 30_000, single: 2_000, http: 4_000 },
    missing: () => null,
    prepare,
    async start({ dir, port }) {
      const options = { port, config: writeConfig(dir), state: join(dir, "state"), isDirect: true };
      const running = new LocalLovage(options, effect, await LocalServer.start(options));
      await running.latency(1);
      return running;
    },
  };
}
