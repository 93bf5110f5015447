import { expect, it } from "vitest";
import { BeatTimer } from "#platform/beat/beat-timer.ts";
import { LATEST_ALARM } from "#platform/idle.ts";

it("for a slot that is later than an alarm can be set, it is set to the latest there is", async () => {
  let alarmAt: number | null = null;
  const timer = new BeatTimer({
    clock: { now: () => 1_800_000_000_000 },
    alarm: {
      get: async () => alarmAt,
      set: async (at) => {
        // As the platform does.
        if (at > LATEST_ALARM) throw new TypeError("This API doesn't support dates after 2189.");
        alarmAt = at;
      },
      delete: async () => {
        alarmAt = null;
      },
    },
    nextAt: () => Date.UTC(9998, 0, 1),
    declare: () => undefined,
    fire: async () => undefined,
  });
  await timer.rang();
  expect(alarmAt).toBe(LATEST_ALARM);
});
