import { wait } from "../clock.ts";
import type { Deployment, Query } from "../deployment.ts";
import { CommandError, EXIT, InterruptedError } from "../failures.ts";
import type { Shell } from "../shell.ts";
import { linesOf } from "../task-page.ts";
import { getTask, taskPath, type Task } from "../tasks.ts";
import { printable } from "../text.ts";
import { draw } from "./draw.ts";
import { TaskRows } from "./task-rows.ts";
import { Terminal } from "./terminal.ts";
import { MonitorView, type Detail, type Wish } from "./view.ts";
import { watchEvents, type Watched } from "./watch-events.ts";

/** However many events come, the screen is drawn so often. */
const FRAME_MS = 100;
/** Tasks of the past that are listed before anything happens. */
const PAST = 100;

/** The full-screen view of tasks, until somebody leaves it. */
export async function monitor(shell: Shell, query: Query): Promise<void> {
  const { output, stdin, stdout } = shell;
  const over = new AbortController();
  const ended = AbortSignal.any([shell.signal, over.signal]);
  const deployment = shell.connect(ended);
  const rows = new TaskRows();
  const view = new MonitorView(rows);
  const terminal = new Terminal(stdin, stdout);
  let connection = "connected";
  let missed = 0;
  let isStale = true;

  const show = () => {
    isStale = false;
    const { columns, lines } = terminal;
    const { url } = deployment;
    terminal.draw(draw(view, { columns, lines, paint: output.paint, url, connection, missed }));
  };
  const grant = async (wish: Wish): Promise<void> => {
    if (wish.kind === "quit") over.abort(new QuitError());
    else if (wish.kind === "suspend") terminal.suspend();
    else view.message = await fulfil(deployment, view, wish).catch(messageOf);
    show();
  };
  const hear = async (watched: Watched): Promise<void> => {
    connection = watched.kind === "lost" ? `connection lost: ${watched.why}` : "connected";
    isStale = true;
    if (watched.kind === "connected") await learnPast(deployment, rows, query);
    if (watched.kind !== "events") return;
    missed += watched.missed;
    for (const event of watched.events) rows.hear(event);
  };

  const watching = watchEvents(deployment, query, ended);
  // What is refused is refused before the screen is taken.
  const first = await watching.next();
  if (first.done !== true) await hear(first.value);

  terminal.enter((key) => {
    // Ctrl-C is a key here; it means what it means elsewhere.
    if (key === "ctrl-c") over.abort(new InterruptedError(EXIT.interrupted));
    const wish = view.press(key);
    if (wish === null) show();
    else void grant(wish);
  }, show);
  const drawing = (async () => {
    for (;;) {
      if (isStale) show();
      await wait(FRAME_MS, ended);
    }
  })();
  const listening = (async () => {
    for await (const watched of watching) await hear(watched);
  })();
  try {
    await Promise.race([drawing, listening]);
  } catch (error) {
    if (!(error instanceof QuitError)) throw error;
  } finally {
    terminal.leave();
    over.abort(new QuitError());
    await Promise.allSettled([drawing, listening]);
  }
}

/** Lists what there was before anybody watched, and while the connection was lost. */
async function learnPast(deployment: Deployment, rows: TaskRows, query: Query): Promise<void> {
  const { tasks } = await deployment.get<{ tasks: Task[] }>("/api/tasks/search/", {
    query: { limit: PAST, queue: query["queue"], name: query["task"] },
  });
  for (const task of tasks.toReversed()) rows.learn(rowOf(task));
}

/** Somebody pressed q. */
class QuitError extends CommandError {
  constructor() {
    super("", EXIT.ok);
  }
}

/** Does what a key asks for. @returns what to say about it */
async function fulfil(
  deployment: Deployment,
  view: MonitorView,
  wish: Exclude<Wish, { kind: "quit" | "suspend" }>,
): Promise<string> {
  switch (wish.kind) {
    case "show": {
      const task = await getTask(deployment, wish.task.id);
      view.open(
        `${wish.what} of ${printable(task.name)} ${task.task_id}`,
        detailOf(task, wish.what),
      );
      return "";
    }
    case "revoke": {
      const { terminate } = wish;
      const task = await deployment.post<Task>(`${taskPath(wish.task.id)}revoke/`, { terminate });
      return `${task.name} ${task.task_id} is ${task.state}.`;
    }
    case "rate_limit": {
      const rate = wish.rate === "default" ? null : wish.rate;
      const body = { task: wish.task.name, rate_limit: rate };
      const { ok } = await deployment.post<{ ok: string }>("/api/control/rate_limit/", body);
      return `${wish.task.name}: ${ok}`;
    }
  }
}

function detailOf(task: Task, what: Detail): string[] {
  switch (what) {
    case "info":
      return linesOf(task);
    case "result":
      return linesIn(JSON.stringify(task.result, null, 2));
    case "traceback":
      return linesIn(task.traceback ?? task.error?.exc_message ?? "There is none.");
  }
}

function linesIn(text: string): string[] {
  return text.split("\n").map((line) => printable(line.replaceAll("\t", "  ")));
}

function messageOf(error: unknown): string {
  if (!(error instanceof CommandError)) throw error;
  return printable([error.message, ...error.hints].join(" "));
}

function rowOf(task: Task) {
  const { task_id: id, name, state, queue, retries, attempts, error } = task;
  const { started_at: start, finished_at: end } = attempts.at(-1) ?? {};
  return {
    id,
    name,
    state,
    queue,
    retries,
    at: Date.parse(task.finished_at ?? start ?? task.submitted_at),
    runtime: start == null || end == null ? null : (Date.parse(end) - Date.parse(start)) / 1_000,
    exception: error === null ? null : `${error.exc_type}: ${error.exc_message}`,
  };
}
