import { expect, it } from "vitest";
import * as z from "zod";
import { fieldErrors } from "../../../src/delivery/api/http/body.ts";

const time = z.iso.datetime({ offset: true });
const body = z.strictObject({
  eta: time.optional(),
  expires: z.union([z.number().min(0), time]).optional(),
  unique: z.union([z.boolean(), z.strictObject({ keep: z.enum(["first", "replace"]) })]).optional(),
  missed: z.union([z.enum(["skip", "once"]), z.strictObject({ all: z.int().max(100) })]).optional(),
  rate: z.union([z.string(), z.number()]).optional(),
});

const TIME = "Must be a time as 2026-11-21T08:00:00Z.";

it.each([
  // Python's isoformat() of a time without a zone.
  ["eta", "2026-12-01T10:00:00", [["eta", TIME]]],
  ["expires", "tomorrow", [["expires", TIME]]],
  ["expires", -1, [["expires", "Too small: expected number to be >=0"]]],
  ["unique", { keep: "x" }, [["unique.keep", 'Invalid option: expected one of "first"|"replace"']]],
  ["missed", { all: 101 }, [["missed.all", "Too big: expected number to be <=100"]]],
  [
    "missed",
    { most: 1 },
    [
      ["missed.all", "Invalid input: expected number, received undefined"],
      ["missed.most", "There is no such field."],
    ],
  ],
  ["missed", "never", [["missed", 'Invalid option: expected one of "skip"|"once"']]],
  [
    "rate",
    true,
    [
      [
        "rate",
        "Invalid input: expected string, received boolean; Invalid input: expected number, received boolean",
      ],
    ],
  ],
])("what is wrong with %s is said where it is: %j", (name, value, expected) => {
  const { error } = body.safeParse({ [name]: value });
  const told = error?.issues.flatMap(fieldErrors).map(({ field, message }) => [field, message]);
  expect(told).toEqual(expected);
});
