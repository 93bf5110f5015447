import * as z from "zod";
import { InvalidOptionError, queueNamed, WORKER_NAME, type ControlChange } from "#engine";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { AS_FORM, FlowerArguments } from "./arguments.ts";
import { flowerRoute, FlowerRefusal } from "./refusals.ts";
import { workerView } from "./worker-view.ts";

const messageSchema = z.object({ message: z.string() });
const NO_POOL = "there is no pool: the platform starts as many consumers as there is work for";

type Answer = (call: ApiCall, given: FlowerArguments, name: string) => Promise<string> | string;

/** Flower's questions and commands about workers: one stands for all consumers. */
export function flowerWorkerRoutes(parts: ApiParts): Route[] {
  const { control } = parts;

  function command(
    path: string,
    summary: string,
    query: Readonly<Record<string, z.ZodType>>,
    run: Answer,
  ): Route {
    return flowerRoute("plain", {
      method: "POST",
      path: `/api/worker/${path}/:worker`,
      scope: "control",
      rate: "control",
      doc: {
        summary,
        tag: "Flower",
        ...(Object.keys(query).length > 0 && { description: AS_FORM }),
        query,
        answers: { 200: messageSchema },
      },
      handle: async (call) => {
        const worker = call.params.worker ?? "";
        knownWorker(worker);
        const given = await FlowerArguments.of(call);
        return Response.json({ message: await run(call, given, worker) });
      },
    });
  }

  /** What has no meaning without a pool, refused as by a worker that can't. */
  function pool(path: string, query: Readonly<Record<string, z.ZodType>>, refusal: Answer): Route {
    return command(`pool/${path}`, "Refused: there is no pool", query, async (...all) => {
      throw new FlowerRefusal(403, `${await refusal(...all)}: ${NO_POOL}`);
    });
  }

  const count = { n: z.int().default(1) };
  const queue = { queue: z.string() };
  return [
    workersRoute(parts),
    queuesRoute(parts),
    command("shutdown", "Stop consuming all queues", {}, async () => {
      await control.change({ kind: "shutdown" });
      return "Shutting down!";
    }),
    pool("restart", {}, (_call, _given, name) => `Failed to restart the '${name}' pool`),
    pool("grow", count, (_call, given, name) => {
      given.integer("n");
      return `Failed to grow '${name}' worker's pool`;
    }),
    pool("shrink", count, (_call, given, name) => {
      given.integer("n");
      return `Failed to shrink '${name}' worker's pool`;
    }),
    pool("autoscale", { min: z.int(), max: z.int() }, (_call, given, name) => {
      for (const bound of ["min", "max"]) {
        given.required(bound);
        given.integer(bound);
      }
      return `Failed to autoscale '${name}' worker`;
    }),
    command("queue/add-consumer", "Consume a queue again", queue, async (_call, given, name) => {
      const wanted = given.required("queue");
      const refusal = `Failed to add '${wanted}' consumer to '${name}' worker`;
      await control.change({ kind: "add_consumer", queue: knownQueue(parts, wanted, refusal) });
      return `add consumer ${wanted}`;
    }),
    command(
      "queue/cancel-consumer",
      "Stop consuming a queue",
      queue,
      async (_call, given, name) => {
        const wanted = given.required("queue");
        const refusal = `Failed to cancel '${wanted}' consumer from '${name}' worker`;
        await control.change({
          kind: "cancel_consumer",
          queue: knownQueue(parts, wanted, refusal),
        });
        return `no longer consuming from ${wanted}`;
      },
    ),
    ...limitRoutes(parts),
  ];
}

/** @throws FlowerRefusal 404 */
function knownWorker(name: string): void {
  if (name !== WORKER_NAME) throw new FlowerRefusal(404, `Unknown worker '${name}'`);
}

/** @throws FlowerRefusal 403: where Celery would make a queue, there is none */
function knownQueue({ queues }: ApiParts, name: string, refusal: string): string {
  const queue = queueNamed(queues, name);
  if (queue !== null) return queue;
  throw new FlowerRefusal(403, `${refusal}: '${name}' is none of ${[...queues].join(", ")}`);
}

function workersRoute(parts: ApiParts): Route {
  return flowerRoute("plain", {
    method: "GET",
    path: "/api/workers",
    scope: "monitor",
    rate: "read",
    doc: {
      summary: "Show the worker that stands for all consumers, as Flower does",
      tag: "Flower",
      query: {
        refresh: z.boolean().describe("Always the case").optional(),
        status: z.boolean().default(false),
        workername: z.string().optional(),
      },
      answers: { 200: z.record(z.string(), z.unknown()) },
    },
    handle: async ({ query }) => {
      const given = new FlowerArguments(query);
      given.flag("refresh");
      const worker = given.text("workername");
      if (given.flag("status")) {
        const { isShutDown } = await parts.control.controls();
        return Response.json({ [WORKER_NAME]: !isShutDown });
      }
      if (worker !== null) knownWorker(worker);
      return Response.json({ [WORKER_NAME]: await workerView(parts) });
    },
  });
}

function queuesRoute({ control }: ApiParts): Route {
  return flowerRoute("silent", {
    method: "GET",
    path: "/api/queues/length",
    scope: "monitor",
    rate: "read",
    doc: {
      summary: "Count what waits in every queue, as Flower does",
      tag: "Flower",
      answers: {
        200: z.object({
          active_queues: z.array(z.object({ name: z.string(), messages: z.int() })),
        }),
      },
    },
    handle: async () => {
      const queues = await control.queues();
      const active = queues.map(({ queue, waiting, scheduled }) => ({
        name: queue,
        // With what is not due yet: it waits too.
        messages: waiting + scheduled,
      }));
      return Response.json({ active_queues: active });
    },
  });
}

function limitRoutes({ control, registry }: ApiParts): Route[] {
  function limit(
    path: string,
    summary: string,
    query: Readonly<Record<string, z.ZodType>>,
    changeOf: (given: FlowerArguments, name: string) => ControlChange,
    [done, refusal]: readonly [string, (reason: string) => string],
  ): Route {
    return flowerRoute("plain", {
      method: "POST",
      path: `/api/task/${path}/:name`,
      scope: "control",
      rate: "control",
      doc: {
        summary,
        tag: "Flower",
        ...(Object.keys(query).length > 0 && { description: AS_FORM }),
        query,
        answers: { 200: messageSchema },
      },
      handle: async (call) => {
        const name = call.params.name ?? "";
        const given = await FlowerArguments.of(call);
        const change = changeOf(given, name);
        const worker = given.text("workername");
        if (registry.find(name) === null) {
          throw new FlowerRefusal(404, `Unknown task '${name}'`);
        }
        if (worker !== null) knownWorker(worker);
        try {
          await control.change(change);
        } catch (error) {
          if (!(error instanceof InvalidOptionError)) throw error;
          throw new FlowerRefusal(403, refusal(error.reason));
        }
        return Response.json({ message: done });
      },
    });
  }

  const workername = z.string().optional();
  return [
    limit(
      "rate-limit",
      "Set a task's rate limit as Flower does",
      { ratelimit: z.string(), workername },
      (given, name) => ({ kind: "rate_limit", name, rate: given.required("ratelimit") }),
      ["new rate limit set successfully", (reason) => `Failed to set rate limit: '${reason}'`],
    ),
    limit(
      "timeout",
      "Set a task's time limits as Flower does",
      { soft: z.number().optional(), hard: z.number().optional(), workername },
      (given, name) => {
        const [soft, hard] = [given.seconds("soft"), given.seconds("hard")];
        return { kind: "time_limit", name, soft, hard };
      },
      ["time limits set successfully", (reason) => `Failed to set timeouts: '${reason}'`],
    ),
  ];
}
