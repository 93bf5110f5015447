import * as z from "zod";
import type { DeadLetterAnswer, DeadLetterFilter } from "#engine";
import { MAX_BULK } from "../../api/tasks/dead-letter-routes.ts";
import { invalid, problemOf } from "../../api/http/problems.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { replayCheck } from "../../api/tasks/task-calls.ts";
import { withoutUndefined } from "../../api/http/without-undefined.ts";
import { filledIn, ownPath, readForm, seeOther } from "../shell/index.ts";
import { groupsPage } from "./groups-page.tsx";
import { lettersPage } from "./letters-page.tsx";

const PAGE = 50;
const PLACE = "/dashboard/dead-letters";
/** When the last one of a page ended, and its id. */
const CURSOR = /^\d{1,15} [0-9a-f-]{36}$/;

const ids = z.union([
  z
    .string()
    .max(100)
    .transform((id) => [id]),
  z.array(z.string().max(100)),
]);
const bulkSchema = z.strictObject({
  do: z.enum(["replay", "discard"]),
  /** Given: these. Absent: those of the group. */
  ids: ids.optional(),
  all: z.literal("on").optional(),
  name: z.string().min(1).max(200).optional(),
  exc_type: z.string().max(200).optional(),
  next: z.string().max(2_000),
});

/** Tasks that ran out of attempts: in groups, one by one, run again or dismissed. */
export function deadLetterPages(parts: ApiParts): Route[] {
  const { deadLetters } = parts;

  async function bulk({ request, caller }: ApiCall): Promise<Response> {
    const given = await readForm(request, bulkSchema);
    const chosen = await chosenIds(given);
    if (chosen === null) {
      return seeOther(ownPath(given.next), "None was chosen.", { hasFailed: true });
    }
    const answers = await (given.do === "replay"
      ? deadLetters.replay(chosen, null, replayCheck(caller, false))
      : deadLetters.discard(chosen));
    const { text, hasFailed } = told(answers);
    return seeOther(ownPath(given.next), text, { hasFailed });
  }

  /** What is ticked, or all of a group that are there now: as many as one request may deal with; null: nothing is. */
  async function chosenIds(given: z.output<typeof bulkSchema>): Promise<string[] | null> {
    const { all, ids: ticked = [], name, exc_type: excType } = given;
    if (all === "on") {
      if (name === undefined || excType === undefined) {
        throw invalid([{ field: "name", message: "All of which group?" }]);
      }
      return deadLetters.ids({ name, excType }, MAX_BULK);
    }
    if (ticked.length === 0) return null;
    if (ticked.length > MAX_BULK) {
      throw invalid([{ field: "ids", message: `${MAX_BULK} at most at once.` }]);
    }
    return [...new Set(ticked)];
  }

  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const filter = filterOf(reader);
        reader.check();
        return groupsPage(call, { groups: await deadLetters.summary(filter), filter });
      },
    },
    {
      method: "GET",
      path: `${PLACE}/list`,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const filter = filterOf(reader);
        const cursor = reader.cursor("cursor", CURSOR);
        reader.check();
        const { tasks, next } = await deadLetters.list(filter, PAGE, cursor);
        return lettersPage(call, { filter, cursor, tasks, next });
      },
    },
    { method: "POST", path: `${PLACE}/bulk`, scope: "control", rate: "control", handle: bulk },
  ];
}

function filterOf(reader: QueryReader): DeadLetterFilter {
  return withoutUndefined({
    name: reader.name("name"),
    queue: reader.text("queue", 100),
    excType: reader.text("exc_type"),
  });
}

/** What became of dead letters, in a sentence; of those that stayed the first reason. */
function told(answers: readonly DeadLetterAnswer[]): { text: string; hasFailed: boolean } {
  const count = (status: DeadLetterAnswer["status"]) =>
    answers.filter((answer) => answer.status === status).length;
  const said = (["replayed", "discarded"] as const).flatMap((status) =>
    count(status) === 0 ? [] : [`${count(status)} ${status}`],
  );
  if (count("gone") > 0) said.push(`${count("gone")} dealt with before`);
  const failed = answers.find((answer) => answer.status === "failed");
  if (failed !== undefined) {
    const { message, errors } = problemOf(failed.error);
    const [first] = errors;
    const why = first === undefined ? message : `${first.field}: ${first.message}`;
    said.push(`${count("failed")} not possible (${why})`);
  }
  if (answers.length === MAX_BULK) said.push(`there may be more: ${MAX_BULK} are done at once`);
  const text = said.length === 0 ? "There was none left." : `${said.join(", ")}.`;
  return { text, hasFailed: failed !== undefined || count("gone") === answers.length };
}
