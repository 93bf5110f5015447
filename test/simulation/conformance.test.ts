import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SimAlarm } from "./alarm.ts";
import { Chaos } from "./chaos.ts";
import { traceOf } from "./conformance.ts";
import expected from "./conformance-trace.json" with { type: "json" };
import { NO_FAULTS } from "./faults.ts";
import { SimSql } from "../../src/testing/sim-sql.ts";
import { World } from "../../src/testing/world.ts";

/** Set after a change of the script: writes down what the simulator does, for workerd to agree with. */
const IS_UPDATE = process.env["UPDATE_TRACE"] !== undefined;

it("the simulator's storage does as a Durable Object's, step by step", async () => {
  const sql = new SimSql();
  const world = new World(1);
  const alarm = new SimAlarm(
    world,
    () => world.now(),
    new Chaos(world, NO_FAULTS),
    () => undefined,
  );
  const trace = await traceOf({
    exec: (statement, ...params) => sql.exec(statement, ...params),
    transaction: (fn) => sql.transaction(fn),
    setAlarm: (at) => {
      alarm.set(at);
    },
    getAlarm: async () => alarm.at,
  });
  if (IS_UPDATE) {
    writeFileSync(join(import.meta.dirname, "conformance-trace.json"), JSON.stringify(trace));
  } else {
    expect(trace).toEqual(expected);
  }
});
