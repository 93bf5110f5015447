import type { Command } from "commander";
import { now, wait } from "../clock.ts";
import { CommandError, EXIT } from "../failures.ts";
import { seconds } from "../options.ts";
import type { Output } from "../output.ts";
import type { Shell } from "../shell.ts";
import { awaitTask, errorOf, sayResult } from "../tasks.ts";
import { printable, styleOf } from "../text.ts";

/** A part of a canvas as `GET /api/canvas/{id}/` shows it. */
interface Part {
  readonly type: "task" | "chain" | "group" | "chord";
  /** Null: some of it lies outside of the page. */
  readonly state: string | null;
  readonly task?: string;
  readonly task_id?: string;
  readonly error?: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly size?: number;
  readonly header_size?: number;
  readonly members?: readonly Part[];
  readonly header?: readonly Part[];
  readonly body?: Part;
  readonly undo?: Part;
}

interface Canvas {
  readonly canvas_id: string;
  readonly name: string;
  readonly state: string;
  readonly result: unknown;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly tree: Part;
  readonly next: number | null;
  readonly finished_at: string | null;
}

const LOOK_EVERY_MS = 500;
const PLACES = 1_000;

/** Workflows of many tasks. */
export function addCanvas(program: Command, shell: Shell): void {
  const canvas = program
    .command("canvas")
    .summary("run a workflow from a file, show one as a tree")
    .description("Runs and shows workflows: chains, groups, chords.");
  canvas
    .command("run")
    .description("submits a workflow and prints its id")
    .argument("<file>", "its JSON, Celery's or the readable form; -: what comes in")
    .option("--dry-run", "only check it")
    .option("--idempotency-key <key>", "run again with the same key it is the same canvas")
    .option("-w, --wait [seconds]", "wait for its end and print the result instead", seconds)
    .action((file: string, options: RunOptions) => run(shell, file, options));
  canvas
    .command("show")
    .description("shows a workflow as a tree with the states of its tasks")
    .argument("<id>", "the canvas's id")
    .option("--follow", "show it again until it has ended")
    .action((id: string, { follow = false }: { follow?: boolean }) => show(shell, id, follow));
}

interface RunOptions {
  readonly dryRun?: boolean;
  readonly idempotencyKey?: string;
  readonly wait?: true | number;
}

async function run(shell: Shell, file: string, options: RunOptions): Promise<void> {
  const { deployment, output } = shell;
  const signature = shell.readJson(file);
  if (options.dryRun === true) {
    const query = { dry_run: "true" };
    const checked = await deployment.post<Record<string, unknown>>("/api/canvas/", signature, {
      query,
    });
    output.answer(checked, () => {
      output.line("It fits.");
    });
    return;
  }
  const key = options.idempotencyKey;
  const called = await deployment.post<{ canvas_id: string }>("/api/canvas/", signature, {
    ...(key !== undefined && { headers: { "Idempotency-Key": key } }),
  });
  const id = called.canvas_id;
  if (options.wait === undefined) {
    output.answer(called, () => {
      output.line(id);
    });
    return;
  }
  const timeoutSeconds = options.wait === true ? null : options.wait;
  await sayResult(deployment, output, await awaitTask(deployment, id, { timeoutSeconds, now }));
}

async function show(shell: Shell, id: string, follow: boolean): Promise<void> {
  const { deployment, output, signal, stdout } = shell;
  const path = `/api/canvas/${encodeURIComponent(id)}/`;
  let drawn = 0;
  for (;;) {
    const canvas = await deployment.find<Canvas>(path, { query: { limit: PLACES } });
    if (canvas === null) {
      throw new CommandError(`There is no canvas ${id}, or it isn't yours.`, EXIT.failed);
    }
    const isLast = !follow || canvas.finished_at !== null;
    if (output.isJson && !isLast) {
      await wait(LOOK_EVERY_MS, signal);
      continue;
    }
    output.answer(canvas, () => {
      const lines = linesOf(canvas, output);
      // Over the last drawing, where it is still all there.
      const canGoUp = stdout.isTTY && drawn > 0 && drawn < stdout.rows;
      if (canGoUp) stdout.write(`\x1b[${drawn}A\r\x1b[J`);
      if (isLast || stdout.isTTY) for (const line of lines) output.line(line);
      drawn = lines.length;
    });
    if (isLast) return;
    await wait(LOOK_EVERY_MS, signal);
  }
}

function linesOf(canvas: Canvas, output: Output): string[] {
  const { total = 0, done = 0 } = canvas.counts;
  const error = errorOf(canvas);
  return [
    `${canvas.canvas_id} ${stateOf(canvas.state, output)} ${done} of ${total} done`,
    ...branchesOf(canvas.tree, output, "", ""),
    ...(canvas.next === null ? [] : [`… more than the first ${PLACES} places`]),
    ...(error === "" ? [] : [output.paint("red", printable(error))]),
  ];
}

/** A part and all below it, as `tree` draws folders. */
function branchesOf(part: Part, output: Output, head: string, rest: string): string[] {
  const error =
    part.error == null ? "" : ` ${output.paint("red", printable(errorOf({ error: part.error })))}`;
  const line = `${head}${titleOf(part)} ${stateOf(part.state, output)}${error}`;
  const below: (readonly [label: string, part: Part])[] = [
    ...(part.members ?? part.header ?? []).map((member) => ["", member] as const),
    ...(part.body === undefined ? [] : [["body: ", part.body] as const]),
    ...(part.undo === undefined ? [] : [["undo: ", part.undo] as const]),
  ];
  const lines = below.flatMap(([label, each], index) => {
    const isLast = index === below.length - 1;
    const [joint, gap] = isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
    return branchesOf(each, output, `${rest}${joint}${label}`, `${rest}${gap}`);
  });
  return [line, ...lines];
}

function titleOf({ type, task, task_id: id, size, header_size: headerSize }: Part): string {
  if (type === "task") return `${printable(task ?? "")} ${id ?? ""}`;
  return `${type} of ${size ?? headerSize ?? 0}`;
}

function stateOf(state: string | null, { paint }: Output): string {
  return state === null ? "…" : paint(styleOf(state), state);
}
