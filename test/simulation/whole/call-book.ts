import type { SubmitAnswer, TaskHandle, TaskRecord, TaskSpec, TaskSubmitter } from "#engine";
import { Readers } from "../records.ts";

/** A call as its caller knows it. */
export interface Call {
  readonly spec: TaskSpec;
  /** `unknown`: nobody was told; `conflict`: it is another call's id, `merged`: another task is it. */
  outcome: "ok" | "unknown" | "conflict" | "merged";
  mayBeRevoked: boolean;
}

/** A submit of one task that somebody got an answer to. */
export interface Told {
  readonly spec: TaskSpec;
  readonly answer: SubmitAnswer;
}

/** Somebody asked for a dead letter to be run again, and was told. */
export interface Replay {
  readonly old: TaskRecord;
  readonly owner: string;
  readonly handle: TaskHandle;
}

/** What the clients of a deployment asked for, and what they were told. */
export class CallBook {
  readonly calls = new Map<string, Call>();
  /** Answers to calls that come twice, or may be one with others; in their order. */
  readonly told: Told[] = [];
  readonly replays: Replay[] = [];
  /** Tasks that calls were merged into. */
  readonly merged = new Set<string>();
  readonly #readers = new Readers();

  /** A way to submit on which everything is written down. */
  through(submitter: TaskSubmitter): TaskSubmitter {
    return {
      submit: async (specs) => {
        for (const spec of specs) {
          if (this.calls.has(spec.id)) continue;
          this.calls.set(spec.id, { spec, outcome: "unknown", mayBeRevoked: false });
        }
        const answers = await submitter.submit(specs);
        for (const [index, spec] of specs.entries()) this.#answered(spec, answers[index]);
        return answers;
      },
    };
  }

  /** Reads through a reader, and never sees less than was seen. */
  async read(
    id: string,
    get: (id: string) => Promise<TaskRecord | null>,
    watched: (look: () => void) => void,
  ): Promise<TaskRecord | null> {
    const wasAccepted = this.calls.get(id)?.outcome === "ok";
    const past = this.#readers.lastSeen(id);
    const given = await get(id);
    // Why it waits may change at any time.
    const { waiting: _waiting, ...record } = given ?? {};
    watched(() => {
      this.#readers.saw(id, given && (record as TaskRecord), wasAccepted, past);
    });
    return given;
  }

  #answered(spec: TaskSpec, answer: SubmitAnswer | undefined): void {
    const call = this.calls.get(spec.id);
    if (call === undefined || answer === undefined || answer === "busy") return;
    if (spec.fingerprint !== null || spec.unique !== undefined) this.told.push({ spec, answer });
    if (typeof answer === "object") {
      this.merged.add(answer.mergedInto);
      if (call.outcome === "unknown") call.outcome = "merged";
    } else if (answer === "conflict") {
      if (call.outcome === "unknown") call.outcome = "conflict";
    } else {
      call.outcome = "ok";
    }
  }
}
