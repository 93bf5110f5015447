import type { Outcome } from "../wire.ts";

/** Thrown by `ctx.replace()`: ends the attempt, and the task becomes a canvas. */
export class Replaced extends Error {
  readonly outcome: Extract<Outcome, { kind: "replace" }>;

  constructor(outcome: Extract<Outcome, { kind: "replace" }>) {
    super("Replaced");
    this.name = "Replaced";
    this.outcome = outcome;
  }
}
