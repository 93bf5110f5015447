import { expect, it } from "vitest";
import { Tripwire } from "../tripwire.ts";
import { play, type Scenario } from "./scenario.ts";
import { CARDS } from "./sim-gateway.ts";

const TIMES = 5;

/** All orders in which things may come. */
function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((first, at) =>
    permutations(all.filter((_, index) => index !== at)).map((rest) => [first, ...rest]),
  );
}

/** Declined, then paid by another card, disputed, and given back by the gateway; told only when all is over. */
function toldIn(order: readonly number[]): Scenario {
  return {
    begin: async (stage) => {
      const { world, webhooks, deployment } = stage;
      webhooks.held = [];
      await stage.placeOrder("o1", CARDS.declined);
      await world.sleep(20_000);
      const body = { paymentMethod: CARDS.good };
      await stage.door.post("/api/orders/:id/pay", { id: "o1", body });
      const wish = stage.visitors.wishes.get("o1");
      if (wish !== undefined) wish.paidAgain = 1;
      await world.sleep(20_000);
      const { book } = deployment.gateway;
      const charge = book.ofOrder("o1").find(({ status }) => status === "captured");
      if (charge === undefined) throw new Error("Nothing was taken.");
      book.dispute(charge);
      book.refund(charge, charge.amountMinor);
      const events = webhooks.held;
      for (let times = 0; times < TIMES; times += 1) {
        for (const at of order) {
          const event = events[at];
          if (event === undefined) throw new Error(`There are ${events.length} events.`);
          await webhooks.tellHeld(event);
          await world.sleep(world.between(0, 2_000));
        }
      }
    },
    check: (stage) => {
      const [row] = stage.deployment.d1.peek("SELECT state FROM orders");
      expect(row, order.join()).toEqual({ state: "refunded" });
      const applied = stage.ended("process_payment_callback");
      expect(applied.map(({ state }) => state)).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
      expect(stage.ended("send_admin_notification")).toHaveLength(1);
    },
  };
}

it("in whatever order events come, five times each, the end is the same (G10)", async () => {
  // payment.declined, payment.captured, payment.disputed, payment.refunded
  for (const order of permutations([0, 1, 2, 3])) await play(toldIn(order), new Tripwire());
});
