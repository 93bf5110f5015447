/**
 * `npm run restore`: brings a backup back into an empty shop and shows what its tables had and have.
 *
 *   npm run restore -- list
 *   npm run restore -- <backup id>
 *
 * --url says where the deployment is (default: LOVAGE_URL, else http://localhost:8787), --token is an API
 * key with the scope admin where one is needed (default: LOVAGE_TOKEN).
 */
import { parseArgs, styleText } from "node:util";

interface TableResult {
  readonly table: string;
  readonly backed_up: number;
  readonly now: number;
  readonly differing: number;
  readonly matches: boolean;
}

interface Task {
  readonly state: string;
  readonly meta: Readonly<Record<string, unknown>> | null;
  readonly error: { readonly exc_type: string; readonly exc_message: string } | null;
  readonly result: {
    readonly matches: boolean;
    readonly left_out: readonly string[];
    readonly tables: readonly TableResult[];
  } | null;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string" }, token: { type: "string" } },
});
const url = (values.url ?? process.env["LOVAGE_URL"] ?? "http://localhost:8787").replace(
  /\/+$/,
  "",
);
const token = values.token ?? process.env["LOVAGE_TOKEN"];

function fail(message: string): never {
  console.error(styleText("red", message, { stream: process.stderr }));
  process.exit(1);
}

async function call(method: string, path: string): Promise<unknown> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      "Content-Type": "application/json",
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: method === "POST" ? "{}" : null,
    signal: AbortSignal.timeout(60_000),
  }).catch((error: unknown) => fail(`${url} can't be reached: ${String(error)}`));
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text) as unknown;
  const { detail = text } = (text.startsWith("{") ? JSON.parse(text) : {}) as { detail?: string };
  return fail(`${answer.status}: ${detail}`);
}

async function list(): Promise<void> {
  const { backups } = (await call("GET", "/api/backups/?limit=100")) as {
    backups: Record<string, unknown>[];
  };
  console.table(
    backups.map(({ backup_id, finished, finished_at, rows, bytes, encrypted }) => ({
      ...{ backup_id, finished, finished_at, rows, bytes, encrypted },
    })),
  );
}

async function restore(id: string): Promise<void> {
  const path = `/api/backups/${encodeURIComponent(id)}/restore/`;
  const { task_id: taskId } = (await call("POST", path)) as { task_id: string };
  console.log(`Task ${taskId} restores ${id}.`);
  for (;;) {
    const task = (await call("GET", `/api/tasks/${taskId}/?wait=2`)) as Task;
    if (task.state === "SUCCESS" && task.result !== null) return show(task.result);
    if (task.state === "FAILURE" || task.state === "REVOKED") {
      fail(`${task.state}: ${task.error?.exc_message ?? ""}`);
    }
    const { current, total, table = "checksums" } = task.meta ?? {};
    if (task.meta !== null) console.log(`${String(table)}: ${String(current)} of ${String(total)}`);
  }
}

function show({ tables, left_out: leftOut, matches }: NonNullable<Task["result"]>): void {
  console.table(tables);
  console.log(`Not in the backup: ${leftOut.join("; ")}.`);
  if (!matches) fail("Some tables are not as they were in the backup.");
  console.log(styleText("green", "Every table has what the backup had."));
}

const [command] = positionals;
if (command === undefined) fail("Say the id of a backup, or list.");
if (command === "list") await list();
else await restore(command);
