import { expect, it } from "vitest";
import { dumpLine } from "../../../src/delivery/cli/monitor/dump.ts";

const EVENT = {
  type: "task-failed",
  uuid: "8f1c",
  timestamp: 1_795_205_823.524,
  hostname: "lovage@lovage",
  name: "labapp.add",
  queue: "default",
  state: "FAILURE",
  retries: 3,
  root_id: "8f1c",
};

it("an event is a line as celery's dump has it, its fields by name", () => {
  expect(dumpLine({ ...EVENT, runtime: 0.25, exception: "ValueError: boom" })).toBe(
    "lovage@lovage [2026-11-20 20:17:03.524000+00:00] task failed: labapp.add(8f1c) " +
      "exception='ValueError: boom', queue=default, retries=3, root_id=8f1c, runtime=0.25, state=FAILURE",
  );
});

it("what a task failed with does nothing to a terminal", () => {
  expect(dumpLine({ ...EVENT, exception: "\x1b[2J" })).toContain("exception='\\x1b[2J'");
});
