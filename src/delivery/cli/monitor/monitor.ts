import { wait } from "../clock.ts";
import type { Deployment, Query } from "../deployment.ts";
import { CommandError, EXIT, InterruptedError, isAway } from "../failures.ts";
import type { Shell } from "../shell.ts";
import { linesOf } from "../task-page.ts";
import { getTask, taskPath, type Task } from "../tasks.ts";
import { printable, type Paint } from "../text.ts";
import { draw } from "./draw.ts";
import { TaskRows } from "./task-rows.ts";
import { Terminal } from "./terminal.ts";
import { MonitorView, type Detail, type Wish } from "./view.ts";
import { watchEvents, type Watched } from "./watch-events.ts";

/** However many events come, the screen is drawn so often. */
const FRAME_MS = 100;
/** How often it asks for what it has missed. */
const CATCH_UP_MS = 1_000;
/** The newest tasks that are asked for, before anything happens and when something was missed. */
const PAST = 200;

/** The full-screen view of tasks, until somebody leaves it. */
export async function monitor(shell: Shell, query: Query): Promise<void> {
  const over = new AbortController();
  const ended = AbortSignal.any([shell.signal, over.signal]);
  const deployment = shell.connect(ended);
  const screen = new Screen(shell, deployment, query, over);
  const watching = watchEvents(deployment, query, ended);
  // What is refused is refused before the screen is taken.
  await watching.next();
  await screen.learnPast();
  screen.enter();
  const working = [
    repeat(FRAME_MS, ended, () => {
      screen.refresh();
    }),
    repeat(CATCH_UP_MS, ended, () => screen.catchUp()),
    (async () => {
      for await (const watched of watching) screen.hear(watched);
    })(),
  ];
  try {
    await Promise.race(working);
  } catch (error) {
    if (!(error instanceof QuitError)) throw error;
  } finally {
    screen.leave();
    over.abort(new QuitError());
    await Promise.allSettled(working);
  }
}

/** Does something again and again, until `signal` says why not. */
async function repeat(ms: number, signal: AbortSignal, work: () => unknown): Promise<never> {
  for (;;) {
    await wait(ms, signal);
    await work();
  }
}

/** What is known, what is seen of it, and the terminal that shows it. */
class Screen {
  readonly #rows = new TaskRows();
  readonly #view = new MonitorView(this.#rows);
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #deployment: Deployment;
  readonly #query: Query;
  readonly #over: AbortController;
  #connection = "connected";
  #missed = 0;
  /** Something changed since it was drawn. */
  #isStale = true;
  /** Something was missed that can be asked for. */
  #isBehind = false;

  /** @param over ends everything; its reason is that of whoever pressed a key for it */
  constructor(shell: Shell, deployment: Deployment, query: Query, over: AbortController) {
    this.#terminal = new Terminal(shell.stdin, shell.stdout);
    this.#paint = shell.output.paint;
    this.#deployment = deployment;
    this.#query = query;
    this.#over = over;
  }

  enter(): void {
    this.#terminal.enter(
      (key) => {
        this.#press(key);
      },
      () => {
        this.#draw();
      },
    );
    this.#draw();
  }

  leave(): void {
    this.#terminal.leave();
  }

  refresh(): void {
    if (this.#isStale) this.#draw();
  }

  hear(watched: Watched): void {
    this.#connection = watched.kind === "lost" ? `connection lost: ${watched.why}` : "connected";
    this.#isStale = true;
    if (watched.kind === "connected") this.#isBehind = true;
    if (watched.kind !== "events") return;
    this.#missed += watched.missed;
    this.#isBehind ||= watched.missed > 0;
    for (const event of watched.events) this.#rows.hear(event);
  }

  async catchUp(): Promise<void> {
    if (!this.#isBehind) return;
    // Where the deployment is gone just now, the next time tries again.
    this.#isBehind = await this.learnPast().then(() => false, isUnreachable);
    this.#isStale = true;
  }

  /** Lists what there was before anybody watched, while the connection was lost, and what was missed. */
  async learnPast(): Promise<void> {
    const { tasks } = await this.#deployment.get<{ tasks: Task[] }>("/api/tasks/search/", {
      query: { limit: PAST, queue: this.#query["queue"], name: this.#query["task"] },
    });
    for (const task of tasks.toReversed()) this.#rows.learn(rowOf(task));
  }

  #draw(): void {
    this.#isStale = false;
    const { columns, lines } = this.#terminal;
    this.#terminal.draw(
      draw(this.#view, {
        ...{ columns, lines, paint: this.#paint, url: this.#deployment.url },
        ...{ connection: this.#connection, missed: this.#missed },
      }),
    );
  }

  #press(key: string): void {
    // Ctrl-C is a key here; it means what it means elsewhere.
    if (key === "ctrl-c") this.#over.abort(new InterruptedError(EXIT.interrupted));
    const wish = this.#view.press(key);
    if (wish === null) this.#draw();
    else void this.#grant(wish);
  }

  async #grant(wish: Wish): Promise<void> {
    if (wish.kind === "quit") this.#over.abort(new QuitError());
    else if (wish.kind === "suspend") this.#terminal.suspend();
    else this.#view.message = await fulfil(this.#deployment, this.#view, wish).catch(messageOf);
    this.#draw();
  }
}

function isUnreachable(error: unknown): true {
  if (isAway(error)) return true;
  throw error;
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
