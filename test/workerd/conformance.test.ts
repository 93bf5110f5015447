import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { traceOf } from "../simulation/conformance.ts";
import expected from "../simulation/conformance-trace.json";

it("a Durable Object's storage does as the simulator's, step by step", async () => {
  const stub = env.LEDGER.getByName("shard-902");
  const trace = await runInDurableObject(stub, (_object, { storage }) =>
    traceOf({
      exec: (statement, ...params) => storage.sql.exec(statement, ...params),
      transaction: (fn) => storage.transactionSync(fn),
      setAlarm: (at) => {
        void storage.setAlarm(at);
      },
      getAlarm: () => storage.getAlarm(),
    }),
  );
  expect(trace).toEqual(expected);
});
