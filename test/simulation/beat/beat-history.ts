import type { DeclaredSchedule, ScheduleSettings } from "#engine";
import { World } from "../../../src/testing/world.ts";
import { ALL_BEAT_FAULTS, FaultCount, NO_BEAT_FAULTS, type BeatFaults } from "./beat-faults.ts";
import { BeatHost } from "./beat-host.ts";
import { BeatOracle } from "./beat-oracle.ts";
import { anySettings, BEGINNINGS, nightSettings } from "./schedule-plans.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Faults happen for this long; then everything is well again, and comes to rest. */
const CHAOS_MS = 36 * HOUR;
/** What was late, what waits for its turn, and a clock that went back. */
const SETTLING_MS = 4 * HOUR;
const CALM_MS = 6 * HOUR;
const JUMPS = [HOUR, 25 * HOUR, 400 * DAY, -HOUR, -HOUR] as const;
const SCHEDULES = 5;

/** One history of Beat from a seed: its schedules, what admins and deployments do to them, and all that goes wrong. */
export class BeatHistory {
  readonly world: World;
  readonly count = new FaultCount();
  readonly oracle = new BeatOracle();
  readonly host: BeatHost;
  readonly #faults: BeatFaults;
  /** How often the cron trigger comes; 0: never. */
  readonly #cronMs: number;
  readonly #home: string;
  /** Nothing but the alarm is there, which is never lost: no cron trigger, and no request. */
  readonly #isAlone: boolean;
  #made = 0;

  constructor(seed: number, faults: BeatFaults = someOf(new World(seed))) {
    const [start, home] = new World(seed).pick(BEGINNINGS);
    this.#home = home;
    this.world = new World(seed, Date.parse(start));
    this.#faults = faults;
    this.#isAlone = faults.alarmLost + faults.diesAtStatement === 0;
    const { world, oracle, count } = this;
    this.host = new BeatHost({ world, oracle, count, faults });
    this.#cronMs = this.#isAlone ? 0 : world.pick([5 * MINUTE, 30 * MINUTE, HOUR, 0]);
  }

  /** @throws Violation */
  async run(): Promise<void> {
    const { world, host } = this;
    const end = world.now() + CHAOS_MS;
    this.#plan(end);
    await this.#until(end);
    host.faults = NO_BEAT_FAULTS;
    host.freeze(false);
    // Requests come, so whatever was lost is found, and nothing is lost any more.
    const starts = this.#isAlone ? [] : [0, 2 * MINUTE, 4 * MINUTE];
    for (const at of starts) world.after(at, () => host.start());
    await this.#until(world.now() + SETTLING_MS);
    const since = host.clock();
    await this.#until(world.now() + CALM_MS);
    this.oracle.checkPrompt(since, host.clock());
    host.checkRecords();
  }

  async #until(time: number): Promise<void> {
    while (await this.world.step(time)) {
      if (this.host.violation !== null) throw this.host.violation;
    }
    if (this.host.violation !== null) throw this.host.violation;
  }

  #plan(end: number): void {
    const { world, host } = this;
    const span = end - world.now();
    const at = (run: () => void) => world.after(world.between(0, span), run);
    this.#deploy();
    host.create("night", "night", nightSettings(this.#home));
    for (let n = 0; n < SCHEDULES; n += 1) this.#create();
    for (let n = world.between(0, 12); n > 0; n -= 1) at(() => this.#edit());
    for (let n = world.between(0, 2); n > 0; n -= 1) at(() => this.#deploy());
    if (this.#cronMs > 0) this.#cron();
    if (!this.#isAlone) this.#requests();
    const { dies, clockJumps, clockFreezes } = this.#faults;
    const some = (chance: number, most: number) =>
      world.chance(chance) ? world.between(1, most) : 0;
    for (let n = some(dies, 6); n > 0; n -= 1) {
      at(() => {
        this.count.add("dies");
        host.die();
      });
    }
    for (let n = some(clockJumps, 3); n > 0; n -= 1) at(() => this.#jump());
    for (let n = some(clockFreezes, 2); n > 0; n -= 1) at(() => this.#freeze());
  }

  /** An isolate begins now and then, and its first request starts the clock if it stands still. */
  #requests(): void {
    const { world, host } = this;
    world.after(world.between(10 * MINUTE, 4 * HOUR), () => {
      host.start();
      this.#requests();
    });
  }

  #cron(): void {
    const { world, host } = this;
    world.after(this.#cronMs, () => {
      const isBurst = world.chance(host.faults.cronBurst);
      if (isBurst) this.count.add("cronBurst");
      for (let n = isBurst ? 10 : 1; n > 0; n -= 1) host.tick();
      this.#cron();
    });
  }

  #create(): void {
    this.#made += 1;
    this.host.create(`s${this.#made}`, `id ${this.#made}`, this.#settings());
  }

  #edit(): void {
    const { world, host, oracle } = this;
    const names = oracle.names().filter((name) => name.startsWith("s"));
    const name = names[world.between(0, names.length - 1)];
    const settings = name === undefined ? undefined : oracle.settingsOf(name);
    if (name === undefined || settings === undefined) return;
    switch (world.between(0, 4)) {
      case 0:
        host.update(name, { ...settings, enabled: !settings.enabled });
        break;
      case 1:
        host.remove(name);
        break;
      case 2:
        // Another schedule of the same name.
        host.remove(name);
        this.#made += 1;
        host.create(name, `id ${this.#made}`, this.#settings());
        break;
      default:
        host.update(name, this.#settings());
    }
  }

  #settings(): ScheduleSettings {
    return anySettings(this.world, this.host.clock(), this.#home);
  }

  /** The code declares something else: the object begins anew. */
  #deploy(): void {
    const { world, host } = this;
    const declared: DeclaredSchedule[] = ["declared1", "declared2", "declared3"]
      .filter(() => world.chance(0.7))
      .map((name) => {
        const settings = { ...this.#settings(), enabled: true, oneOff: false };
        return { name, settings };
      });
    host.declared = declared;
    host.die();
    host.start();
  }

  #jump(): void {
    const ms = this.world.pick(JUMPS);
    this.count.add("clockJumps");
    // Only a new object takes an earlier time for the time.
    if (ms < 0 && this.world.chance(0.7)) this.host.die();
    this.host.jump(ms);
  }

  #freeze(): void {
    const { world, host, count } = this;
    count.add("clockFreezes");
    host.freeze(true);
    world.after(world.between(MINUTE, 3 * HOUR), () => host.freeze(false));
  }
}

/** Each fault is there or not, so that a history may show what one alone does. */
function someOf(world: World): BeatFaults {
  const chosen = Object.entries(ALL_BEAT_FAULTS).map(([name, chance]) => [
    name,
    world.chance(0.5) ? chance : 0,
  ]);
  return Object.fromEntries(chosen) as BeatFaults;
}
