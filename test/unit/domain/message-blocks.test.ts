import { expect, it } from "vitest";
import { blocksOf } from "../../../src/domain/notifications/message-blocks.ts";

it("a text is its paragraphs", () => {
  expect(blocksOf("one\ntwo\n\nthree")).toEqual(["one\ntwo", "three"]);
});

it("of figures the plain ones come first, then each group under its name", () => {
  const report = {
    success_rate: "91.0%",
    top_endpoints: { "/api/rate_limit/": 2 },
    failed_requests: 13,
    orders: { count: 1, by_state: { paid: 1 } },
    empty: {},
    comparison: null,
    top_users: [{ user: "user:1", requests: 7 }],
  };
  expect(blocksOf(report)).toEqual([
    {
      facts: [
        ["success rate", "91.0%"],
        ["failed requests", "13"],
        ["comparison", "null"],
      ],
    },
    "top endpoints",
    { facts: [["/api/rate_limit/", "2"]] },
    "orders",
    {
      facts: [
        ["count", "1"],
        ["by_state paid", "1"],
      ],
    },
    "top users",
    {
      facts: [
        ["0 user", "user:1"],
        ["0 requests", "7"],
      ],
    },
  ]);
});

it.each([
  [7, ["7"]],
  [null, ["null"]],
  [
    ["a", 1],
    [
      {
        facts: [
          ["0", "a"],
          ["1", "1"],
        ],
      },
    ],
  ],
])("%j is told as it is", (message, blocks) => {
  expect(blocksOf(message)).toEqual(blocks);
});

it("of a long list five hundred are told", () => {
  const [, group] = blocksOf({ list: Array.from({ length: 600 }, (_, n) => n) });
  expect(group).toMatchObject({ facts: { length: 500 } });
});
