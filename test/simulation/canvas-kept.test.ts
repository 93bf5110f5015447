import { expect, it } from "vitest";
import { chain as typedChain, group as typedGroup, withOptions, type AnySignature } from "#engine";
import { become, blob, CanvasShard, fail, note, same, sizes } from "./canvas-shard.ts";

/* Results that are too large for a row, where the canvas that keeps them is not the one that needs them. */

type Build = (...parts: readonly AnySignature[]) => AnySignature;
const [chain, group] = [typedChain, typedGroup] as unknown as [Build, Build];

const large = () => group(blob.si({ kb: 200, letter: "a" }), blob.si({ kb: 200, letter: "b" }));

/** The object is evicted just before the exchange that follows the first start of this task. */
function evictAfter(shard: CanvasShard, name: string): void {
  let isDone = false;
  shard.beforeExchange = () => {
    if (isDone || !shard.starts.includes(name)) return;
    isDone = true;
    shard.restart();
  };
}

it("a callback that is a chain gets a large list, over an eviction", async () => {
  const shard = new CanvasShard();
  const callback = chain(sizes.s({}), note.s({ as: "callback" }));
  evictAfter(shard, "sizes");
  await shard.send(withOptions(large(), { link: [callback] }));
  await shard.pass(600_000);
  expect(shard.services.calls).toEqual(["callback [204800,204800]"]);
  expect(shard.rows).toBe(0);
});

it("a callback that gets a large list may be replaced with a chain, over an eviction", async () => {
  const shard = new CanvasShard({
    chain: () => chain(same.si({ value: 1 }), note.s({ as: "inner" })),
  });
  evictAfter(shard, "same");
  await shard.send(withOptions(large(), { link: [become.s({ what: "chain" })] }));
  await shard.pass(600_000);
  expect(shard.services.calls).toEqual(["inner 1"]);
  expect(shard.rows).toBe(0);
});

it("a member that is replaced gives the large list of what it became: to a body, to a group, to its undo", async () => {
  const toBody = new CanvasShard({ large, nested: () => chain(same.si({ value: 0 }), large()) });
  const inner = group(same.si({ value: "x" }), same.si({ value: "y" }));
  const members = [inner, become.si({ what: "nested" }), become.si({ what: "large" })];
  const id = await toBody.send(chain(group(...members), sizes.s({})));
  await toBody.pass(600_000);
  expect(toBody.history.get(id)?.result).toBe("[[1,1],[204800,204800],[204800,204800]]");
  const atTheTop = new CanvasShard({ large });
  const top = await atTheTop.send(group(become.si({ what: "large" }), same.si({ value: 1 })));
  await atTheTop.pass(600_000);
  expect(atTheTop.history.get(top)?.state).toBe("SUCCESS");
  const undone = new CanvasShard({ large });
  const step = withOptions(become.si({ what: "large" }), { undo: note.s({ as: "undo" }) });
  await undone.send(chain(step, fail.si({})));
  await undone.pass(600_000);
  expect(undone.services.calls).toEqual([`undo ["${"a".repeat(18)}`]);
  expect([toBody.rows, atTheTop.rows, undone.rows]).toEqual([0, 0, 0]);
});
