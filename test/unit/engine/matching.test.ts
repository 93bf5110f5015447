import { expect, it } from "vitest";
import { matches, mentions, type Match, type TaskRecord } from "#engine";
import { fromRow, type HistoryRow } from "#platform/history/rows.ts";
import { matchCondition } from "#platform/history/match-condition.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";

const kwargs = JSON.stringify({
  to: 'O"Neil@Example.com',
  count: 5,
  nested: { city: "Казань" },
  card: { $secret: "v1.aGlkZGVu" },
});

const row: HistoryRow = {
  id: "01a1fef6-fd6e-8002-bf02-a06dfa01e364",
  name: "send_Email",
  state: "FAILURE",
  queue: "default",
  owner: "shop",
  finished_at: 2,
  is_dead_lettered: 1,
  kwargs,
  result: '{"note":"5 \\"stars\\""}',
  detail: JSON.stringify([
    ...[null, 0, {}, 0, 1, null, null, []],
    { exc_type: "ValueError", exc_message: 'Bad "thing"', traceback: "at hidden.ts" },
  ]),
  resolution: null,
};
const task: TaskRecord = fromRow(row);

const is = (field: Exclude<Match, { all: unknown } | { any: unknown }>["field"], text: string) => ({
  field,
  text,
});

it.each<[string, Match, boolean]>([
  ["a part of the name, in either case", is("name", "END_EMAIL"), true],
  ["a part of the id", is("id", "fd6e-8002"), true],
  ["all of the state", is("state", "failure"), true],
  ["not a part of the state", is("state", "fail"), false],
  ["a text with a quote in an argument", is("args", 'o"neil'), true],
  ["arguments as JSON", is("args", '"count":5'), true],
  ["letters of other scripts as they are", is("args", "Казань"), true],
  ["no sealed argument", is("args", "aGlkZGVu"), false],
  ["not what marks one", is("args", "$secret"), false],
  ["nor what stands for one", is("args", "[secret]"), false],
  ["a pair", is("pair", "COUNT=5"), true],
  ["no part of a pair", is("pair", "coun=5"), false],
  ["no pair with a secret", is("pair", 'card={"$secret":"v1.agLkzgvu"}'), false],
  ["a result", is("result", '"stars"'), true],
  ["the type of the error", is("error", "valueerr"), true],
  ["the message of the error", is("error", 'bad "th'), true],
  ["never its stack", is("error", "hidden.ts"), false],
  ["arguments or error", mentions("neil"), true],
  ["all of several", { all: [is("name", "email"), is("state", "SUCCESS")] }, false],
  ["any of several", { any: [is("name", "nothing"), is("state", "FAILURE")] }, true],
  ["all of none", { all: [] }, true],
  ["any of none", { any: [] }, false],
])("finds %s, and SQL leaves nothing out that fits", (_what, match, expected) => {
  expect(matches(task, match)).toBe(expected);
  if (expected) expect(passes(match)).toBe(true);
});

it("SQL alone leaves out most of what does not fit, but nothing for what a secret says or not", () => {
  const open = { ...row, kwargs: '{"to":"O\'Neil"}' };
  expect(passes(is("args", "nowhere"), open)).toBe(false);
  expect(passes(is("args", "nowhere"))).toBe(true);
  expect(passes({ all: [is("name", "email"), is("error", "nowhere")] })).toBe(false);
  expect(passes({ any: [] })).toBe(false);
});

it("a match of any size keeps within the parameters that D1 takes", () => {
  const params: string[] = [];
  const many = { any: Array.from({ length: 200 }, (_, n) => is("args", `"text ${n}`)) };
  matchCondition(many, { args: "kwargs" }, params);
  expect(params.length).toBeLessThanOrEqual(60);
  expect(passes({ any: [...many.any, is("args", "neil")] })).toBe(true);
});

/** Whether a row gets through the condition. */
function passes(match: Match, given = row): boolean {
  const sql = new SimSql();
  const names = Object.keys(given);
  sql.exec(`CREATE TABLE tasks (${names.join(", ")})`);
  sql.exec(
    `INSERT INTO tasks VALUES (${names.map(() => "?").join(", ")})`,
    ...(Object.values(given) as (string | number | null)[]),
  );
  const params: string[] = [];
  const columns = {
    ...{ id: "id", name: "name", state: "state", args: "kwargs", result: "result" },
    error: "detail",
  };
  const condition = matchCondition(match, columns, params);
  const found = [...sql.exec(`SELECT id FROM tasks WHERE ${condition}`, ...params)];
  sql.close();
  return found.length === 1;
}
