import { expect, it } from "vitest";
import type { MonitorEventList } from "#engine";
import { streamEvents } from "../../../src/delivery/api/operations/event-stream.ts";

/** A watch that always has a list, and says how many were taken and how it ended. */
class Endless {
  taken = 0;
  isOver = false;

  async *watch(signal: AbortSignal): AsyncGenerator<MonitorEventList> {
    signal.addEventListener("abort", () => {
      this.isOver = true;
    });
    for (;;) {
      this.taken += 1;
      yield { events: [], missed: this.taken };
    }
  }
}

const LET_IN = { isStillLetIn: () => Promise.resolve(true) };

async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

it("a client that reads nothing holds two lists, however many there are", async () => {
  const endless = new Endless();
  const { body } = await streamEvents(
    LET_IN,
    (signal) => endless.watch(signal),
    (list) => list,
  );
  await turns();
  expect(endless.taken).toBeLessThanOrEqual(2);
  const reader = body?.getReader();
  for (let read = 0; read < 5; read += 1) await reader?.read();
  await turns();
  expect(endless.taken).toBeLessThanOrEqual(7);
  await reader?.cancel();
});

it("when the client goes, the watch ends", async () => {
  const endless = new Endless();
  const { body } = await streamEvents(
    LET_IN,
    (signal) => endless.watch(signal),
    (list) => list,
  );
  await body?.cancel();
  expect(endless.isOver).toBe(true);
});

it("what a client is not shown makes no event", async () => {
  const endless = new Endless();
  const odd = ({ missed }: MonitorEventList) => (missed % 2 === 1 ? { missed } : null);
  const { body } = await streamEvents(LET_IN, (signal) => endless.watch(signal), odd);
  const reader = body?.getReader();
  const texts = [await reader?.read(), await reader?.read()].map((chunk) =>
    new TextDecoder().decode(chunk?.value),
  );
  expect(texts).toEqual([
    'event: tasks\ndata: {"missed":1}\n\n',
    'event: tasks\ndata: {"missed":3}\n\n',
  ]);
  await reader?.cancel();
});

it("a watch that is refused is refused before anything is sent", async () => {
  // oxlint-disable-next-line require-yield
  async function* refused(): AsyncGenerator<MonitorEventList> {
    throw new Error("too many");
  }
  await expect(streamEvents(LET_IN, refused, (list) => list)).rejects.toThrow("too many");
});
