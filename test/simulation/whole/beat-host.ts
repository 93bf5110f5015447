import { declareSchedule, signature, type DeclaredSchedule, type Timing } from "#engine";
import { TaskBeat, type BeatPorts } from "#platform/beat/task-beat.ts";
import { HIBERNATES_AFTER_MS } from "#platform/idle.ts";
import type { SqlPort } from "#platform/ledger/ports.ts";
import { SimAlarm } from "../alarm.ts";
import type { Chaos } from "../chaos.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import type { World } from "../../../src/testing/world.ts";
import { never } from "../../../src/testing/world.ts";
import type { WholeFaults } from "./faults.ts";

/** As beat-object.ts has it. */
const AGAIN_MS = 30_000;
const LOST_AFTER_MS = 60_000;
const CRON_MS = 60_000;
const OFFSET_MS = 600_000;

/** Every slot, the newest of those that were missed, and what the clocks of Berlin show. */
export const EVERY = "every-ten-seconds";
export const LATEST = "every-twenty-seconds";
export const LOCAL = "at-one-past-two";

export interface BeatHostParts {
  readonly world: World;
  readonly chaos: Chaos<WholeFaults>;
  readonly runs: Pick<BeatPorts, "submit" | "isUnfinished">;
  /** No slot comes after this, epoch ms. */
  readonly until: number;
}

/** Beat's object: its storage and its alarm outlive it. The cron trigger ticks it too. */
export class BeatHost {
  readonly #parts: BeatHostParts;
  readonly #sql = new SimSql();
  readonly #alarm: SimAlarm;
  readonly #declared: readonly DeclaredSchedule[];
  #beat: TaskBeat;
  #epoch = 0;
  #offset = 0;
  #frozenAt: number | null = null;
  /** Ticks under way. */
  #firing = 0;
  #usedAt = 0;
  /** When its schedules were declared first, by its own clock, epoch ms: they have no slots before. */
  #declaredAt: number | null = null;

  constructor(parts: BeatHostParts) {
    const { world, chaos, until } = parts;
    this.#parts = parts;
    this.#alarm = new SimAlarm(
      world,
      () => this.#now(),
      chaos,
      () => void this.#ring(),
    );
    const call = signature("tick", { n: 1 });
    const anchor = world.now() - (world.now() % 60_000);
    const interval = (every: number): Timing => ({
      ...{ kind: "interval", every, period: "seconds", anchor },
    });
    const berlin: Timing = {
      ...{ kind: "crontab", timezone: "Europe/Berlin", minute: "1", hour: "2" },
      ...{ day_of_month: "*", month_of_year: "*", day_of_week: "*" },
    };
    const all = { policy: "all", limit: 100 } as const;
    this.#declared = [
      declareSchedule(EVERY, call, interval(10), { missed: all, expires: until }),
      declareSchedule(LATEST, call, interval(20), { expires: until, overlap: "skip" }),
      declareSchedule(LOCAL, call, berlin, { missed: all, expires: until }),
    ];
    this.#beat = this.#create();
    this.#cron();
  }

  /** Everything it has to do is done. */
  get isIdle(): boolean {
    return this.#beat.nextAt === null;
  }

  /** See `#declaredAt`; Infinity: they never were. */
  get declaredAt(): number {
    return this.#declaredAt ?? Infinity;
  }

  close(): void {
    this.#sql.close();
  }

  #now(): number {
    return this.#frozenAt ?? this.#parts.world.now() + this.#offset;
  }

  #create(): TaskBeat {
    const epoch = this.#epoch;
    const isAlive = () => epoch === this.#epoch;
    const { runs } = this.#parts;
    const alive = async <T>(work: Promise<T>): Promise<T> => {
      const settled = await work.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (!isAlive()) return never();
      if ("error" in settled) throw settled.error;
      return settled.value;
    };
    return new TaskBeat({
      clock: { now: () => this.#now() },
      sql: this.#sql satisfies SqlPort,
      submit: async (planned) => {
        for (const { schedule, slot } of planned) {
          this.#parts.world.note(`${schedule.name} fires for ${new Date(slot).toISOString()}`);
        }
        const answers = await alive(runs.submit(planned));
        if (this.#parts.chaos.strikes("beatDies")) {
          this.#die();
          return never();
        }
        return answers;
      },
      isUnfinished: (taskId) => alive(runs.isUnfinished(taskId)),
      log: () => undefined,
    });
  }

  /** An object that was idle for long is out of memory. */
  #use(): void {
    const now = this.#parts.world.now();
    if (this.#firing === 0 && now - this.#usedAt >= HIBERNATES_AFTER_MS) {
      this.#beat = this.#create();
    }
    this.#usedAt = now;
  }

  #die(): void {
    this.#epoch += 1;
    this.#firing = 0;
    this.#beat = this.#create();
    // The platform runs the alarm of an object that died once more.
    this.#alarm.retry(2_000);
  }

  #jump(): void {
    const { world, chaos } = this.#parts;
    if (!chaos.strikes("beatClock")) return;
    if (world.chance(0.3)) {
      this.#frozenAt = this.#now();
      world.after(60_000, () => {
        this.#frozenAt = null;
      });
    } else {
      this.#offset = world.between(-OFFSET_MS, OFFSET_MS);
    }
    world.note(`beat's clock shows ${new Date(this.#now()).toISOString()}`);
    this.#alarm.clockChanged();
  }

  #cron(): void {
    const { world, chaos } = this.#parts;
    world.after(CRON_MS, () => {
      this.#cron();
      const times = chaos.strikes("cronDoubled") ? 10 : 1;
      for (let time = 0; time < times; time += 1) {
        const late = times > 1 && time === 0 ? 60_000 : world.between(0, 20);
        world.after(late, () => void this.#tick());
      }
    });
    if (this.#alarm.at === null) void this.#tick();
  }

  /** As `BeatObject.tick`. */
  async #tick(): Promise<void> {
    this.#use();
    this.#jump();
    this.#declaredAt ??= this.#now();
    this.#beat.declare(this.#declared, (name) => `code:${name}`);
    const next = this.#beat.nextAt;
    const { at } = this.#alarm;
    const isLost = at === null || at < this.#now() - LOST_AFTER_MS;
    if (isLost || (next !== null && next < at)) this.#arm();
    await this.#fire();
    this.#arm();
  }

  /** As `BeatObject.alarm`. */
  async #ring(): Promise<void> {
    this.#use();
    this.#alarm.set(this.#now() + AGAIN_MS);
    await this.#fire();
    this.#arm();
  }

  async #fire(): Promise<void> {
    const epoch = this.#epoch;
    this.#firing += 1;
    try {
      await this.#beat.tick();
    } catch {
      // As there: the next one comes.
    }
    if (epoch !== this.#epoch) return;
    this.#firing -= 1;
    this.#usedAt = this.#parts.world.now();
  }

  #arm(): void {
    const next = this.#beat.nextAt;
    if (next !== null) this.#alarm.set(Math.max(this.#now(), next));
  }
}
