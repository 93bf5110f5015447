import { paramsSchema, type AnyTaskDefinition, type Schedule } from "#engine";
import { invalid, notFound, type FieldError } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import { registeredView, registeredViews } from "../../api/tasks/registered-tasks.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import {
  callSchema,
  checkCall,
  isCallKey,
  refuse,
  refusalOf,
  toSignature,
} from "../../api/tasks/task-calls.ts";
import { withoutUndefined } from "../../api/http/without-undefined.ts";
import { paramsOf, readParams } from "../params/index.ts";
import {
  filledIn,
  checked,
  faultsOf,
  instantOf,
  numberOf,
  placeOf,
  readFields,
  seeOther,
  textOf,
  type Fields,
} from "../shell/index.ts";
import { definitionPage } from "./definition-page.tsx";
import { listPage } from "./list-page.tsx";

const PLACE = "/dashboard/definitions";
/** Schedules that are looked through for those of a task. */
const MAX_SCHEDULES = 1_000;

/** The registered tasks, each with a form made from its params that calls it. */
export function definitionPages(parts: ApiParts): Route[] {
  const { registry, control, schedules } = parts;

  /** @throws Problem 404 */
  function definitionOf(name: string | undefined): AnyTaskDefinition<never> {
    const definition = registry.find(name ?? "");
    if (definition === null) throw notFound();
    return definition;
  }

  async function schedulesByTask(): Promise<Map<string, Schedule[]>> {
    return Map.groupBy(await schedules.page("", MAX_SCHEDULES), ({ task }) => task);
  }

  async function show(call: ApiCall, values: Fields, faults: readonly FieldError[]) {
    const definition = definitionOf(call.params["name"]);
    const { name } = definition;
    const [controls, byTask] = await Promise.all([control.controls(), schedulesByTask()]);
    const signature = toSignature({ name, args: [], kwargs: {} });
    return definitionPage(call, {
      definition,
      view: registeredView(definition, controls),
      params: paramsOf(paramsSchema(definition)),
      schedules: byTask.get(name) ?? [],
      queues: [...parts.queues],
      refusal: refusalOf(call.caller, signature),
      form: { values, faults },
    });
  }

  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const search = reader.text("search") ?? "";
        reader.check();
        const [views, byTask] = await Promise.all([registeredViews(parts), schedulesByTask()]);
        const tasks = views
          .filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
          .map((view) => ({ view, definition: registry.get(view.name) }))
          .sort((a, b) => (a.view.name < b.view.name ? -1 : 1));
        return listPage(call, { tasks, schedules: byTask, search });
      },
    },
    {
      method: "GET",
      path: `${PLACE}/:name`,
      scope: "monitor",
      rate: "read",
      handle: (call) => {
        new QueryReader(filledIn(call.query)).check();
        return show(call, {}, []);
      },
    },
    {
      method: "POST",
      path: `${PLACE}/:name`,
      scope: "tasks:write",
      rate: "submit",
      handle: async (call) => {
        const values = await readFields(call.request);
        try {
          return await send(parts, call, definitionOf(call.params["name"]), values);
        } catch (error) {
          return show(call, values, faultsOf(error));
        }
      },
    },
  ];
}

/** Calls a task as its form says, by the API's rules. @throws Problem with the fields that don't fit */
async function send(
  parts: ApiParts,
  { caller, background }: ApiCall,
  definition: AnyTaskDefinition<never>,
  values: Fields,
): Promise<Response> {
  const { name } = definition;
  const { kwargs, faults } = readParams(paramsOf(paramsSchema(definition)), values);
  const options = optionsOf(values);
  const key = textOf(values, "idempotency_key").trim();
  const wrong = [
    ...faults,
    ...(key === "" || isCallKey(key)
      ? []
      : [{ field: "idempotency_key", message: "Must be 1 to 255 visible ASCII characters." }]),
  ];
  const signature = toSignature(checkedWith(wrong, { name, kwargs, ...options }));
  checkCall(caller, signature);
  const callKey = key === "" ? undefined : { route: "/api/tasks", key };
  const { taskId, answer } = await parts
    .expressLovageFor(background, caller.owner)
    .send(signature, callKey);
  refuse(answer);
  const isMerged = answer === "duplicate" || answer === "exists" || answer === "replaced";
  return seeOther(placeOf.task(taskId), isMerged ? "It is this task already." : "It was called.");
}

/** All that doesn't fit at once: what could not be read, and what the schema says. */
function checkedWith(wrong: readonly FieldError[], call: unknown) {
  try {
    const fits = checked(call, callSchema);
    if (wrong.length === 0) return fits;
  } catch (error) {
    throw invalid([...wrong, ...faultsOf(error)]);
  }
  throw invalid(wrong);
}

function optionsOf(values: Fields): Record<string, unknown> {
  return withoutUndefined({
    countdown: numberOf(textOf(values, "countdown")),
    eta: instantOf(textOf(values, "eta")),
    queue: textOf(values, "queue") || undefined,
    priority: numberOf(textOf(values, "priority")),
    expires: numberOf(textOf(values, "expires")),
  });
}
