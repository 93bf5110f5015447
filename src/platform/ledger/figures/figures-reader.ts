import {
  addFigures,
  InvalidOptionError,
  MAX_FIGURE_STEPS,
  type Clock,
  type FiguresByTask,
  type FiguresOfTime,
  type TaskFigures,
} from "#engine";
import { available } from "../directory.ts";
import type { FiguresOfMinute } from "./figures-book.ts";
import { partOf } from "./figures-folder.ts";

const MINUTE_MS = 60_000;

/** One shard, as its figures are read. */
export interface CountingShard {
  figures(from: number, until: number, step: number): Promise<FiguresOfMinute[]>;
  figuresTotal(): Promise<FiguresByTask>;
}

/** See `TaskFigures`. Asks all shards at once, each once per question. */
export class FiguresReader implements TaskFigures {
  readonly #shards: () => readonly CountingShard[];
  readonly #clock: Clock;

  constructor(parts: { shards: () => readonly CountingShard[]; clock: Clock }) {
    this.#shards = parts.shards;
    this.#clock = parts.clock;
  }

  async over(from: number, until: number, stepMinutes = 1): Promise<FiguresOfTime[]> {
    const part = partOf((this.#clock.now() - from) / MINUTE_MS);
    const step = Math.max(1, Math.ceil(stepMinutes / part)) * part;
    const start = Math.floor(from / MINUTE_MS / step) * step;
    const end = Math.ceil(until / MINUTE_MS);
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (!(count <= MAX_FIGURE_STEPS)) {
      throw new InvalidOptionError("from", `The time has more than ${MAX_FIGURE_STEPS} steps.`);
    }
    const answers = await Promise.all(
      this.#shards().map((shard) => available(shard.figures(start, end, step))),
    );
    const byStep = Map.groupBy(answers.flat(), ({ minute }) => minute);
    return Array.from({ length: count }, (_, at) => {
      const minute = start + at * step;
      const parts = byStep.get(minute) ?? [];
      return {
        from: minute * MINUTE_MS,
        minutes: step,
        figures: addFigures(parts.map(({ figures }) => figures)),
      };
    });
  }

  async total(): Promise<FiguresByTask> {
    return addFigures(
      await Promise.all(this.#shards().map((shard) => available(shard.figuresTotal()))),
    );
  }
}
