import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

/** The most that createBatch takes at once. */
const BATCH = 100;
const CHAIN = 20;
const CHORD = 100;
const PAUSE_MS = 1;
const TIMEOUT_MS = 60_000;

interface Params {
  readonly kind: string;
  readonly n: number;
  readonly url: string;
}

interface Env {
  readonly FLOW: Workflow<Params>;
}

/** Instances that came to their end in this process: cheaper than asking each for its status. */
let ended = 0;

async function ask(url: string, method: string): Promise<number> {
  const answer = await fetch(url, { method });
  await answer.arrayBuffer();
  return answer.status;
}

export class Flow extends WorkflowEntrypoint<Env, Params> {
  override async run(event: WorkflowEvent<Params>, step: WorkflowStep): Promise<number> {
    const result = await this.#steps(event.payload, step);
    ended += 1;
    return result;
  }

  async #steps({ kind, n, url }: Params, step: WorkflowStep): Promise<number> {
    switch (kind) {
      case "get":
        return step.do("get", () => ask(url, "GET"));
      case "effect":
        return step.do("effect", async () => {
          await ask(`${url}${n}`, "GET");
          return ask(`${url}${n}`, "POST");
        });
      case "chain": {
        let last = n;
        for (let link = 0; link < CHAIN; link += 1) {
          const given = last;
          last = await step.do(`link ${link}`, () => Promise.resolve(given));
        }
        return last;
      }
      case "chord": {
        const members = Array.from({ length: CHORD }, (_, member) =>
          step.do(`member ${member}`, () => Promise.resolve(member)),
        );
        const all = await Promise.all(members);
        return step.do("body", () => Promise.resolve(all.length));
      }
      default:
        return step.do("noop", () => Promise.resolve(n));
    }
  }
}

async function untilComplete(instance: WorkflowInstance): Promise<void> {
  const until = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { status, error } = await instance.status();
    if (status === "complete") return;
    if (error !== undefined && error !== null) throw new Error(JSON.stringify(error));
    if (Date.now() > until) throw new Error(`An instance is ${status}.`);
    await scheduler.wait(PAUSE_MS);
  }
}

async function createMany(env: Env, params: Params, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    const batch = Array.from({ length: size }, (_, n) => ({ params: { ...params, n: from + n } }));
    const instances = await env.FLOW.createBatch(batch);
    if (instances.length !== size) throw new Error("Not all instances were created.");
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    const params = { kind: query.get("kind") ?? "noop", n: 1, url: query.get("url") ?? "" };
    switch (pathname) {
      case "/many":
        await createMany(env, params, Number(query.get("count")));
        return new Response("ok");
      case "/one":
        return new Response((await env.FLOW.create({ params })).id);
      case "/run": {
        const instance = await env.FLOW.create({ params });
        await untilComplete(instance);
        return new Response(instance.id);
      }
      case "/ended":
        return Response.json(ended);
      default:
        return new Response("ok");
    }
  },
} satisfies ExportedHandler<Env>;
