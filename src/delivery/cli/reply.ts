import type { Output } from "./output.ts";
import { reprOf } from "./python.ts";
import { printable } from "./text.ts";
import { CommandError, EXIT } from "./failures.ts";

/** A deployment answers as one node, whatever it consists of. */
export const NODE = "lovage@lovage";

/** The line that begins a node's answer, as `celery` writes it. */
export function sayNode(output: Output, state: "OK" | "ERROR"): void {
  const { paint } = output;
  const colour = state === "OK" ? "green" : "red";
  output.line(`${paint("white", "->")}  ${paint("cyan", `${NODE}: `)}${paint(colour, state)}`);
}

/** What a node answers to `celery inspect`: lists with a star each in Python's words, objects as JSON. */
export function sayAnswer(output: Output, answer: unknown): void {
  sayNode(output, "OK");
  output.line(indented(pretty(answer), 4));
}

/** What a node answers to a command: that it was done, or why not. */
export function sayDone(output: Output, done: string): void {
  sayNode(output, "OK");
  output.line(indented(printable(done), 8));
}

/** `1 node online.`, as after everything that is asked. */
export function sayCount(output: Output): void {
  output.line("\n1 node online.");
}

/**
 * A question or command of Celery's that has no meaning here: the node says why.
 * @throws CommandError always, after what stdout shows
 */
export function refuseMeaningless(output: Output, why: string): never {
  output.answer({ [NODE]: { error: why } }, () => {
    sayNode(output, "ERROR");
    output.line(indented(why, 8));
  });
  throw new SilentFailure();
}

/** Everything about it was said already. */
export class SilentFailure extends CommandError {
  constructor(exitCode: number = EXIT.failed) {
    super("", exitCode);
  }
}

function pretty(answer: unknown): string {
  if (Array.isArray(answer)) {
    if (answer.length === 0) return "- empty -";
    return answer
      .map((item) => `* ${typeof item === "string" ? printable(item) : reprOf(item)}`)
      .join("\n");
  }
  if (typeof answer === "string") return printable(answer, "\n");
  const { ok } = answer as { ok?: unknown };
  return ok === undefined ? JSON.stringify(answer, null, 4) : indented(pretty(ok), 4);
}

function indented(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, " ".repeat(spaces));
}
