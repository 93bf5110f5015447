import { PRICE } from "../scripts/capacity/prices.ts";
import { features } from "./bulk.ts";
import { canvases } from "./canvas.ts";
import { table } from "./growth/results.ts";

interface Billed {
  readonly ledger_rows: number;
  readonly history_rows: number;
  readonly limiter_rows?: number;
  readonly object_requests: number;
  readonly queue_operations: number;
  readonly dollars_per_million: number;
}

/** A task as one instance of a Workflow with one step: a request, and the step. */
const WORKFLOW = PRICE.workflowStep + PRICE.workerRequest;

/**
 * A task as a message of a queue and a row of D1 with a text key and an index of states: a request and three
 * queue operations; an insert is 3 rows (table, key, index), `running` and `done` 2 each, its purge 1.
 */
const NAIVE = { rows: 3 + 2 + 2 + 1, requests: 1 + 0.1, queueOperations: 3 };
const NAIVE_DOLLARS =
  NAIVE.rows * PRICE.row +
  NAIVE.requests * PRICE.workerRequest +
  NAIVE.queueOperations * PRICE.queueOperation;

/**
 * What a million tasks of each kind are billed, by the platform's counters. The purge of their history is no row
 * more where tasks go on coming: they are written over. CPU time and storage come on top, everywhere.
 */
export async function cost(
  url: string,
  runs: { readonly latency: () => Promise<Billed>; readonly singles: () => Promise<Billed> },
) {
  const lone = await runs.latency();
  const { plain, ...others } = await features(url);
  const kinds: Readonly<Record<string, Billed>> = {
    in_bulk: plain,
    singly_under_load: await runs.singles(),
    one_at_a_time: lone,
    ...others,
    ...(await canvases(url)),
  };
  const lines = Object.entries(kinds).map(([kind, units]) => [
    kind.replaceAll("_", " "),
    units.ledger_rows + (units.limiter_rows ?? 0),
    units.history_rows,
    units.object_requests,
    units.queue_operations,
    units.dollars_per_million,
    `${Math.round((100 * units.dollars_per_million) / WORKFLOW)} %`,
  ]);
  lines.push(
    ["a Workflow with one step", "", "", "", "", WORKFLOW, "100 %"],
    [
      "a queue and D1, naively",
      "",
      NAIVE.rows,
      "",
      NAIVE.queueOperations,
      NAIVE_DOLLARS,
      `${Math.round((100 * NAIVE_DOLLARS) / WORKFLOW)} %`,
    ],
  );
  const head = ["per task", "rows in objects", "rows in D1", "object requests"];
  head.push("queue operations", "dollars per million", "of a Workflow");
  console.log(`\n${table(head, lines)}\n`);
  return kinds;
}
