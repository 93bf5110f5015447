import { expect, it } from "vitest";
import { MAX_LINES, withLine, withoutLine } from "../../../src/domain/carts/cart-lines.ts";

const CUP = { sku: "cup", quantity: 2 };
const PLATE = { sku: "plate", quantity: 1 };

it("an article that is not in comes in at the end", () => {
  expect(withLine([CUP], PLATE)).toEqual([CUP, PLATE]);
});

it("an article that is in changes its quantity and keeps its place", () => {
  expect(withLine([CUP, PLATE], { sku: "cup", quantity: 5 })).toEqual([
    { sku: "cup", quantity: 5 },
    PLATE,
  ]);
});

it("a full cart takes no further article, but changes those it has", () => {
  const full = Array.from({ length: MAX_LINES }, (_, n) => ({ sku: `sku-${n}`, quantity: 1 }));
  expect(withLine(full, CUP)).toBeNull();
  expect(withLine(full, { sku: "sku-7", quantity: 3 })?.[7]).toEqual({ sku: "sku-7", quantity: 3 });
});

it("what is taken out is gone, and what was not in changes nothing", () => {
  expect(withoutLine([CUP, PLATE], "cup")).toEqual([PLATE]);
  expect(withoutLine([PLATE], "cup")).toEqual([PLATE]);
});
