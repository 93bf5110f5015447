import type { Timers } from "#engine";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type { EventsPort, WatchersPort } from "#platform/ledger/ports.ts";
import type { SimAlarm } from "./alarm.ts";
import type { SimHistory } from "./history.ts";
import { isDue } from "./model.ts";
import type { Command, Oracle } from "./oracle.ts";

/** Who looks after one ledger: told of all that it does, in its order. Throws at what may not be. */
export interface Overseer {
  readonly watchers: WatchersPort;
  /** Of a new object; `timers` are its own. */
  eventsOf(timers: Timers): EventsPort;
  /** A command runs until `end`: it commits nothing before it returns or fails. */
  begin(command: Command): void;
  end(): void;
  /** The command failed: the object may have thrown its memory away. */
  failed(): void;
  answered(command: Command, answer: unknown): void;
  /** The object rings for a queue. */
  rang(queue: string): void;
  /** A new object stands on the same storage. */
  restarted(): void;
  /** The object looked at its clock, epoch ms. */
  sawClock(clock: number): void;
  /** The tables are there, as a new object needs them. */
  migrated(): void;
  /** A new object loaded its tables when it was looked at. */
  woke(clock: number): void;
  committed(clock: number): void;
  /** After a command that was answered. */
  check(ledger: TaskLedger, alarm: SimAlarm): void;
}

/** The oracle of whole tables, as the overseer of its ledger. */
export function overseenBy(
  oracle: Oracle,
  parts: {
    readonly history: SimHistory;
    readonly watchMs: number;
    readonly watched: <T>(look: () => T) => T;
  },
): Overseer {
  const { history, watchMs, watched } = parts;
  return {
    watchers: oracle.watchers,
    eventsOf: (timers) => oracle.events.portOf(timers, watched),
    begin: (command) => {
      oracle.begin(command);
    },
    end: () => {
      oracle.end();
    },
    failed: () => {
      oracle.failed();
    },
    answered: (command, answer) => {
      if (command.kind === "exchange") oracle.exchanged(answer as never);
      else if (command.kind === "submit") oracle.submitted(command.specs, answer as never);
      else if (command.kind === "submitToRun") oracle.submittedToRun(command.spec, answer as never);
      else if (command.kind === "reschedule") oracle.rescheduled(command.taskId, answer as never);
      else if (command.kind === "heartbeat") {
        oracle.heartbeatAnswered(command.held, answer as never);
      }
    },
    rang: (queue) => {
      oracle.express.served(queue);
    },
    restarted: () => {
      oracle.restarted();
    },
    sawClock: (clock) => {
      oracle.sawClock(clock);
    },
    migrated: () => undefined,
    woke: (clock) => {
      oracle.woke(clock);
    },
    committed: (clock) => {
      oracle.committed(clock);
    },
    check: (ledger, alarm) => {
      oracle.check(ledger, history.rows);
      const isUnflushed = ledger.stats().unflushed > 0;
      alarm.check(alarmNeeded(oracle, isUnflushed, watchMs), oracle.now);
    },
  };
}

/** When a ledger needs its alarm at the latest, epoch ms; Infinity: never. */
function alarmNeeded({ model, now }: Oracle, isUnflushed: boolean, watchMs: number): number {
  let needed = isUnflushed || model.leases.size > 0 ? now + watchMs : Infinity;
  for (const task of model.live.values()) {
    if (task.lease !== null) continue;
    needed = Math.min(needed, isDue(task, now) ? now + watchMs : task.dueAt);
    // One that has expired meanwhile is ended by the next command, or the next tick.
    const expires = task.spec.expiresAt ?? Infinity;
    needed = Math.min(needed, expires > now ? expires : now + 1);
  }
  return needed;
}
