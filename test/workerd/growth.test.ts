import { expect, it } from "vitest";
import type { TaskLedger } from "#platform/ledger/ledger.ts";
import { claiming, spec, withLedger } from "./ledger.ts";

const DAY_MS = 86_400_000;
const LEASED = 50;

/** What a command of a ledger reads, in rows, by the platform's own counter. */
interface Reads {
  readonly wake: number;
  readonly submit: number;
  readonly status: number;
  readonly claim: number;
  readonly tick: number;
}

/** With so many parked tasks (one day off, or due), some that run, and one on top that is looked at. */
async function readsWith(parked: number, isDue: boolean): Promise<Reads> {
  let reads: Reads | null = null;
  await withLedger(async ({ world, ledger: first, restart, rowsRead, shard }) => {
    const dueAt = world.now + (isDue ? 1 : DAY_MS);
    for (let count = 0; count < parked; count += 1_000) {
      await first.submit(Array.from({ length: 1_000 }, () => spec(shard, { dueAt })));
    }
    await first.submit(Array.from({ length: LEASED }, () => spec(shard, { priority: 5 })));
    first.exchange(claiming(LEASED));
    world.now += 10;
    const during = async (run: (ledger: TaskLedger) => unknown) => {
      const before = rowsRead();
      await run(ledger);
      return rowsRead() - before;
    };
    const ledger = restart();
    const wake = await during((own) => own.stats());
    const fresh = spec(shard, { priority: 9, dueAt: world.now + 1 });
    const submit = await during((own) => own.submit([fresh]));
    world.now += 10;
    const status = await during((own) => [own.get(fresh.id), own.questions.whyWaiting(fresh.id)]);
    const claim = await during((own) => {
      expect(own.exchange(claiming(1)).tasks).toMatchObject([{ id: fresh.id }]);
    });
    const tick = await during((own) => {
      own.tick();
    });
    reads = { wake, submit, status, claim, tick };
  });
  if (reads === null) throw new Error("It did not run.");
  return reads;
}

it.each([
  { kind: "off", isDue: false },
  { kind: "due", isDue: true },
])("with more tasks $kind a ledger reads no more rows", async ({ isDue }) => {
  const few = await readsWith(1_000, isDue);
  const many = await readsWith(15_000, isDue);
  expect(many).toEqual(few);
  expect(few.status).toBeLessThan(20);
});

it("a claim of large tasks fits into an answer, and the next one gets the others", async () => {
  await withLedger(async ({ ledger, shard }) => {
    const kwargs = JSON.stringify({ data: "x".repeat(250_000) });
    const count = 60;
    for (let sent = 0; sent < count; sent += 20) {
      await ledger.submit(Array.from({ length: 20 }, () => spec(shard, { kwargs })));
    }
    const first = ledger.exchange(claiming(200)).tasks;
    const second = ledger.exchange(claiming(200)).tasks;
    const chars = first.reduce((sum, task) => sum + task.kwargs.length, 0);
    expect(chars).toBeLessThan(8_000_000 + kwargs.length);
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(count);
  });
});
