import { expect, it } from "vitest";
import { figuresKey, type Figures } from "#engine";
import { Exposition } from "../../src/delivery/api/metrics/exposition.ts";
import { taskMetrics } from "../../src/delivery/api/metrics/task-metrics.ts";

it("samples of a metric stand together under what says what it is", () => {
  const out = new Exposition();
  out.add("gauge", "a", "What a is", { queue: "x" }, 1);
  out.add("counter", "b", "B", {}, 2.5);
  out.add("gauge", "a", "What a is", { queue: "y" }, -0.5);
  expect(out.toString()).toBe(
    [
      ...["# HELP a What a is", "# TYPE a gauge", 'a{queue="x"} 1', 'a{queue="y"} -0.5'],
      ...["# HELP b B", "# TYPE b counter", "b 2.5", ""],
    ].join("\n"),
  );
});

it("nothing that a label or a help says breaks out of its line", () => {
  const out = new Exposition();
  out.add("gauge", "a", "line\nback\\slash", { task: 'quo"te\nline\\' }, Number.NaN);
  expect(out.toString().split("\n")).toEqual([
    "# HELP a line\\nback\\\\slash",
    "# TYPE a gauge",
    'a{task="quo\\"te\\nline\\\\"} NaN',
    "",
  ]);
});

it("a histogram's buckets hold those below them, and the last one all", () => {
  const durations = { count: 4, sumMs: 40_000, classes: { 0: 1, 5: 1, 40: 2 } };
  const figures: Figures = {
    ...{ succeeded: 4, failed: 0, revoked: 0, ignored: 0, started: 4, retried: 0, lost: 0 },
    ...{ runtime: durations, wait: durations },
  };
  const out = new Exposition();
  taskMetrics(out, { [figuresKey("work", "default")]: figures });
  const runtime = out
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("flower_task_runtime_seconds"));
  const counts = runtime.map((line) => Number(line.split(" ")[1]));
  expect(counts.slice(0, 15)).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4]);
  expect(counts.slice(15)).toEqual([40, 4]);
});
