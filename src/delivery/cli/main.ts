import { CommanderError } from "commander";
import { CommandError, EXIT, InterruptedError, UsageError } from "./failures.ts";
import { buildProgram } from "./program.ts";
import { coloured, plain, printable } from "./text.ts";

const aborted = new AbortController();
for (const [signal, code] of [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
  ["SIGHUP", EXIT.hungUp],
] as const) {
  process.on(signal, () => {
    // Who asks twice doesn't want to wait.
    if (aborted.signal.aborted) process.exit(code);
    aborted.abort(new InterruptedError(code));
  });
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.brokenPipe);
  });
}

const program = buildProgram(process, aborted.signal);
try {
  await program.parseAsync();
} catch (error) {
  // What fails because of a signal is an interruption, whatever it says.
  process.exitCode = report(aborted.signal.aborted ? aborted.signal.reason : error);
}

/** Says what went wrong, for people, on stderr. @returns the exit code */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has said it; help and version that were asked for are no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  const { message, exitCode, hints } = toCommandError(error);
  const isColoured = process.stderr.isTTY && !process.env["NO_COLOR"];
  const paint = isColoured ? coloured : plain;
  if (error instanceof InterruptedError) return exitCode;
  if (message !== "") process.stderr.write(`${paint("red", `Error: ${printable(message)}`)}\n`);
  for (const hint of hints) process.stderr.write(`  ${printable(hint)}\n`);
  return exitCode;
}

function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  // What a script's own options are wrong with.
  if (code.startsWith("ERR_PARSE_ARGS_")) return new UsageError(message);
  return new CommandError(message, EXIT.failed);
}
