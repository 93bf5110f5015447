import {
  globMatcher,
  queueMeant,
  TASK_EVENTS,
  type MonitorEvent,
  type MonitorEventList,
} from "#engine";
import { may, sees, type Caller } from "../callers/access.ts";
import { streamEvents } from "./event-stream.ts";
import { operation } from "../http/operation.ts";
import { oneOf, taskName, text } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";

/** What happens in the deployment, as it happens. */
export function eventRoutes({ events, queues }: Pick<ApiParts, "events" | "queues">): Route[] {
  return [
    operation({
      method: "GET",
      path: "/api/events",
      scope: "tasks:read",
      rate: "read",
      tag: "monitoring",
      summary: "Follow what happens to tasks",
      description:
        'One `tasks` event for each list, `{"events": [...], "missed": 0}`. The first list is empty and says that everything is watched. Who may monitor sees all tasks, others their own.',
      query: {
        type: oneOf(TASK_EVENTS, "Of this type."),
        task: taskName("Of tasks with this name."),
        queue: text("Of tasks of this queue.", 100),
      },
      answers: { 200: { types: ["text/event-stream"], words: "Server-sent events." } },
      handle: ({ query: { type, task, queue }, caller, ...call }) => {
        const meant = queueMeant(queues, queue);
        const isNamed = task === undefined ? () => true : globMatcher(task);
        const isAsked = (event: MonitorEvent) =>
          (type === undefined || event.type === type) &&
          (meant === undefined || event.queue === meant) &&
          isNamed(event.name);
        let isFirst = true;
        const watcher = { owner: caller.owner, isMonitor: may(caller, "monitor") };
        return streamEvents(
          call,
          (signal) => events.watch(signal, watcher),
          (list) => {
            const shown = eventsView(list, caller, isAsked);
            const isEmpty = shown.events.length === 0 && shown.missed === 0;
            if (isEmpty && !isFirst) return null;
            isFirst = false;
            return shown;
          },
        );
      },
    }),
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
