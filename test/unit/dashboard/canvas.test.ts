import { expect, it } from "vitest";
import type { CanvasTree } from "#engine";
import { layOut, type Box } from "../../../src/delivery/dashboard/canvas/layout.ts";
import { nodesOf, partsOf, tasksIn } from "../../../src/delivery/dashboard/canvas/nodes.ts";

const NESTED: CanvasTree = {
  chain: [
    "a",
    { chord: { header: ["b", { chain: ["c", "d"] }, { group: ["e", "f"] }], body: "g" } },
    "h",
  ],
};
const LARGE: CanvasTree = { chain: ["a", { group: [{ times: 1_000, of: "m" }] }, "z"] };

const namesOf = (tree: CanvasTree) =>
  [...partsOf(nodesOf(tree))].flatMap((part) =>
    part.kind === "task" ? [`${part.name}${part.place}`] : [],
  );

it("tasks stand at the places that their ids count up by", () => {
  expect(namesOf(NESTED)).toEqual(["a1", "b4", "c6", "d7", "e9", "f10", "g11", "h12"]);
});

it("a thousand members are one node with their places", () => {
  const folded = [...partsOf(nodesOf(LARGE))].filter((part) => part.kind === "folded");
  expect(folded).toEqual([{ kind: "folded", name: "m", count: 1_000, from: 3, to: 1_003 }]);
});

it("many different members are folded behind the first ones", () => {
  const group = Array.from({ length: 30 }, (_, n) => `task_${n}`);
  const parts = [...partsOf(nodesOf({ group }))];
  expect(parts.filter(({ kind }) => kind === "task")).toHaveLength(12);
  expect(parts.at(-1)).toEqual({ kind: "folded", name: "tasks", count: 18, from: 13, to: 31 });
});

it("the tasks of a range are those that stand in it", () => {
  const listed = [...tasksIn(LARGE, { from: 500, to: 503 })];
  expect(listed.map(({ name, place }) => `${name}${place}`)).toEqual(["m500", "m501", "m502"]);
  expect([...tasksIn(NESTED, { from: 6, to: 10 })].map(({ name }) => name)).toEqual([
    "c",
    "d",
    "e",
  ]);
});

it("no part lies on another, and none outside of what is around it", () => {
  const check = (box: Box) => {
    for (const [index, one] of box.members.entries()) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + one.width).toBeLessThanOrEqual(box.width);
      expect(one.y + one.height).toBeLessThanOrEqual(box.height);
      for (const other of box.members.slice(index + 1)) {
        const isApart = one.x + one.width <= other.x || one.y + one.height <= other.y;
        expect(isApart).toBe(true);
      }
      check(one);
    }
  };
  check(layOut(nodesOf(NESTED)));
  check(layOut(nodesOf(LARGE)));
});
