import { chain, chord, DEFAULT_SETTINGS } from "#engine";
import { TaskBeat } from "#platform/beat/task-beat.ts";
import { submitRuns } from "#platform/beat/submit-runs.ts";
import { sendBulkNotifications } from "../../../src/domain/notifications/bulk-notifications.ts";
import { processData } from "../../../src/domain/processing/index.ts";
import { SimSql } from "../../../src/testing/sim-sql.ts";
import type { Scenario, Stage } from "./scenario.ts";
import { alone, join, letter, order, seen, slot } from "./scenario-tasks.ts";
import { CARDS } from "./sim-gateway.ts";

const READERS = ["anna@example.com", "boris@example.com", "nobody@example.com"];
const SLOTS = 3;
const SLOT_MS = 10_000;

const orderIsPaid: Scenario = {
  begin: (stage) => stage.placeOrder("o1", CARDS.good),
  check: (stage) => {
    const [row] = stage.deployment.d1.peek<{ state: string }>("SELECT state FROM orders");
    stage.must(row?.state === "paid", `the order is ${row?.state}`);
    const events = stage.deployment.d1.peek("SELECT id FROM payment_events");
    stage.must(events.length === 1, `${events.length} events`);
  },
};

const bulk: Scenario = {
  begin: async (stage) => {
    const call = sendBulkNotifications.s({ subject: "News", message: "None.", emails: READERS });
    const { body } = await stage.insist(() => stage.door.call(call, "bulk"));
    stage.visitors.bulks.set(body as string, READERS);
  },
  check: (stage) => {
    const sent = new Set(stage.deployment.mail.book.to("bulk_notification").map(({ to }) => to));
    stage.must(sent.size === 2, `${sent.size} of two have their mail`);
    const [row] = stage.ended("sum_notifications");
    stage.must(row?.result?.includes('"sent_count":2') === true, String(row?.result));
  },
};

/** A canvas, or a task, whose result is known. */
function resultIs(call: Parameters<Stage["door"]["call"]>[0], result: unknown): Scenario {
  let id = "";
  return {
    begin: async (stage) => {
      const { body } = await stage.insist(() => stage.door.call(call, "canvas"));
      id = body as string;
    },
    check: (stage) => {
      const [row] = stage.deployment.d1.peek<{ result: string }>(
        "SELECT result FROM tasks WHERE id = ?",
        id,
      );
      stage.must(row?.result === JSON.stringify(result), `the result is ${row?.result}`);
    },
  };
}

const durable: Scenario = {
  begin: async (stage) => {
    const { body: id } = await stage.insist(() => stage.door.call(order.s({}), "durable"));
    await stage.world.sleep(5_000);
    await stage.insist(() => stage.door.event(id as string, "paid", 7));
  },
  check: (stage) => {
    const [row] = stage.ended("sim_order");
    stage.must(row?.result === '["reserved",7,"sent"]', `the result is ${row?.result}`);
  },
};

const limited: Scenario = {
  begin: async (stage) => {
    const calls = [1, 2, 3].map((n) =>
      stage.insist(() => stage.door.call(alone.s({ n }), `alone ${n}`)),
    );
    await Promise.all(calls);
  },
  check: (stage) => {
    stage.must(stage.ended("sim_alone").length === 3, "not all have run");
    stage.must(seen.most <= 1, `${seen.most} ran at once`);
  },
};

const scheduled: Scenario = {
  begin: async (stage) => {
    const { world, deployment } = stage;
    const sql = new SimSql();
    // Every tick is another's, who may die over it.
    const create = () => {
      const process = deployment.process("duty");
      const { lovageFor, directory } = deployment.connect(process);
      return new TaskBeat({
        ...{ clock: world, sql, log: () => undefined },
        submit: (runs) => submitRuns(runs, lovageFor("system"), directory, world),
        isUnfinished: async () => false,
      });
    };
    const until = world.now() + (SLOTS + 0.5) * SLOT_MS;
    create().create("slots", "slots", {
      ...{ ...DEFAULT_SETTINGS, task: slot.name, expires: until },
      timing: { kind: "interval", every: SLOT_MS / 1_000, period: "seconds", anchor: world.now() },
      missed: { policy: "all", limit: SLOTS },
    });
    while (world.now() < until + 6 * SLOT_MS) {
      await world.sleep(SLOT_MS / 2);
      create()
        .tick()
        .catch(() => undefined);
    }
  },
  check: (stage) => {
    const results = stage.ended("sim_slot").map(({ result }) => result);
    const isRight = results.length === SLOTS && new Set(results).size === SLOTS;
    stage.must(isRight, `the slots that ran: ${results.join()}`);
  },
};

/** The scenarios of a shop's life that need a whole deployment; those of a ledger alone are beside it. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "an order is mailed by SMTP, paid, and the gateway tells of it": orderIsPaid,
  "an order is mailed by an idempotent provider, and paid": {
    ...orderIsPaid,
    isMailIdempotent: true,
  },
  "an order is cancelled while it is paid": {
    begin: async (stage) => {
      await stage.placeOrder("o1", CARDS.good);
      await stage.world.sleep(45);
      await stage.cancel("o1");
    },
    check: () => undefined,
  },
  "a card is declined": {
    begin: (stage) => stage.placeOrder("o1", CARDS.declined),
    check: (stage) => {
      const [row] = stage.ended("process_payment");
      stage.must(row?.state === "FAILURE", `the payment's task is ${row?.state}`);
    },
  },
  "a newcomer is welcomed": {
    begin: async (stage) => {
      await stage.insist(() => stage.door.register("anna", "anna@example.com"));
    },
    check: (stage) => {
      stage.must(stage.ended("send_welcome_email").length === 1, "nobody is welcomed, or twice");
      const sent = new Set(stage.deployment.mail.book.to("welcome").map(({ to }) => to));
      stage.must(sent.has("anna@example.com"), "there is no mail");
    },
  },
  "mail to many by SMTP": bulk,
  "mail to many by an idempotent provider": { ...bulk, isMailIdempotent: true },
  "the end of a task is told": {
    begin: async (stage) => {
      const options = { callbackUrl: "https://hooks.example.com/end" };
      const call = processData.s({ data: "a" }, options);
      await stage.insist(() => stage.door.call(call, "told"));
    },
    check: ({ deployment: { posted }, ...stage }) => {
      if (new Set(posted).size !== 1)
        throw new Error(`${posted.length} were told ${stage.world.now()}`);
    },
  },
  "a chord of three and its body": resultIs(
    chord(
      ["a", "b", "c"].map((each) => letter.s({ word: "", letter: each })),
      join.s({}),
    ),
    "abc",
  ),
  "a chain of three": resultIs(
    chain(
      letter.s({ word: "", letter: "a" }),
      letter.s({ letter: "b" }),
      letter.s({ letter: "c" }),
    ),
    "abc",
  ),
  "durable steps that wait for an event": durable,
  "what may run alone only": limited,
  "three slots of a schedule": scheduled,
};
