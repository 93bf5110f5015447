/**
 * Breaks the code in memory, one promise at a time, and shows which check finds it: the kill table.
 *
 *   npm run mutants                       all of them, after the same checks on the code as it is
 *   npm run mutants -- M4 M12             these
 *   npm run mutants -- --quick            those that are found under Node, without Cloudflare's runtime
 *   npm run mutants -- --markdown         the table as RELIABILITY.md has it
 *   npm run mutants -- --jobs 1           one at a time
 *   npm run mutants -- --no-control       without the run on the code as it is, where the tests have just passed
 *
 * Ends with 1 if one survives, if an edit no longer fits its file, or if a check fails without a mutant.
 */
import { table, type Row } from "../test/mutants/kill-table.ts";
import { type Mutant } from "../test/mutants/mutant.ts";
import { MUTANTS } from "../test/mutants/mutants.ts";
import { failureOf, killOf } from "../test/mutants/run-checks.ts";
import { optionsOf } from "./options.ts";

const { values: options, positionals: ids } = optionsOf({
  allowPositionals: true,
  allowNegative: true,
  options: {
    quick: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
    control: { type: "boolean", default: true },
  },
});
const unknown = ids.filter((id) => !MUTANTS.some((mutant) => mutant.id === id));
if (unknown.length > 0) throw new Error(`There is no mutant ${unknown.join(", ")}.`);
const chosen = MUTANTS.filter(
  ({ id, checks }) =>
    (ids.length === 0 || ids.includes(id)) &&
    !(options.quick && checks.some(({ project }) => project === "domain")),
);

const begunAt = performance.now();
if (options.control) {
  const failure = await failureOf(chosen.flatMap(({ checks }) => checks));
  if (failure !== null) {
    console.log(`A check fails on the code as it is, so it says nothing of a mutant:\n${failure}`);
    process.exit(1);
  }
  console.log(`The checks pass on the code as it is (${seconds()} s).`);
}

const rows = new Map<string, Row>();
const waiting = [...chosen];
await Promise.all(Array.from({ length: Math.max(1, Number(options.jobs)) }, work));
const ordered = chosen.flatMap(({ id }) => rows.get(id) ?? []);
console.log(`\n${table(ordered, options.markdown)}\n`);
const survivors = ordered.filter(({ kill }) => kill === null);
console.log(`${ordered.length - survivors.length} of ${ordered.length} killed in ${seconds()} s.`);
if (survivors.length > 0) {
  console.log(
    `Survived, so a check is missing: ${survivors.map((row) => row.mutant.id).join(", ")}`,
  );
  process.exitCode = 1;
}

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await attempt(next);
}

async function attempt(mutant: Mutant): Promise<void> {
  const kill = await killOf(mutant);
  rows.set(mutant.id, { mutant, kill });
  const how = kill === null ? "SURVIVED" : `killed by ${kill.test}: ${kill.violation}`;
  console.log(`${mutant.id} ${mutant.breaks}\n    ${how}`);
}

function seconds(): number {
  return Math.round((performance.now() - begunAt) / 1_000);
}
