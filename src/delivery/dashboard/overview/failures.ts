import type { DeadLetterGroup, TaskRecord } from "#engine";

/** Failures of one task with one type of error. */
export interface FailureGroup {
  readonly name: string;
  /** Empty: it is not known. */
  readonly excType: string;
  /** Of the newest failures, how many are of this kind. */
  readonly recent: number;
  /** Dead letters of it that nobody dealt with. */
  readonly deadLetters: number;
  /** Epoch ms. */
  readonly lastAt: number;
  /** Of the newest; empty: none of it is among the newest failures. */
  readonly message: string;
}

/** The newest failures and the open dead letters by task and error, what failed last first. */
export function groupFailures(
  newest: readonly TaskRecord[],
  letters: readonly DeadLetterGroup[],
): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const { name, excType, count, lastAt } of letters) {
    const group = { name, excType, recent: 0, deadLetters: count, lastAt, message: "" };
    groups.set(keyOf(name, excType), group);
  }
  for (const { name, error, finishedAt } of newest) {
    const excType = error?.exc_type ?? "";
    const key = keyOf(name, excType);
    const before = groups.get(key);
    groups.set(key, {
      name,
      excType,
      recent: (before?.recent ?? 0) + 1,
      deadLetters: before?.deadLetters ?? 0,
      lastAt: Math.max(before?.lastAt ?? 0, finishedAt ?? 0),
      message:
        before?.message === undefined || before.message === ""
          ? (error?.exc_message ?? "")
          : before.message,
    });
  }
  return [...groups.values()].sort((a, b) => b.lastAt - a.lastAt);
}

function keyOf(name: string, excType: string): string {
  return `${name}\n${excType}`;
}
