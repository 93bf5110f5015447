import { readFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";

/** For options that make no sense. */
const USAGE = 2;

/**
 * The options of the command that runs, by `parseArgs`. With `--help` it says what stands at the head of its file, and
 * ends with 0; with options that it doesn't have it says so, and ends with 2.
 */
export function optionsOf<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.slice(2).some((given) => given === "--help" || given === "-h")) {
    console.log(headOf(process.argv[1] ?? ""));
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    console.error(`${error.message.split(/\.\s/)[0] ?? ""}. --help tells which there are.`);
    process.exit(USAGE);
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /PARSE_ARGS/.test(String(error.code));
}

/** The first comment of a file. */
function headOf(file: string): string {
  const [comment = ""] = /\/\*[\s\S]*?\*\//.exec(readFileSync(file, "utf8")) ?? [];
  return comment
    .replace(/^\/\*+\n/, "")
    .replace(/\n? *\*\/$/, "")
    .replaceAll(/^ \* ?/gm, "")
    .trim();
}
