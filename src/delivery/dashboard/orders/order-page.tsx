import { isTerminal, type TaskRecord } from "#engine";
import type { StoredEmail } from "#domain/mail";
import { moneyText, type Order, type OrderItem } from "#domain/orders";
import type { Payment } from "#domain/payments";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, page, placeOf, Table, Tag, When } from "../shell/index.ts";
import { MailLines } from "../mail/mail-lines.tsx";
import { StateTag } from "./list-page.tsx";

const REFRESH_SECONDS = 5;

/** A task that works on an order; null: it is not known any more. */
export interface OrderTask {
  readonly id: string;
  readonly what: string;
  readonly task: TaskRecord | null;
}

interface Shown {
  readonly order: Order;
  /** Null: none was begun. */
  readonly payment: Payment | null;
  readonly items: readonly OrderItem[];
  readonly emails: readonly StoredEmail[];
  readonly tasks: readonly OrderTask[];
}

/** One order with all that happened to it. */
export function orderPage(call: ApiCall, shown: Shown): Response {
  const { order, payment, items, emails, tasks } = shown;
  const isUnderWay = tasks.some(({ task }) => task !== null && !isTerminal(task.state));
  return page(call, {
    title: `Order ${order.id}`,
    place: "/dashboard/orders",
    live: { everySeconds: isUnderWay ? REFRESH_SECONDS : REFRESH_SECONDS * 6 },
    actions: <StateTag state={order.state} />,
    children: (
      <div class="stack">
        <div class="grid">
          <Facts order={order} />
          <section class="card">
            <h2>Payment</h2>
            {payment === null ? <Empty>None was begun.</Empty> : <PaymentFacts payment={payment} />}
          </section>
        </div>
        <section class="card">
          <h2>Timeline</h2>
          <Timeline shown={shown} />
        </section>
        <section class="card">
          <h2>Items</h2>
          {items.length === 0 ? (
            <Empty>It names none.</Empty>
          ) : (
            <Items order={order} items={items} />
          )}
        </section>
        <section class="card">
          <h2>Tasks</h2>
          <Tasks tasks={tasks} />
        </section>
        <section class="card">
          <h2>Mails</h2>
          {emails.length === 0 ? <Empty>None yet.</Empty> : <MailLines emails={emails} />}
        </section>
      </div>
    ),
  });
}

function Facts({ order }: { order: Order }) {
  const facts: [string, unknown][] = [
    ["Amount", moneyText(order.amountMinor, order.currency, "en")],
    ["Customer", order.customerEmail],
    ["User", order.userId],
    ["Owner", order.owner],
    ["Language", order.locale ?? "the deployment's"],
    ["Created", <When at={order.createdAt} isExact />],
  ];
  return (
    <section class="card">
      <h2>Order</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function PaymentFacts({ payment }: { payment: Payment }) {
  const isBad = payment.state === "declined";
  const isGood = payment.state === "captured";
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <Tag state={payment.state} kind={isBad ? "bad" : isGood ? "good" : "busy"} />
      </dd>
      <dt>Provider</dt>
      <dd>{payment.provider}</dd>
      <dt>Reference</dt>
      <dd class="mono">{payment.reference ?? "–"}</dd>
      <dt>Declined</dt>
      <dd>
        {payment.declines === 0
          ? "never"
          : `${payment.declines} times: ${payment.declineReason ?? "no reason"}`}
      </dd>
      {payment.refusalReason === null ? null : (
        <>
          <dt>Refund refused</dt>
          <dd>{payment.refusalReason}</dd>
        </>
      )}
      <dt>Changed</dt>
      <dd>
        <When at={payment.updatedAt} />
      </dd>
    </dl>
  );
}

/** What happened when, as far as it is known, the first first. */
function Timeline({ shown: { order, payment, emails, tasks } }: { shown: Shown }) {
  const events: [number | null, string][] = [
    [order.createdAt, "created"],
    [payment?.updatedAt ?? null, `payment ${payment?.state ?? ""}`],
    [order.shippedAt, "shipped"],
    [order.deliveredAt, "delivered"],
    [order.cancelledAt, "cancelled"],
    [order.refundedAt, "refunded"],
    ...emails.map(({ createdAt, template, state }): [number, string] => [
      createdAt,
      `mail ${template}: ${state}`,
    ]),
    ...tasks.map(({ task }): [number | null, string] => [
      task?.finishedAt ?? null,
      `task ${task?.name ?? ""} ended: ${task?.state ?? ""}`,
    ]),
  ];
  const known = events
    .flatMap(([at, what]) => (at === null ? [] : [{ at, what }]))
    .sort((a, b) => a.at - b.at);
  return (
    <ol class="slots">
      {known.map(({ at, what }) => (
        <li>
          {what}
          <When at={at} isExact />
        </li>
      ))}
    </ol>
  );
}

function Items({ order, items }: { order: Order; items: readonly OrderItem[] }) {
  const money = (minor: number) => moneyText(minor, order.currency, "en");
  return (
    <Table
      caption="Items"
      numbers={["Quantity", "Price", "Sum"]}
      head={["Article", "Name", "Quantity", "Price", "Sum", "Seller"]}
    >
      {items.map(({ sku, name, quantity, unitPriceMinor, sellerId }) => (
        <tr>
          <Cell name="Article">{sku ?? "–"}</Cell>
          <Cell name="Name">{name}</Cell>
          <Cell name="Quantity" kind="number">
            {quantity}
          </Cell>
          <Cell name="Price" kind="number">
            {money(unitPriceMinor)}
          </Cell>
          <Cell name="Sum" kind="number">
            {money(unitPriceMinor * quantity)}
          </Cell>
          <Cell name="Seller">{sellerId ?? "the shop"}</Cell>
        </tr>
      ))}
    </Table>
  );
}

/** None, where it was called off before it began. */
function triesOf({ attempts, retries }: TaskRecord): number {
  return attempts.length === 0 ? 0 : retries + 1;
}

function Tasks({ tasks }: Pick<Shown, "tasks">) {
  return (
    <Table caption="Tasks" numbers={["Tries"]} head={["For", "Task", "State", "Tries", "Ended"]}>
      {tasks.map(({ id, what, task }) => (
        <tr>
          <Cell name="For">{what}</Cell>
          <Cell name="Task">
            <a href={placeOf.task(id)} title={id}>
              {task?.name ?? id}
            </a>
          </Cell>
          <Cell name="State">
            {task === null ? <span class="quiet">–</span> : <Tag state={task.state} />}
          </Cell>
          <Cell name="Tries" kind="number">
            {task === null ? "–" : triesOf(task)}
          </Cell>
          <Cell name="Ended">
            <When at={task?.finishedAt ?? null} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
