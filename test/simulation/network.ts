import type {
  Controls,
  DurableState,
  KeptAt,
  Reschedule,
  Rescheduled,
  StepEntry,
  SubmitAnswer,
  TaskRecord,
  TaskReport,
  TaskSpec,
} from "#engine";
import type { LedgerDoor } from "#platform/consumer/door.ts";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import type {
  Exchange,
  ExchangeAnswer,
  ExpressAnswer,
  GoneTask,
  KeptInput,
} from "#platform/ledger/protocol.ts";
import type { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import { KEPT_DAYS, type LedgerHost } from "./host.ts";
import type { Command } from "./oracle.ts";
import type { World } from "../../src/testing/world.ts";

type CallFaults = Pick<Faults, "requestLost" | "answerLost" | "requestDoubled" | "callLate">;

/**
 * The way to the ledger's object: a call may be late, get lost on either way, or run twice, the second
 * time long after its caller has gone on. Arguments and answers are not copied; nobody changes them.
 */
export class Network implements LedgerDoor {
  readonly #world: World;
  readonly #chaos: Chaos<CallFaults>;
  readonly #host: LedgerHost;
  /** Claims and settles of consumers. */
  exchanges = 0;

  constructor(world: World, chaos: Chaos<CallFaults>, host: LedgerHost) {
    this.#world = world;
    this.#chaos = chaos;
    this.#host = host;
  }

  input(at: KeptAt): Promise<KeptInput | null> {
    return this.#call({ kind: "input" }, (ledger) => ledger.input(at));
  }

  durable(taskId: string, token: number): Promise<DurableState | null> {
    return this.#call({ kind: "durable" }, (ledger) => ledger.durable(taskId, token));
  }

  recordSteps(entries: readonly StepEntry[]): Promise<boolean[]> {
    return this.#call({ kind: "recordSteps", entries }, (ledger) => {
      const held = ledger.recordSteps(entries);
      for (const [index, { taskId, token, step }] of entries.entries()) {
        const how = held[index] === true ? step.state : "refused";
        this.#world.note(`${taskId.slice(-4)}: ${step.name} is ${how} under ${token}`);
      }
      return held;
    });
  }

  exchange(request: Exchange): Promise<ExchangeAnswer> {
    this.exchanges += 1;
    return this.#call({ kind: "exchange", request }, (ledger) => {
      const answer = ledger.exchange(request);
      const { settlements, claim } = request;
      const got = answer.token === 0 ? "nothing" : `lease ${answer.token}, ${short(answer.tasks)}`;
      this.#world.note(`settle ${settlements.length}, claim ${claim}: ${got}`);
      return answer;
    });
  }

  heartbeat(
    held: ReadonlyMap<number, readonly string[]>,
    reports: readonly TaskReport[],
  ): Promise<GoneTask[]> {
    return this.#call({ kind: "heartbeat", held }, (ledger) => ledger.heartbeat(held, reports));
  }

  report(reports: readonly TaskReport[]): Promise<void> {
    return this.#call({ kind: "report" }, (ledger) => {
      ledger.report(reports);
      this.#world.note(`report of ${short(reports)}`);
    });
  }

  reschedule(taskId: string, change: Reschedule): Promise<Rescheduled | null> {
    this.#world.note(`reschedule ${taskId.slice(-4)} to ${change.dueAt}`);
    return this.#call({ kind: "reschedule", taskId, change }, (ledger) =>
      ledger.reschedule(taskId, change),
    );
  }

  /** A submit of fresh ids is never sent twice: nothing could tell the second from the first. */
  async submit(specs: readonly TaskSpec[]): Promise<SubmitAnswer[]> {
    const mayDouble = specs.every(({ fingerprint }) => fingerprint !== null);
    const submit = (ledger: TaskLedger) => {
      // Has it load its tables now, in sight of the oracle, and not after its look into the history.
      ledger.stats();
      return ledger.submit(specs);
    };
    const answers = await this.#call({ kind: "submit", specs }, submit, mayDouble);
    this.#world.note(`submit ${short(specs)}: ${answers.map(nameOf).join()}`);
    return answers;
  }

  /** A submit by somebody who can run the task. */
  async submitToRun(spec: TaskSpec, offer: string): Promise<ExpressAnswer> {
    const submit = (ledger: TaskLedger) => {
      ledger.stats();
      return ledger.submitToRun(spec, offer);
    };
    const mayDouble = spec.fingerprint !== null;
    const told = await this.#call({ kind: "submitToRun", spec, offer }, submit, mayDouble);
    const got = told.claim === null ? "nothing" : `lease ${told.claim.token}`;
    this.#world.note(`submit ${short([spec])} to run it: ${nameOf(told.answer)}, ${got}`);
    return told;
  }

  withdraw(taskId: string, offer: string): Promise<void> {
    return this.#call({ kind: "withdraw", taskId, offer }, (ledger) => {
      ledger.withdraw(taskId, offer);
      this.#world.note(`${short([{ id: taskId }])} is not run by who submitted it`);
    });
  }

  revoke(taskId: string, terminate: boolean): Promise<TaskRecord | null> {
    this.#world.note(`revoke ${taskId.slice(-4)}${terminate ? " and terminate" : ""}`);
    return this.#call({ kind: "revoke", taskId, terminate }, (ledger) =>
      ledger.revoke(taskId, terminate),
    );
  }

  read(taskId: string): Promise<TaskRecord | null> {
    return this.#call({ kind: "read", taskId }, (ledger) => ledger.get(taskId));
  }

  /** The watchdog's call, and what it brings along. */
  tick(controls?: Controls): Promise<void> {
    return this.#call({ kind: "tick" }, (ledger) => {
      if (controls !== undefined) ledger.configure(controls);
      ledger.tick();
      ledger.tidy(KEPT_DAYS);
    });
  }

  async #call<T>(
    command: Command,
    run: (ledger: TaskLedger) => T | Promise<T>,
    mayDouble = true,
  ): Promise<T> {
    const world = this.#world;
    const chaos = this.#chaos;
    await this.#travel();
    if (chaos.strikes("requestLost")) throw new Error("the request was lost");
    if (mayDouble && chaos.strikes("requestDoubled")) {
      world.after(world.between(0, world.chance(0.5) ? 50 : 40_000), () => {
        this.#host.execute(command, run).catch(() => undefined);
      });
    }
    const answer = await this.#host.execute(command, run);
    await this.#travel();
    if (chaos.strikes("answerLost")) throw new Error("the answer was lost");
    return answer;
  }

  #travel(): Promise<void> {
    const isLate = this.#chaos.strikes("callLate");
    return this.#world.sleep(this.#world.between(0, isLate ? 40_000 : 3));
  }
}

function nameOf(answer: SubmitAnswer): string {
  return typeof answer === "string" ? answer : answer.how;
}

/** The ids of tasks by their last four digits, which tell them apart in one history. */
function short(tasks: readonly { readonly id: string }[]): string {
  return tasks.map(({ id }) => id.slice(-4)).join();
}
