import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { mintTaskId, type FinishedTask } from "#engine";
import { DeadLetterAlerts } from "#platform/history/alerts.ts";
import type { DutyMemory } from "#platform/watchdog/duty-rounds.ts";
import { DeadLetters } from "#platform/history/dead-letters.ts";
import { History } from "#platform/history/history.ts";
import { sendAdminNotification } from "../../../src/domain/index.ts";
import { finishedTask } from "../../finished-task.ts";
import { createShop } from "./shop.ts";

const WINDOW_MS = 900_000;
const BEGIN = Math.floor(1_900_000_000_000 / WINDOW_MS) * WINDOW_MS;

let minted = 0;

/** A task that failed for good at this time, as the history keeps it. */
function failed(name: string, at: number): FinishedTask {
  minted += 1;
  return finishedTask(mintTaskId(at, 0, new Uint8Array(8).fill(minted)), at, {
    ...{ name, state: "FAILURE", result: null, isDeadLettered: true },
    error: { exc_type: "TypeError", exc_message: "no", traceback: null },
  });
}

function alerts(threshold: number, hasReaders = () => true) {
  const { ledger, lovage } = createShop();
  const clock = { now: () => now };
  let now = BEGIN;
  let remembered: unknown;
  let writes = 0;
  let isAway = false;
  const memory: DutyMemory = {
    read: async <Memory>() => remembered as Memory | undefined,
    write: async (value) => {
      remembered = value;
      writes += 1;
    },
  };
  const deadLetters = new DeadLetters({
    db: env.DB,
    lovageFor: () => lovage,
    submitter: ledger,
  });
  const duty = new DeadLetterAlerts({
    groups: async (failedAfter, failedBefore) => {
      if (isAway) throw new Error("D1 is away");
      return deadLetters.summary({ failedAfter, failedBefore });
    },
    lovage,
    message: (subject, message) => sendAdminNotification.s({ subject, message }),
    hasReaders: () => Promise.resolve(hasReaders()),
    exempt: [sendAdminNotification.name],
    clock,
    settings: { threshold, windowMs: WINDOW_MS },
  });
  return {
    run: (at: number) => {
      now = at;
      return duty.run(memory);
    },
    away: (is: boolean) => {
      isAway = is;
    },
    writes: () => writes,
    sent: () => [...ledger.taken.values()].map(({ kwargs }) => JSON.parse(kwargs) as unknown),
  };
}

it("a thousand dead letters make one message a window, and none below the threshold", async () => {
  const history = new History(env.DB);
  const { run, sent } = alerts(3);
  await history.write([failed("a", BEGIN + 1_000), failed("a", BEGIN + 2_000)]);
  await run(BEGIN + 30_000);
  expect(sent()).toEqual([]);
  await history.write(Array.from({ length: 100 }, (_, n) => failed("b", BEGIN + 40_000 + n)));
  await run(BEGIN + 60_000);
  await run(BEGIN + 90_000);
  await history.write([failed("c", BEGIN + 95_000)]);
  await run(BEGIN + 120_000);
  // Also looked at from the next window, in which nothing failed.
  await run(BEGIN + WINDOW_MS + 10);
  expect(sent()).toHaveLength(1);
  const [{ subject, message } = { subject: "", message: "" }] = sent() as {
    subject: string;
    message: string;
  }[];
  expect(subject).toBe("102 tasks have failed for good");
  expect(message).toMatch(/^100 × b: TypeError \(.{36}, .*, …\)\n2 × a: TypeError \(/);
});

it("what failed after the last look of a window is told in the next one", async () => {
  const { run, sent } = alerts(1);
  const begin = BEGIN + 10 * WINDOW_MS;
  await run(begin + WINDOW_MS - 5_000);
  await new History(env.DB).write([failed("late", begin + WINDOW_MS - 1_000)]);
  await run(begin + WINDOW_MS + 25_000);
  expect(sent()).toMatchObject([{ subject: "1 task has failed for good" }]);
});

it("what failed while D1 was away for longer than a window is told when it is back, in one message", async () => {
  const { run, sent, away, writes } = alerts(1);
  const begin = BEGIN + 40 * WINDOW_MS;
  await run(begin + 30_000);
  away(true);
  for (let at = 60_000; at < 8 * WINDOW_MS; at += WINDOW_MS) {
    await expect(run(begin + at)).rejects.toThrow("away");
  }
  // Their shard wrote them when it could.
  const ends = [40_000, 2 * WINDOW_MS, 5 * WINDOW_MS].map((at) => failed("away", begin + at));
  await new History(env.DB).write(ends);
  away(false);
  for (let at = 8 * WINDOW_MS; at < 10 * WINDOW_MS; at += 300_000) await run(begin + at);
  expect(sent()).toMatchObject([{ subject: "3 tasks have failed for good" }]);
  expect(writes()).toBe(3);
});

it("nobody is told while there is nobody, and whoever comes within the window is", async () => {
  let isAnybodyThere = false;
  const { run, sent } = alerts(1, () => isAnybodyThere);
  const begin = BEGIN + 30 * WINDOW_MS;
  await new History(env.DB).write([failed("alone", begin + 1)]);
  await run(begin + 30_000);
  expect(sent()).toEqual([]);
  isAnybodyThere = true;
  await run(begin + 60_000);
  expect(sent()).toHaveLength(1);
});

it("dead letters of the messages themselves make no messages", async () => {
  const { run, sent } = alerts(1);
  const begin = BEGIN + 20 * WINDOW_MS;
  await new History(env.DB).write([failed("send_admin_notification", begin + 1)]);
  await run(begin + 30_000);
  expect(sent()).toEqual([]);
});

it("the message goes to every admin, and an address that is refused keeps nobody else back", async () => {
  const { services } = createShop();
  const kwargs = { subject: "2 tasks have failed for good", message: "1 × a\n1 × b" };
  const { handler } = sendAdminNotification;
  const ctx = { taskId: "admin-1", services } as Parameters<NonNullable<typeof handler>>[1];
  expect(await handler?.(kwargs, ctx)).toEqual({
    sent_count: 1,
    failed_count: 1,
    failed_emails: ["refused@nowhere.invalid"],
  });
  const { results } = await env.DB.prepare(
    "SELECT to_address, subject, text_body, html_body FROM emails WHERE task_id = 'admin-1' AND state = 'sent'",
  ).all();
  expect(results).toEqual([
    {
      to_address: "admin@example.com",
      subject: kwargs.subject,
      text_body: kwargs.message,
      html_body: expect.stringContaining("<p>1 × a</p><p>1 × b</p>"),
    },
  ]);
});
