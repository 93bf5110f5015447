import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 1_000;
const ANSWER_MS = 10_000;

/** Waits until a deployment says that it is ready. @returns what it said last; null: it is */
export async function waitUntilReady(url: string, timeoutMs: number): Promise<string | null> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const said = await ask(`${url}/readyz`);
    if (said === null) return null;
    if (Date.now() + POLL_MS >= until) return said;
    await pause(POLL_MS);
  }
}

async function ask(url: string): Promise<string | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "manual" });
    const text = await answer.text();
    if (answer.status === 200 && /"status":\s*"ok"/.test(text)) return null;
    return `${answer.status} ${text.slice(0, 500)}`;
  } catch (error) {
    return String(error instanceof Error && error.cause ? error.cause : error);
  }
}
