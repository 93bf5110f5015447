import {
  LovageError,
  type Schedule,
  type ScheduleBook,
  type ScheduleRun,
  type ScheduleSettings,
} from "#engine";
import type { BeatObject } from "./beat-object.ts";

/** What of the Beat object keeps schedules. */
type Home = Pick<
  BeatObject,
  | "schedules"
  | "schedule"
  | "createSchedule"
  | "updateSchedule"
  | "removeSchedule"
  | "runSchedule"
  | "backfillSchedule"
  | "scheduleRuns"
>;

/** The schedules that Beat keeps, from anywhere. */
export class ScheduleClient implements ScheduleBook {
  readonly #home: () => Home;

  /** @param home asked for with every use: what answers belongs to the request */
  constructor(home: () => Home) {
    this.#home = home;
  }

  async page(after: string, limit: number): Promise<Schedule[]> {
    return parsed(this.#home().schedules(after, limit));
  }

  async get(name: string): Promise<Schedule | null> {
    return parsed(this.#home().schedule(name));
  }

  async create(name: string, settings: ScheduleSettings): Promise<Schedule> {
    return parsed(this.#home().createSchedule(name, JSON.stringify(settings)));
  }

  async update(
    name: string,
    settings: ScheduleSettings,
    version: number,
  ): Promise<Schedule | null> {
    return parsed(this.#home().updateSchedule(name, JSON.stringify(settings), version));
  }

  async remove(name: string): Promise<boolean> {
    return this.#home().removeSchedule(name);
  }

  async run(name: string, key: string): Promise<ScheduleRun | null> {
    return parsed(this.#home().runSchedule(name, key));
  }

  async backfill(name: string, from: number, until: number): Promise<ScheduleRun[] | null> {
    return parsed(this.#home().backfillSchedule(name, from, until));
  }

  async runs(name: string, limit: number): Promise<ScheduleRun[]> {
    return parsed(this.#home().scheduleRuns(name, limit));
  }
}

/** An error keeps its code on the way, but not its class. */
async function parsed<T>(answer: Promise<string>): Promise<T> {
  try {
    return JSON.parse(await answer) as T;
  } catch (error) {
    const { code, field, message, retryable } = error as Partial<LovageError>;
    if (code === undefined) throw error;
    throw new LovageError(code, message ?? "", {
      ...(field != null && { field }),
      ...(retryable !== undefined && { retryable }),
    });
  }
}
