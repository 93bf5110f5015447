import { z } from "zod";
import { globMatcher, TASK_EVENTS, type MonitorEvent, type MonitorEventList } from "#engine";
import { sees, type Caller } from "./access.ts";
import { streamEvents } from "./event-stream.ts";
import { NAME_OR_GLOB, QueryReader } from "./query.ts";
import type { ApiParts, Route } from "./route.ts";

/** What happens in the deployment, as it happens. */
export function eventRoutes({ events }: Pick<ApiParts, "events">): Route[] {
  return [
    {
      method: "GET",
      path: "/api/events",
      scope: "tasks:read",
      doc: {
        summary: "Follow what happens to tasks",
        tag: "Monitoring",
        query: {
          type: z.enum(TASK_EVENTS).optional(),
          task: z.string().max(200).describe(NAME_OR_GLOB).optional(),
          queue: z.string().max(100).optional(),
        },
        answers: {
          200:
            'Server-sent events (text/event-stream): one `tasks` event for each list, `{"events": [...], "missed": 0}`. ' +
            "The first list is empty and says that everything is watched. Who may monitor sees all tasks, others their own.",
        },
      },
      handle: ({ query: params, caller }) => {
        const query = new QueryReader(params);
        const type = query.oneOf("type", TASK_EVENTS);
        const task = query.name("task");
        const queue = query.text("queue", 100);
        query.check();
        const isNamed = task === undefined ? () => true : globMatcher(task);
        const isAsked = (event: MonitorEvent) =>
          (type === undefined || event.type === type) &&
          (queue === undefined || event.queue === queue) &&
          isNamed(event.name);
        let isFirst = true;
        return streamEvents(
          (signal) => events.watch(signal),
          (list) => {
            const shown = eventsView(list, caller, isAsked);
            const isEmpty = shown.events.length === 0 && shown.missed === 0;
            if (isEmpty && !isFirst) return null;
            isFirst = false;
            return shown;
          },
        );
      },
    },
  ];
}

/** Of a list what a caller may see and has asked for. */
function eventsView(
  { events, missed }: MonitorEventList,
  caller: Caller,
  isAsked: (event: MonitorEvent) => boolean,
) {
  const seen = events.filter((event) => sees(caller, event.owner) && isAsked(event));
  return { events: seen.map(eventView), missed };
}

/** An event as it is shown. */
function eventView({ owner: _whose, ...event }: MonitorEvent) {
  return event;
}
