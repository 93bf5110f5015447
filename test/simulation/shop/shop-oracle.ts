import { shardOf, type State } from "#engine";
import { stateOf, type StoredFile } from "#domain/files";
import { Violation } from "../violation.ts";
import type { Booked } from "./gateway-book.ts";
import type { ShopDeployment } from "./shop-deployment.ts";
import type { Visitors } from "./visitors.ts";
import type { Webhooks } from "./webhooks.ts";

/** Statements that have the database remember every move, for looking at them in the end. */
export const WATCHING = `
  CREATE TABLE sim_moves (what TEXT, id TEXT, was TEXT, became TEXT);
  CREATE TABLE sim_relayed (id TEXT);
  CREATE TRIGGER sim_outbox AFTER DELETE ON outbox BEGIN INSERT INTO sim_relayed VALUES (OLD.id); END;
  CREATE TRIGGER sim_orders AFTER UPDATE OF state ON orders WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO sim_moves VALUES ('order', NEW.id, OLD.state, NEW.state); END;
  CREATE TRIGGER sim_payments AFTER UPDATE OF state ON payments WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO sim_moves VALUES ('payment', NEW.order_id, OLD.state, NEW.state); END;
  CREATE TRIGGER sim_tasks AFTER UPDATE OF name, state, result, finished_at, kwargs, detail ON tasks
    BEGIN INSERT INTO sim_moves VALUES ('task', NEW.id, OLD.state, NEW.state); END;
  CREATE TRIGGER sim_mails AFTER UPDATE OF state ON emails WHEN OLD.state IN ('sent', 'failed')
    BEGIN INSERT INTO sim_moves VALUES ('mail', NEW.message_id, OLD.state, NEW.state); END;
`;

/** How things may go on; written down here once more, and not taken from the code. */
const ORDER_MOVES = new Set([
  ...["pending paid", "pending payment_failed", "pending cancelled"],
  ...["payment_failed paid", "payment_failed cancelled", "paid shipped", "paid cancelled"],
  ...["paid refunded", "shipped delivered", "shipped refunded", "delivered refunded"],
  "cancelled refunded",
]);
const PAYMENT_MOVES = new Set([
  ...["charging captured", "charging declined", "charging refunding", "charging voided"],
  ...["captured refunding", "captured refunded", "refunding refunded", "refunding captured"],
  // Another card; and charges of cancelled orders that the gateway took late.
  ...["declined charging", "voided refunding", "declined refunding"],
]);

interface OrderRow {
  readonly id: string;
  readonly state: string;
  readonly amount_minor: number;
  readonly customer_email: string;
  readonly email_task_id: string;
  readonly payment_task_id: string;
  readonly seller_task_id: string | null;
  readonly payment: string | null;
}

export interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly state: State;
  readonly kwargs: string;
  readonly is_dead_lettered: number;
  readonly resolution: string | null;
  readonly result: string | null;
  readonly detail: string;
}

/**
 * Judges a shop when all is over, from what happened outside: the books of the gateway and of the mailboxes, what
 * visitors were told, and every move that the database made.
 */
export class ShopOracle {
  readonly #deployment: ShopDeployment;
  readonly #visitors: Visitors;
  readonly #webhooks: Webhooks;

  constructor(deployment: ShopDeployment, visitors: Visitors, webhooks: Webhooks) {
    this.#deployment = deployment;
    this.#visitors = visitors;
    this.#webhooks = webhooks;
  }

  /**
   * What still waits, in the liveness check's words; null: nothing does.
   * @param isMailPatient mail may wait longer: its desk tries ever later
   */
  whatWaits(isMailPatient = false): string | null {
    const { d1, shards } = this.#deployment;
    const live = shards.flatMap((shard) =>
      shard
        .peek<{ id: string }>(
          `SELECT id FROM tasks WHERE ${isMailPatient ? "queue <> 'emails'" : "true"}`,
        )
        .map(({ id }) => shard.look((ledger) => ledger.get(id))),
    );
    const [first] = live;
    if (first !== undefined) {
      const { name = "", id = "", state, retries, dueAt, error } = first ?? {};
      const due = Math.round(((dueAt ?? 0) - this.#deployment.world.now()) / 1_000);
      const how = `${state}, ${retries} retries, due in ${due} s, ${error?.exc_message}`;
      return `${live.length} tasks, the first is ${name} ${id} (${how})`;
    }
    const unflushed = shards.reduce(
      (sum, s) => sum + s.look((ledger) => ledger.stats().unflushed),
      0,
    );
    if (unflushed > 0) return `${unflushed} tasks are not in the history`;
    const [{ rows } = { rows: 0 }] = d1.peek<{ rows: number }>(
      "SELECT count(*) AS rows FROM outbox",
    );
    if (rows > 0) return `${rows} rows of the outbox`;
    if (isMailPatient) return null;
    const mails = d1.peek<{ template: string; to: string; state: string; reason: string }>(
      `SELECT template, to_address AS "to", state, reason FROM emails
        WHERE state IN ('pending', 'sending')`,
    );
    const [mail] = mails;
    if (mail !== undefined) return `${mails.length} mails, the first is ${JSON.stringify(mail)}`;
    return null;
  }

  /** What left the outbox is in its ledger, or has ended. To be asked after every call that writes to the database. */
  checkRelayed(): void {
    const { d1, shards } = this.#deployment;
    const relayed = d1.peek<{ id: string }>("SELECT id FROM sim_relayed");
    if (relayed.length === 0) return;
    d1.peek("DELETE FROM sim_relayed");
    for (const { id } of relayed) {
      const isThere =
        shards[shardOf(id) ?? -1]?.look((ledger) => ledger.get(id)) != null ||
        d1.peek("SELECT 1 FROM tasks WHERE id = ?", id).length > 0;
      if (!isThere) fail("G8", `${id} left the outbox, and no ledger has it`);
    }
  }

  /** How often what is seldom happened, by name. */
  get events(): Readonly<Record<string, number>> {
    const late = this.#deployment.d1.peek(
      "SELECT 1 FROM sim_moves WHERE what = 'payment' AND was = 'voided' AND became = 'refunding'",
    );
    return { "voided and captured": late.length };
  }

  check(): void {
    this.#checkMoves();
    const orders = this.#orders();
    const tasks = this.#deployment.d1.peek<TaskRow>(
      "SELECT id, name, state, kwargs, is_dead_lettered, resolution, result, detail FROM tasks",
    );
    const byId = new Map(tasks.map((task) => [task.id, task]));
    this.#checkOrders(orders, tasks, byId);
    for (const order of orders.values()) this.#checkMoney(order, byId);
    this.#checkCharges(orders);
    this.#checkEvents(tasks);
    this.#checkMails(orders, byId);
    this.#checkBulks(byId);
    this.#checkDeadLetters(tasks);
    this.#checkCalled(byId);
  }

  #orders(): Map<string, OrderRow> {
    const rows = this.#deployment.d1.peek<OrderRow>(
      `SELECT o.id, o.state, o.amount_minor, o.customer_email, o.email_task_id, o.payment_task_id,
        o.seller_task_id, p.state AS payment FROM orders o LEFT JOIN payments p ON p.order_id = o.id`,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** No state goes backwards; what is final stays. */
  #checkMoves(): void {
    const moves = this.#deployment.d1.peek<{
      what: string;
      id: string;
      was: string;
      became: string;
    }>("SELECT * FROM sim_moves");
    for (const { what, id, was, became } of moves) {
      const move = `${was} ${became}`;
      if (what === "order" && !ORDER_MOVES.has(move)) fail("G10", `the order ${id} went ${move}`);
      if (what === "payment" && !PAYMENT_MOVES.has(move)) {
        fail("G10", `the payment of ${id} went ${move}`);
      }
      if (what === "task") fail("G2", `the task ${id} changed after its end: ${move}`);
      if (what === "mail") fail("G11", `the mail ${id} changed after its end: ${move}`);
    }
  }

  /** An order is there with all of its tasks, each once; or not at all. */
  #checkOrders(
    orders: ReadonlyMap<string, OrderRow>,
    tasks: readonly TaskRow[],
    byId: ReadonlyMap<string, TaskRow>,
  ): void {
    const counts = new Map<string, number>();
    for (const { name, kwargs, resolution } of tasks) {
      // Who took its place is counted.
      if (resolution !== null) continue;
      const { order_id: id } = JSON.parse(kwargs) as { order_id?: string };
      if (id === undefined) continue;
      counts.set(`${name} ${id}`, (counts.get(`${name} ${id}`) ?? 0) + 1);
      if (!orders.has(id)) fail("G8", `${name} is there for ${id}, and no order`);
    }
    for (const wish of this.#visitors.wishes.values()) {
      const order = orders.get(wish.id);
      if (order === undefined && wish.isPlaced)
        fail("G1", `${wish.id} was accepted and is not there`);
      if (order === undefined) continue;
      for (const id of [order.email_task_id, order.payment_task_id, order.seller_task_id]) {
        if (id !== null && !byId.has(id)) fail("G8", `${wish.id} has no task ${id}`);
      }
      const count = (name: string) => counts.get(`${name} ${wish.id}`) ?? 0;
      if (count("send_order_confirmation_email") !== 1) fail("G8", `${wish.id}: confirmations`);
      if (count("send_seller_notification") !== Number(wish.sellers.size > 0)) {
        fail("G8", `${wish.id}: ${count("send_seller_notification")} words to its sellers`);
      }
      const paid = count("process_payment");
      if (paid < 1 + wish.paidAgain - 0 || paid > 1 + wish.paidAgain + wish.maybePaidAgain) {
        fail("G8", `${wish.id}: ${paid} payments, paid again ${wish.paidAgain} times`);
      }
    }
  }

  /** What the shop says of an order's money is what the gateway's book says. */
  #checkMoney(order: OrderRow, byId: ReadonlyMap<string, TaskRow>): void {
    const charges = this.#deployment.gateway.book.ofOrder(order.id);
    const taken = charges.filter(({ captures }) => captures.length > 0);
    if (taken.length > 1 || taken.some(({ captures }) => captures.length > 1)) {
      fail("G9", `${order.id} was charged ${taken.length} times`);
    }
    const [charge] = taken;
    const said = `${order.id} is ${order.state} (${order.payment}), ${words(charge)}`;
    const isPaid = ["paid", "shipped", "delivered"].includes(order.state);
    const kept = (charge?.amountMinor ?? 0) - (charge?.refundedMinor ?? 0);
    if (isPaid && (charge === undefined || kept !== order.amount_minor)) fail("G9", said);
    if (!isPaid && kept > 0) fail("G9", said);
    if (order.state === "refunded" && (charge === undefined || kept !== 0)) fail("G9", said);
    if (charge !== undefined && !isPaid && order.state !== "refunded") fail("G9", said);
    if (order.state === "payment_failed" && !charges.some(({ status }) => status === "declined")) {
      fail("G9", `${said}, and no charge was declined`);
    }
    if (order.state === "pending" && byId.get(order.payment_task_id)?.is_dead_lettered !== 1) {
      fail("G9", `${said}, and nobody is told`);
    }
    const wish = this.#visitors.wishes.get(order.id);
    if (wish?.isCancelGranted === true && !["cancelled", "refunded"].includes(order.state)) {
      fail("G9", `${said}, though it was cancelled`);
    }
  }

  #checkCharges(orders: ReadonlyMap<string, OrderRow>): void {
    for (const charge of this.#deployment.gateway.book.charges.values()) {
      const order = orders.get(charge.orderId);
      if (order === undefined) fail("G9", `a charge for ${charge.orderId}, which is no order`);
      else if (charge.amountMinor !== order.amount_minor) fail("G9", `${order.id}: another amount`);
      if (charge.refundedMinor > charge.amountMinor) fail("G9", `${charge.orderId}: too much back`);
    }
  }

  /** Every event that was heard is applied by one task; lies leave nothing behind. */
  #checkEvents(tasks: readonly TaskRow[]): void {
    const stored = this.#deployment.d1.peek<{ id: string; task_id: string }>(
      "SELECT id, task_id FROM payment_events",
    );
    const applying = tasks.filter(({ name }) => name === "process_payment_callback");
    const byEvent = Map.groupBy(
      applying,
      ({ kwargs }) => (JSON.parse(kwargs) as { event_id: string }).event_id,
    );
    for (const { id, task_id: taskId } of stored) {
      if (this.#webhooks.lies.has(id)) fail("G10", `the lie ${id} was believed`);
      const own = byEvent.get(id) ?? [];
      if (own.length !== 1 || own[0]?.id !== taskId) fail("G10", `${id} has ${own.length} tasks`);
      if (this.#webhooks.odd.has(id) && own[0]?.is_dead_lettered !== 1) {
        fail("G14", `${id} says something else than its order, and nobody is told`);
      }
    }
    const known = new Set(stored.map(({ id }) => id));
    for (const event of this.#deployment.gateway.book.told) {
      if ("orderId" in event && this.#webhooks.heard.has(event.id) && !known.has(event.id)) {
        fail("G10", `${event.id} was answered 200 and is not there`);
      }
    }
  }

  /** Every customer has the confirmation of their order, unless their mailbox refused it. */
  #checkMails(orders: ReadonlyMap<string, OrderRow>, byId: ReadonlyMap<string, TaskRow>): void {
    const { mail, d1 } = this.#deployment;
    const rows = d1.peek<{ id: string; to: string; state: string; template: string; task: string }>(
      `SELECT message_id AS id, to_address AS "to", state, template, task_id AS task FROM emails`,
    );
    const confirmed = new Set<string>();
    for (const { id, to, state, template, task } of rows) {
      const count = mail.book.of(id, to).length;
      if (state === "sent" && count === 0)
        fail("G11", `${template} to ${to} is sent, and not there`);
      if (template === "order_confirmation") confirmed.add(task);
    }
    for (const order of orders.values()) {
      const task = byId.get(order.email_task_id);
      if (!confirmed.has(order.email_task_id)) fail("G11", `${order.id} has no confirmation`);
      const row = rows.find((each) => each.task === order.email_task_id);
      if (task?.state === "SUCCESS" && row?.state !== "sent")
        fail("G11", `${order.id}: ${row?.state}`);
      if (task?.state === "FAILURE" && row?.state !== "failed") {
        fail("G11", `${order.id}: its mail is ${row?.state}, and the task failed`);
      }
    }
  }

  #checkBulks(byId: ReadonlyMap<string, TaskRow>): void {
    const { book } = this.#deployment.mail;
    for (const [id, emails] of this.#visitors.bulks) {
      const { state, result } = byId.get(id) ?? {};
      if (state !== "SUCCESS") fail("G11", `the bulk ${id} ended as ${state}`);
      const counts = JSON.parse(result ?? "{}") as Record<string, number>;
      const {
        sent_count: sent = -1,
        failed_count: failed = -1,
        skipped_count: skipped = 0,
      } = counts;
      if (sent + failed + skipped !== emails.length)
        fail("G11", `${sent} + ${failed} + ${skipped}`);
      const wanted = new Set(emails);
      const got = new Set(
        book.to("bulk_notification").flatMap(({ to }) => (wanted.has(to) ? [to] : [])),
      );
      if (got.size < sent) fail("G11", `${sent} of a bulk are sent, and ${got.size} are there`);
    }
  }

  #checkDeadLetters(tasks: readonly TaskRow[]): void {
    for (const { id, name, state, is_dead_lettered: isDead, detail } of tasks) {
      const wasTried = (JSON.parse(detail) as unknown[][])[7]?.length !== 0;
      if (state === "FAILURE" && wasTried && isDead !== 1)
        fail("G14", `${name} ${id} failed in silence`);
      if (state !== "FAILURE" && isDead === 1) fail("G14", `${name} ${id} is ${state}, and dead`);
    }
  }

  #checkCalled(byId: ReadonlyMap<string, TaskRow>): void {
    for (const id of this.#visitors.called) {
      if (byId.get(id)?.state !== "SUCCESS") fail("G1", `the call ${id} came to nothing`);
    }
    for (const id of this.#visitors.uploaded) {
      const { d1, world } = this.#deployment;
      const [file] = d1.peek<Pick<StoredFile, "state" | "taskId" | "createdAt">>(
        "SELECT state, task_id AS taskId, created_at AS createdAt FROM files WHERE id = ?",
        id,
      );
      const task = byId.get(file?.taskId ?? "");
      const end = task?.state ?? null;
      const shown = file === undefined ? null : stateOf(file, end, world.now());
      // It was processed, and no later attempt could reach the database to learn that: a dead letter says so.
      const isUntold =
        shown === "processed" &&
        task?.is_dead_lettered === 1 &&
        !task.detail.includes("FileContentError");
      if (end === null || (shown !== (end === "SUCCESS" ? "processed" : "failed") && !isUntold))
        fail("G1", `the file ${id} is ${shown}, its task ${end}`);
    }
  }
}

function words(charge: Booked | undefined): string {
  if (charge === undefined) return "nothing was taken";
  return `${charge.amountMinor} taken, ${charge.refundedMinor} given back`;
}

function fail(guarantee: string, what: string): never {
  throw new Violation(`${guarantee}: ${what}`);
}
