import { drizzle } from "drizzle-orm/d1";
import {
  compileRoutes,
  isTerminal,
  importIdSecret,
  Lovage,
  Registry,
  type AnyTaskDefinition,
  type LovageSettings,
  type TaskLimits,
  type TaskSubmitter,
} from "#engine";
import { shownSettings } from "./config-shown.ts";
import { readConfig } from "./config.ts";
import { createApi, Problem, readyView, withHeaders, type ApiParts } from "./delivery/api/index.ts";
import { RpcCalls, type RpcProps } from "./delivery/rpc/calls.ts";
import { createCallbackTo } from "./domain/callbacks/index.ts";
import { shopMails, shopRoutes, type ShopServices } from "./domain/index.ts";
import { RequestLog } from "./domain/reports/index.ts";
import { ApiKeyList } from "./platform/access/api-key-list.ts";
import { ScheduleClient } from "./platform/beat/schedule-client.ts";
import { ANSWER_MS, submitRuns } from "./platform/beat/submit-runs.ts";
import type { PlannedRun } from "./platform/beat/tick-plan.ts";
import { answerDoorbells } from "./platform/consumer/queue-handler.ts";
import { QUEUES, type Doorbell } from "./platform/doorbell.ts";
import type { Env } from "./platform/env.ts";
import { CanvasHistory } from "./platform/history/canvas-members.ts";
import { DeadLetters } from "./platform/history/dead-letters.ts";
import { DeploymentSearch } from "./platform/history/deployment-search.ts";
import { History } from "./platform/history/history.ts";
import { HistorySearch } from "./platform/history/search.ts";
import { Control } from "./platform/control/control.ts";
import { QueueStop } from "./platform/control/queue-stop.ts";
import { DeploymentEvents } from "./platform/ledger/watching/deployment-events.ts";
import { LedgerDirectory } from "./platform/ledger/directory.ts";
import { log } from "./platform/log.ts";
import { D1Outbox } from "./platform/outbox/outbox.ts";
import { Tasks } from "./platform/outbox/tasks.ts";
import { createSealer } from "./platform/secrets/aes-sealer.ts";
import { deriveKeys } from "./platform/secrets/derived-keys.ts";
import { R2Results } from "./platform/results/r2-results.ts";
import { within } from "./platform/health/within.ts";
import { traceScope } from "./platform/trace/trace-scope.ts";
import { workerSpans } from "./platform/trace/worker-spans.ts";
import { systemClock, systemRandom, systemTimers } from "./platform/system.ts";
import { createAccess } from "./wiring-access.ts";
import { createConsumer } from "./wiring-consumer.ts";
import { createFigures } from "./wiring-figures.ts";
import { createRates } from "./wiring-rates.ts";
import { callbackRules, createShopServices } from "./wiring-shop.ts";
import { createDuties } from "./wiring-duties.ts";
import { BEAT, createSystem, WATCHDOG } from "./wiring-system.ts";

type ShopTask = AnyTaskDefinition<ShopServices>;

/** Doorbells wait this long for the settings that are missing. */
const NOT_CONFIGURED_RETRY_SECONDS = 60;

/** A watchdog whose round takes longer, and a beat whose tick does, is out of reach. */
const ROUND_MS = 60_000;

const READY_PATH = /^\/readyz\/?$/;

/** Whose the tasks are that the deployment calls by itself. */
const SYSTEM_OWNER = "system";

/**
 * The composition root: everything that one deployment consists of, put together from its bindings.
 * @throws LovageError `bad_config` when settings are missing or wrong
 */
export function wire(env: Env, tasks: readonly ShopTask[]) {
  const config = readConfig(env);
  const db = drizzle(env.DB);
  const registry = new Registry<ShopServices>(tasks, createSealer(config.secretKeys));
  const directory = new LedgerDirectory(env.LEDGER, env.LIMITER, new History(env.DB), workerSpans);
  const settings: LovageSettings = {
    shards: config.shards,
    queues: QUEUES,
    routeOf: compileRoutes(shopRoutes, QUEUES),
    idSecret: importIdSecret(config.idSecret),
    callbackTo: createCallbackTo(callbackRules(config)),
  };
  const clock = systemClock;
  const random = systemRandom;
  const lovageBy = (submitter: TaskSubmitter, owner: string, trace = traceScope.current()) =>
    new Lovage({ registry, submitter, settings, clock, random, owner, trace });
  const lovageFor = (owner: string, trace?: string | null) => lovageBy(directory, owner, trace);
  const outbox = new D1Outbox({ db, submitter: directory, clock, log });
  const keyFor = deriveKeys(config.idSecret);
  const control = new Control({
    home: () => env.WATCHDOG.getByName(WATCHDOG),
    shards: config.shardsInUse,
    shard: (shard) => directory.shard(shard),
    queues: QUEUES,
  });
  const mailStop = new QueueStop({ control, clock, log, event: "mail_stopped", queue: "emails" });
  const services = createShopServices(env, config, {
    ...{ db, outbox, clock, keyFor },
    tasks: directory,
    stopMail: (reason) => mailStop.stop(reason),
  });
  const shards = () =>
    Array.from({ length: config.shardsInUse }, (_, shard) => directory.shard(shard));
  const { access, audit } = createAccess(env, config, { db, clock, keyFor });
  const largeResults = new R2Results(env.RESULTS);
  const beatLovage = lovageFor(SYSTEM_OWNER);
  const deadLetters = new DeadLetters({ db: env.DB, lovageFor, submitter: directory });
  const { system, readiness } = createSystem(env, config, {
    ...{ directory, clock },
    timers: systemTimers,
  });
  const { watchdogDuties, tellOfSystem } = createDuties(env, config, {
    ...{ db, directory, deadLetters, outbox, system, clock },
    lovage: lovageFor(SYSTEM_OWNER),
  });
  const taskAccess = new Tasks(directory, outbox);
  const canvases = new CanvasHistory(env.DB, (shard) => directory.shard(shard));
  const supplies = { services, lovageFor, largeResults };
  const { logSampling } = config;
  const { drain, expressFor } = createConsumer({ directory, registry, supplies, logSampling });
  const expressLovageFor: ApiParts["expressLovageFor"] = (background, owner, trace) =>
    lovageBy(expressFor(background), owner, trace);
  return {
    /** Calls of another Worker; `props` as its binding has them. */
    rpcFor: (background: (work: Promise<void>) => void, props: RpcProps | undefined) =>
      new RpcCalls(
        { tasks: taskAccess, expressLovageFor, largeResults, canvases, clock },
        background,
        props,
      ),
    api: createApi({
      access,
      rates: createRates(env, config),
      corsOrigins: config.corsOrigins,
      tasks: taskAccess,
      control,
      largeResults,
      events: new DeploymentEvents(shards, systemTimers),
      search: new DeploymentSearch(shards, new HistorySearch(env.DB)),
      canvases,
      timezone: config.timezone,
      schedules: new ScheduleClient(() => env.BEAT.getByName(BEAT)),
      deadLetters,
      ...createFigures({ env, clock, shards, tasks, beat: BEAT }),
      registry,
      queues: QUEUES,
      shards: config.shards,
      conf: {
        open_access: config.isOpenAccess,
        locale: config.locale,
        timezone: config.timezone,
      },
      ...{ lovageFor, expressLovageFor },
      shop: services,
      mails: shopMails,
      requestLog: new RequestLog({
        db,
        key: () => keyFor("request-log-ip"),
        timers: systemTimers,
        random: systemRandom,
        waitMs: config.logWaitMs,
        log,
      }),
      shownSettings: shownSettings(env, config),
      apiKeys: new ApiKeyList(env.DB),
      ...{ system, readiness, audit, clock, log },
      ...{ trace: traceScope, random, logSampling },
    }),
    tellOfSystem,
    watchdogDuties,
    /** What Beat submits its runs with. */
    beat: {
      submit: (runs: readonly PlannedRun[]) =>
        submitRuns(runs, beatLovage, directory, systemTimers),
      isUnfinished: async (taskId: string) => {
        const task = await within(systemTimers, ANSWER_MS, () => directory.get(taskId));
        return task !== null && !isTerminal(task.state);
      },
    },
    drain,
    tick: async (shard: number) => {
      await directory.shard(shard).tick();
    },
  };
}

/** The limits of these tasks by name, of those that have any. */
export function declaredLimits(tasks: readonly ShopTask[]): ReadonlyMap<string, TaskLimits> {
  return new Map(tasks.flatMap(({ name, limits }) => (limits === null ? [] : [[name, limits]])));
}

/** The keys that declarations give calls. Arguments that don't fit have none: they fail at the run. */
export function declaredKeys(tasks: readonly ShopTask[]) {
  const withKeys = new Set(tasks.filter(({ keyOf }) => keyOf !== null).map(({ name }) => name));
  let known: { env: Env; registry: Registry<ShopServices> } | null = null;
  return (env: Env, name: string, kwargs: string): string | null => {
    if (!withKeys.has(name)) return null;
    if (known?.env !== env)
      known = { env, registry: new Registry(tasks, createSealer(readConfig(env).secretKeys)) };
    try {
      return known.registry.keyOf(name, kwargs);
    } catch {
      return null;
    }
  };
}

/** The Worker's handlers, for a deployment with these tasks. */
export function createWorker(tasks: readonly ShopTask[]) {
  let wired: { env: Env; parts: ReturnType<typeof wire> } | null = null;
  let areClocksStarted = false;
  /** Wired once per isolate: the bindings stay the same. */
  const partsFor = (env: Env) => {
    if (wired?.env !== env) wired = { env, parts: wire(env, tasks) };
    return wired.parts;
  };
  return {
    async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
      if (!areClocksStarted) {
        areClocksStarted = true;
        const starts = [env.BEAT.getByName(BEAT).start(), env.WATCHDOG.getByName(WATCHDOG).start()];
        ctx.waitUntil(
          Promise.all(starts).catch(() => {
            areClocksStarted = false;
          }),
        );
      }
      try {
        return await partsFor(env).api.fetch(request, env, ctx);
      } catch (error) {
        // Settings are missing: nothing works, and the log says which.
        log("not_configured", { error });
        if (READY_PATH.test(new URL(request.url).pathname)) {
          return withHeaders(readyView(["settings"]));
        }
        return withHeaders(
          new Problem(503, "not_configured", "This deployment is not configured.").toResponse(),
        );
      }
    },
    async queue(batch: MessageBatch<Doorbell>, env: Env): Promise<void> {
      let parts: ReturnType<typeof wire>;
      try {
        parts = partsFor(env);
      } catch (error) {
        log("not_configured", { error });
        batch.retryAll({ delaySeconds: NOT_CONFIGURED_RETRY_SECONDS });
        return;
      }
      await answerDoorbells(batch, parts);
    },
    async scheduled(_controller: ScheduledController, env: Env): Promise<void> {
      const [beat, watchdog] = await Promise.allSettled([
        within(systemTimers, ROUND_MS, () => env.BEAT.getByName(BEAT).tick()),
        within(systemTimers, ROUND_MS, () => env.WATCHDOG.getByName(WATCHDOG).round()),
      ]);
      // Of what the watchdog can't tell, the cron trigger does.
      if (watchdog.status === "rejected") await partsFor(env).tellOfSystem();
      const failed = [beat, watchdog].find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
    },
  };
}
