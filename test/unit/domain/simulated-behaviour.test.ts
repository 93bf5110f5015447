import { expect, it } from "vitest";
import { behaviourFor } from "../../../src/integrations/payments/simulated-behaviour.ts";

it.each([
  [15_000, "approve"],
  [15_001, "decline"],
  [15_002, "time_out_after_charging"],
  [15_003, "fail_twice"],
  [15_004, "approve"],
  [1, "decline"],
  [99, "approve"],
  [100, "approve"],
  [10_101, "decline"],
])("an amount of %i minor units: %s", (amountMinor, behaviour) => {
  expect(behaviourFor(amountMinor)).toBe(behaviour);
});
