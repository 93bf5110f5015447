import { cpus, totalmem } from "node:os";
import type { Killed } from "./kill.ts";
import { median, round2 } from "../measure.ts";
import type { Round, Workload } from "./speed.ts";
import type { System } from "./system.ts";

const GIB = 2 ** 30;

/** All that was measured of one system; a workload that failed is absent in that round. */
export interface Measured {
  readonly title: string;
  readonly rounds: Partial<Round>[];
  /** From the start of its processes to the first task's result. */
  readonly coldStartSeconds: number[];
  idleMiB: number | null;
  loadedMiB: number | null;
}

/** One row of the table: what it says of a system; null: it could not be measured. */
interface Row {
  readonly title: string;
  readonly unit: string;
  readonly isRate: boolean;
  readonly value: (measured: Measured) => number | null;
}

const ROWS: readonly Row[] = [
  { title: "no-op tasks in bulk", unit: "tasks/s", isRate: true, value: rate("bulk") },
  { title: "no-op tasks singly", unit: "tasks/s", isRate: true, value: rate("single") },
  { title: "tasks with a 5 ms HTTP call", unit: "tasks/s", isRate: true, value: rate("http") },
  { title: "one task, p50", unit: "ms", isRate: false, value: time("latency", 0.5) },
  { title: "one task, p95", unit: "ms", isRate: false, value: time("latency", 0.95) },
  { title: "one task, p99", unit: "ms", isRate: false, value: time("latency", 0.99) },
  { title: "a chain of 20", unit: "ms", isRate: false, value: time("chain", 0.5) },
  { title: "a chord of 100", unit: "ms", isRate: false, value: time("chord", 0.5) },
  {
    title: "cold start",
    unit: "s",
    isRate: false,
    value: ({ coldStartSeconds: all }) => (all.length === 0 ? null : median(all)),
  },
  { title: "memory, idle", unit: "MiB", isRate: false, value: ({ idleMiB }) => idleMiB },
  { title: "memory after it all", unit: "MiB", isRate: false, value: ({ loadedMiB }) => loadedMiB },
];

/** The median of the rounds. */
function rate(workload: Workload): Row["value"] {
  return ({ rounds }) => {
    const all = rounds.flatMap((round) => round[workload] ?? []);
    return all.length === 0 ? null : median(all);
  };
}

/** That share of all calls of all rounds took no longer. */
function time(workload: Workload, share: number): Row["value"] {
  return ({ rounds }) => {
    const all = rounds.flatMap((round) => round[workload] ?? []).toSorted((a, b) => a - b);
    return all[Math.floor(all.length * share)] ?? null;
  };
}

/** Collects what was measured, and says it. */
export class Report {
  readonly #date = new Date();
  readonly #systems = new Map<string, Measured>();
  readonly #killed = new Map<string, Killed & { title: string }>();

  of({ name, title }: System): Measured {
    const known = this.#systems.get(name);
    if (known !== undefined) return known;
    const made = { title, rounds: [], coldStartSeconds: [], idleMiB: null, loadedMiB: null };
    this.#systems.set(name, made);
    return made;
  }

  addKilled({ name, title }: System, killed: Killed): void {
    this.#killed.set(name, { title, ...killed });
  }

  /** For reading by programs: the figures of the tables, and every round's own. */
  json(): string {
    const systems = Object.fromEntries(
      [...this.#systems].map(([name, measured]) => [
        name,
        { figures: figuresOf(measured), ...measured },
      ]),
    );
    const { cores, model, memoryGiB } = machine();
    const whole = {
      date: this.#date.toISOString(),
      machine: { cores, model, memoryGiB, node: process.version },
      systems,
      killed: Object.fromEntries(this.#killed),
    };
    return `${JSON.stringify(whole, null, 2)}\n`;
  }

  /** @param first the system that all are compared with */
  markdown(first: string): string {
    const { cores, model, memoryGiB } = machine();
    const day = this.#date.toISOString().slice(0, 10);
    return [
      `Measured ${day} on ${cores} cores (${model}), ${memoryGiB} GiB, Node ${process.version}. In brackets: how many times better Lovage is; under 1 the other is.`,
      this.#speeds(first),
      this.#kills(),
    ].join("\n\n");
  }

  #speeds(first: string): string {
    const own = this.#systems.get(first);
    const all = [...this.#systems.values()];
    const rows = ROWS.map((row) => {
      const mine = own === undefined ? null : row.value(own);
      const cells = all.map((measured) => cell(row, row.value(measured), measured === own, mine));
      return [`${row.title} (${row.unit})`, ...cells];
    });
    return table([["", ...all.map(({ title }) => title)], ...rows]);
  }

  #kills(): string {
    const head = ["killed", "times", "tasks", "lost", "still held", "run twice", "over after (s)"];
    const rows = [...this.#killed.values()].map(({ title, kills, submitted, ...became }) =>
      [title, kills, submitted, became.lost, became.held, became.doubled, became.seconds].map(
        String,
      ),
    );
    return rows.length === 0 ? "" : table([head, ...rows]);
  }
}

function figuresOf(measured: Measured): Record<string, number | null> {
  return Object.fromEntries(
    ROWS.map(({ title, unit, value }) => {
      const figure = value(measured);
      return [`${title} (${unit})`, figure === null ? null : round2(figure)];
    }),
  );
}

function cell(row: Row, value: number | null, isOwn: boolean, own: number | null): string {
  if (value === null) return "–";
  const shown = shownAs(value);
  if (isOwn) return `**${shown}**`;
  if (own === null) return shown;
  return `${shown} (${shownAs(row.isRate ? own / value : value / own)})`;
}

/** Three figures, or all of those before the point. */
function shownAs(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const options = { maximumFractionDigits: digits, minimumFractionDigits: digits };
  return value.toLocaleString("en", options);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

function machine() {
  const all = cpus();
  return {
    cores: all.length,
    model: all[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / GIB),
  };
}
