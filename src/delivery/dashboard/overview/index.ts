import { notFound, problemOf } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { SPANS, stepsOf, type Span } from "./figures.ts";
import { groupFailures } from "./failures.ts";
import { overviewPage } from "./overview-page.tsx";

/** Running tasks, and newest failures, that it looks at. */
const SHOWN_RUNNING = 25;
const LOOKED_AT = 50;
const SPAN_NAMES = Object.keys(SPANS) as readonly Span[];

/** The first page: how the deployment does. */
export function overviewPages(parts: ApiParts): Route[] {
  const { figures, control, search, deadLetters, system, clock, log } = parts;

  /** Null: a part of the deployment can't be reached just now, which must not take the rest of the page along. */
  async function reached<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (problemOf(error).status < 500) throw error;
      log("overview_incomplete", { error });
      return null;
    }
  }

  return [
    {
      method: "GET",
      path: "/",
      scope: "public",
      rate: "public",
      handle: ({ request }) => {
        if (request.headers.get("Accept")?.includes("text/html") !== true) throw notFound();
        return new Response(null, { status: 302, headers: { Location: "/dashboard" } });
      },
    },
    {
      method: "GET",
      path: "/dashboard",
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(call.query);
        const span = reader.oneOf("span", SPAN_NAMES) ?? "1h";
        reader.check();
        const now = clock.now();
        const { ms, stepMinutes } = SPANS[span];
        // The last step is the one that is under way.
        const until = (Math.floor(now / 60_000 / stepMinutes) + 1) * stepMinutes * 60_000;
        const [times, queues, running, newest, letters, report] = await Promise.all([
          reached(figures.over(until - ms, until, stepMinutes)),
          reached(control.queues()),
          reached(control.list("active", SHOWN_RUNNING + 1)),
          reached(search.search({ state: "FAILURE" }, LOOKED_AT, null)),
          reached(deadLetters.summary({})),
          reached(system.report()),
        ]);
        return overviewPage(call, {
          span,
          now,
          steps: times === null ? null : stepsOf(times),
          queues,
          running: running?.slice(0, SHOWN_RUNNING) ?? null,
          hasMoreRunning: (running?.length ?? 0) > SHOWN_RUNNING,
          failures:
            newest === null && letters === null
              ? null
              : groupFailures(newest?.tasks ?? [], letters ?? []),
          report,
        });
      },
    },
  ];
}
