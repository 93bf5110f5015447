import {
  InvalidOptionError,
  isLargerThan,
  MAX_STEP_BYTES,
  StepLimitError,
  type ErrorInfo,
} from "#engine";

/** For who is not to go on. */
export function forever(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** @throws InvalidOptionError. An effect of a map's item also has its place in the map. */
export function checkName(kind: string, name: string): void {
  if (!/^[^\n\0]{1,100}(\[\d{1,4}\])?$/.test(name)) {
    throw new InvalidOptionError("name", `a ${kind}'s name has 1 to 100 characters.`);
  }
}

/** A result as it is kept. @throws StepLimitError: it is no JSON, or too large */
export function resultText(kind: "step" | "effect", name: string, result: unknown): string {
  const text = jsonOf(result === undefined ? null : result);
  if (text === undefined) {
    throw new StepLimitError(`The result of ${kind} '${name}' (${typeof result}) is no JSON.`);
  }
  if (isLargerThan(text, MAX_STEP_BYTES)) {
    throw new StepLimitError(
      `The result of ${kind} '${name}' has more than ${MAX_STEP_BYTES} bytes.`,
    );
  }
  return text;
}

/** Undefined: it has none, as a function, a BigInt or a cycle. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** A result as it was kept. */
export function parsed(text: string | null): unknown {
  return text === null ? null : (JSON.parse(text) as unknown);
}

/** The error of an earlier run, as far as it was recorded. */
export function failureOf(info: ErrorInfo | null): Error {
  const error = new Error(info?.exc_message ?? "The step failed.");
  error.name = info?.exc_type ?? "Error";
  return error;
}
