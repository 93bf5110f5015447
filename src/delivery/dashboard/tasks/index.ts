import { isTerminal } from "#engine";
import type { ApiParts, Route } from "../../api/route.ts";
import { visibleTask } from "../../api/tasks/task-commands.ts";
import { taskActions } from "./actions.ts";
import { listPage } from "./list-page.tsx";
import { LIST, readListQuery } from "./list-query.ts";
import { findTasks } from "./found-tasks.ts";
import { taskPage } from "./task-page.tsx";

/** Tasks: the list of them, each one, and what operators do to them. */
export function taskPages(parts: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: LIST,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const query = readListQuery(call.query);
        const found = await findTasks(parts, query);
        return listPage(call, query, { found, queues: [...parts.queues] });
      },
    },
    {
      method: "GET",
      path: `${LIST}/:id`,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const task = await visibleTask(parts, call.params.id ?? "", call.caller);
        const schedule = task.options.labels?.["periodic_task_name"] ?? null;
        const isKnown = parts.registry.names().includes(task.name);
        return taskPage(call, {
          task,
          now: parts.clock.now(),
          queues: [...parts.queues],
          schedule,
          canReplay: isKnown && isTerminal(task.state) && task.options.tree === undefined,
        });
      },
    },
    ...taskActions(parts),
  ];
}
