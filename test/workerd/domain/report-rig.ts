import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { REPORT_TASKS, reportTasks, RequestLog } from "#domain/reports";
import type { LoggedRequest } from "../../../src/domain/reports/log-entry.ts";
import type { ReportKind } from "../../../src/domain/reports/period.ts";
import type { ShopServices } from "../../../src/domain/index.ts";
import { deriveKeys } from "../../../src/platform/secrets/derived-keys.ts";
import { Remembered } from "./remembered.ts";
import { createShop } from "./shop.ts";

export const keyFor = deriveKeys("for tests only: 0123456789abcdef0123456789abcdef");

/** A request as a log gets it. */
export function request(at: number, over: Partial<LoggedRequest> = {}): LoggedRequest {
  return {
    at,
    method: "GET",
    route: "/api/public/",
    status: 200,
    durationMs: 10,
    user: null,
    ip: null,
    ...over,
  };
}

/** A log whose timers fire when the test says so: `tick` fires those that were set before. */
export function createLog(database: D1Database = env.DB) {
  const logged: { event: string; requests: unknown }[] = [];
  const waiting: { ms: number; fire: () => void }[] = [];
  const running: Promise<void>[] = [];
  const log = new RequestLog({
    db: drizzle(database),
    key: () => keyFor("request-log-ip"),
    timers: {
      after: (ms, fire) => {
        waiting.push({ ms, fire });
        return () => undefined;
      },
    },
    random: {
      float: () => 0,
      bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
    waitMs: 5_000,
    log: (event, { requests }) => void logged.push({ event, requests }),
  });
  return {
    log,
    logged,
    waiting,
    add: (each: LoggedRequest) => {
      log.add(each, (work) => void running.push(work));
    },
    tick: () => {
      for (const { fire } of waiting.splice(0)) fire();
    },
    settled: () => Promise.all(running),
  };
}

/** Logs requests, in their order, and stores them. */
export async function store(requests: readonly LoggedRequest[]): Promise<void> {
  const { log, add, tick, settled } = createLog();
  for (const each of requests) add(each);
  await log.flush();
  tick();
  await settled();
}

/** What a task of reports is run with; `slept` is until when it waited. */
export function contextAt(
  now: number,
  over: Partial<ShopServices> = {},
  signal = new AbortController().signal,
  remembered = new Remembered(),
) {
  const slept: number[] = [];
  const progress: { current: number; total: number }[] = [];
  let time = now;
  const { services, lovage } = createShop({ services: { clock: { now: () => time }, ...over } });
  return {
    taskId: `task-${now}`,
    services,
    lovage,
    signal,
    once: remembered.once,
    slept,
    reported: progress,
    progress(meta: { current: number; total: number }): void {
      progress.push(meta);
    },
    async sleep(until: { readonly until: Date } | number) {
      const end = typeof until === "number" ? time + until * 1_000 : until.until.getTime();
      slept.push(end);
      time = Math.max(time, end);
    },
  };
}

type Context = ReturnType<typeof contextAt>;

/** Runs the task that makes a report. */
export async function make(kind: ReportKind, ctx: Context, date?: string) {
  const params = date === undefined ? {} : { date };
  const { handler } = REPORT_TASKS[kind];
  return (await handler?.(params, ctx as unknown as Parameters<typeof handler>[1])) as Record<
    string,
    unknown
  >;
}

export async function cleanup(ctx: Context) {
  const { handler } = reportTasks[2];
  return handler?.({}, ctx as unknown as Parameters<NonNullable<typeof handler>>[1]);
}
