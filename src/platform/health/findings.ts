import { pauseOf, type Controls, type Finding } from "#engine";
import type { DatabaseLook } from "./database-look.ts";

/** What asks for a person in what the watchdog keeps and the database holds; null: they said nothing. */
export function findingsIn(controls: Controls | null, database: DatabaseLook | null): Finding[] {
  const problem = (name: string, message: string): Finding => {
    return { name, level: "problem", message };
  };
  const { deadLetters } = database ?? { deadLetters: 0 };
  return [
    ...(deadLetters === 0
      ? []
      : [problem("dead letters", `${deadLetters} wait for somebody to replay or discard them.`)]),
    ...(controls?.isShutDown === true
      ? [problem("shutdown", "Nothing is consumed: an operator shut it down.")]
      : []),
    ...(controls?.pausedQueues ?? []).map((queue) => {
      const reason = controls === null ? null : pauseOf(controls, queue);
      return problem(`queue ${queue}`, reason?.reason ?? "An operator paused it.");
    }),
  ];
}
