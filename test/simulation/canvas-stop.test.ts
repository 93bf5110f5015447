import { expect, it } from "vitest";
import {
  chain as typedChain,
  chord as typedChord,
  group as typedGroup,
  NO_CONTROLS,
  stamp,
  withOptions,
  type AnySignature,
} from "#engine";
import { adder, become, CanvasShard, fail, note, same } from "./canvas-shard.ts";

/* Canvases that are called off, and undos. */

type Build = (...parts: readonly AnySignature[]) => AnySignature;
const [chain, group] = [typedChain, typedGroup] as unknown as [Build, Build];
const chord = typedChord as unknown as (
  header: readonly AnySignature[],
  body: AnySignature,
) => AnySignature;

const step = (value: string, undoAfter = 0) =>
  withOptions(same.si({ value }), {
    undo: withOptions(note.s({ as: "undo" }), { countdown: undoAfter }),
  });

it("a canvas and its member that expire in one command end once, and all undos run", async () => {
  const paused = new CanvasShard();
  paused.ledger.configure({ ...NO_CONTROLS, version: 1, pausedQueues: ["emails"] });
  const at = new Date(paused.world.now() + 60_000);
  const late = withOptions(same.si({ value: 3 }), { expires: at, queue: "emails", countdown: 1 });
  const saga = withOptions(chain(step("a"), step("b"), late), { expires: at });
  const id = await paused.send(saga);
  await paused.pass(3_600_000);
  expect(paused.services.calls).toEqual(['undo "b"', 'undo "a"']);
  expect(paused.endedTwice).toEqual([]);
  expect(paused.history.get(id)?.state).toBe("REVOKED");
  // The alarm comes an hour late.
  const asleep = new CanvasShard();
  const expires = new Date(asleep.world.now() + 60_000);
  const waits = (value: number) => withOptions(same.si({ value }), { countdown: 30, expires });
  const header = [waits(1), waits(2), waits(3)];
  await asleep.send(withOptions(chord(header, note.s({ as: "body" })), { expires }));
  await asleep.pass(1_000);
  asleep.isAlarmOn = false;
  await asleep.pass(3_600_000);
  asleep.isAlarmOn = true;
  asleep.ledger.tick();
  await asleep.pass(600_000);
  expect(asleep.endedTwice).toEqual([]);
  expect([asleep.services.calls, asleep.rows]).toEqual([[], 0]);
});

it("a group that collects errors and is revoked does not succeed, nor call who waits for that", async () => {
  const shard = new CanvasShard();
  const late = withOptions(same.si({ value: 1 }), { countdown: 60 });
  const id = await shard.send(
    withOptions(group(late), { errors: "collect", link: [note.s({ as: "done" })] }),
  );
  await shard.pass(1_000);
  shard.ledger.revoke(id, true);
  await shard.pass(600_000);
  expect([shard.history.get(id)?.state, shard.services.calls]).toEqual(["REVOKED", []]);
});

it("a member that runs when its canvas is called off calls its own link, and adds nothing to its group", async () => {
  let id = "";
  const shard: CanvasShard = new CanvasShard({
    x: () => {
      shard.ledger.revoke(id, false);
      return same.si({ value: 1 });
    },
  });
  const member = { link: [note.s({ as: "linked" })], countdown: 5 };
  id = await shard.send(group(withOptions(adder.si({ what: "x" }), member)));
  await shard.pass(600_000);
  expect(shard.services.calls).toEqual(['linked "x"']);
  const ends = [...shard.history.values()].map(({ name, state }) => `${name} ${state}`);
  expect(ends.toSorted()).toEqual([
    "adder SUCCESS",
    "celery.group REVOKED",
    "note SUCCESS",
    "same REVOKED",
  ]);
});

it.each(["id", "label"])("to revoke a canvas by its %s lets its undos go on", async (by) => {
  const shard = new CanvasShard();
  const id = await shard.send(
    stamp(chain(step("a", 30), step("b", 30), fail.si({})), { run: "r" }),
  );
  await shard.pass(5_000);
  if (by === "id") shard.ledger.revoke(id, false);
  else shard.ledger.revokeSome({ labels: { run: "r" } }, { parked: 0, id: "" }, false);
  await shard.pass(600_000);
  expect(shard.services.calls).toEqual(['undo "b"', 'undo "a"']);
});

it.each([{ queue: "default" }, { owner: "o" }])(
  "to revoke all of $queue$owner lets undos go on that have become canvases",
  async (filter) => {
    const late = withOptions(same.si({ value: 7 }), { countdown: 30 });
    const shard = new CanvasShard({
      x: () => chain(late, become.si({ what: "y" })),
      y: () => chain(late, note.s({ as: "undo" })),
    });
    const undoable = withOptions(same.si({ value: "a" }), { undo: become.s({ what: "x" }) });
    await shard.send(chain(undoable, fail.si({})));
    for (let n = 0; n < 3; n += 1) {
      await shard.pass(20_000);
      shard.ledger.revokeSome(filter, { parked: 0, id: "" }, false);
      shard.ledger.revokeSome(filter, { parked: 1, id: "" }, false);
    }
    await shard.pass(600_000);
    expect([shard.services.calls, shard.rows]).toEqual([["undo 7"], 0]);
  },
);

it("undos run in the reverse order of definition, that of an added member with its group's", async () => {
  const shard = new CanvasShard({ x: () => step("x") });
  await shard.send(chain(step("a"), group(adder.si({ what: "x" })), step("c"), fail.si({})));
  await shard.pass(600_000);
  expect(shard.services.calls).toEqual(['undo "c"', 'undo "x"', 'undo "a"']);
});
