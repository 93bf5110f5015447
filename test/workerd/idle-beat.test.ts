import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { get, post } from "./api.ts";

const beat = () => env.BEAT.getByName("beat");

/** When beat wakes next, epoch ms; null: it sleeps until something changes. */
function alarmOfBeat(): Promise<number | null> {
  return runInDurableObject(beat(), (_beat, state) => state.storage.getAlarm());
}

/** The earliest slot of all schedules, as the API tells them. */
async function nextSlot(): Promise<number> {
  const answer = await get("/api/schedules/?limit=200");
  const { schedules } = await answer.json<{ schedules: { next_run_at: string | null }[] }>();
  return Math.min(...schedules.map(({ next_run_at: at }) => Date.parse(at ?? "9999-01-01")));
}

it("beat's alarm is its next slot and nothing else, also after it rang and was ticked", async () => {
  const call = { task: "process_data", kwargs: { data: "x" } };
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  for (const [name, minutes] of [
    ["soon", 0.7],
    ["later", 2],
  ] as const) {
    const answer = await post("/api/schedules/", {
      name,
      ...call,
      clocked: { at: inMinutes(minutes) },
    });
    expect(answer.status, await answer.text()).toBe(201);
  }
  expect(await alarmOfBeat()).toBe(await nextSlot());
  await runDurableObjectAlarm(beat());
  expect(await alarmOfBeat()).toBe(await nextSlot());
  await beat().tick();
  expect(await alarmOfBeat()).toBe(await nextSlot());
  expect(await post("/api/schedules/soon/disable/", {})).toMatchObject({ status: 200 });
  expect(await alarmOfBeat()).toBe(await nextSlot());
});

it("the watchdog goes its rounds without beat", async () => {
  const watchdog = env.WATCHDOG.getByName("watchdog");
  await watchdog.start();
  const before = await alarmOfBeat();
  expect(await runDurableObjectAlarm(watchdog)).toBe(true);
  const next = await runInDurableObject(watchdog, (_dog, state) => state.storage.getAlarm());
  expect(next).toBeGreaterThan(Date.now());
  expect(next).toBeLessThanOrEqual(Date.now() + 30_000);
  expect(await alarmOfBeat()).toBe(before);
});
