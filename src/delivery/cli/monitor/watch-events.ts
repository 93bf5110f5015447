import { wait } from "../clock.ts";
import type { Deployment, Query } from "../deployment.ts";
import { isAway } from "../failures.ts";

/** Something that happened to a task, as `GET /api/events/` tells it. Times are seconds since 1970. */
export interface TaskEvent {
  readonly type: string;
  readonly uuid: string;
  readonly timestamp: number;
  readonly hostname: string;
  readonly name: string;
  readonly queue: string;
  readonly state: string;
  readonly retries: number;
  readonly root_id: string;
  readonly runtime?: number;
  readonly exception?: string;
}

/** What a watcher is told: what happened, or how it stands with the connection. */
export type Watched =
  | { readonly kind: "events"; readonly events: readonly TaskEvent[]; readonly missed: number }
  /** Whatever happens after this is told; what happened before has to be asked for. */
  | { readonly kind: "connected" }
  | { readonly kind: "lost"; readonly why: string };

const PATH = "/api/events/";
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000] as const;

/**
 * Events from now on, for ever: a connection that is lost is made again, and says so.
 * @throws CommandError when there was never one, or the deployment refuses for good
 */
export async function* watchEvents(
  deployment: Deployment,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<Watched> {
  let hasWorked = false;
  for (let failures = 0; ; failures += 1) {
    let why = "the deployment ended it";
    try {
      const events = await deployment.events(PATH, query);
      hasWorked = true;
      failures = 0;
      yield { kind: "connected" };
      for await (const { event, data } of events) {
        if (event !== "tasks") continue;
        const told = JSON.parse(data) as { events: TaskEvent[]; missed?: number };
        yield { kind: "events", events: told.events, missed: told.missed ?? 0 };
      }
    } catch (error) {
      if (!isAway(error) || !hasWorked) throw error;
      why = error.message;
    }
    yield { kind: "lost", why };
    await wait(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 1_000, signal);
  }
}
