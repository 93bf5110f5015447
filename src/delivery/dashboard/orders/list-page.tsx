import { moneyText, ORDER_STATES, type Order, type OrderState } from "#domain/orders";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, page, Pager, pathWith, placeOf, Table, Tag, When } from "../shell/index.ts";

const PLACE = "/dashboard/orders";
const REFRESH_SECONDS = 15;

interface List {
  readonly search: string;
  readonly state: OrderState | null;
  readonly cursor: string | null;
  readonly orders: readonly Order[];
  readonly next: string | null;
}

const KINDS = {
  pending: "busy",
  paid: "good",
  payment_failed: "bad",
  shipped: "good",
  delivered: "good",
  cancelled: "",
  refunded: "warn",
} as const;

export function StateTag({ state }: { state: OrderState }) {
  return <Tag state={state} kind={KINDS[state]} />;
}

/** Everybody's orders, the newest first. */
export function listPage(call: ApiCall, { search, state, cursor, orders, next }: List): Response {
  const query = { search, state };
  return page(call, {
    title: "Orders",
    place: PLACE,
    live: cursor === null ? { everySeconds: REFRESH_SECONDS } : undefined,
    children: (
      <div class="stack">
        <form class="card fields" method="get" action={PLACE} role="search" aria-label="Orders">
          <label>
            Number, or the customer's address
            <input type="search" name="search" value={search} />
          </label>
          <label>
            State
            <select name="state">
              <option value="">all</option>
              {ORDER_STATES.map((one) => (
                <option value={one} selected={one === state}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          <button>Show</button>
        </form>
        <section class="card">
          {orders.length > 0 ? (
            <Orders orders={orders} />
          ) : (
            <Empty>{next === null ? "No order here." : "None among those looked at yet."}</Empty>
          )}
          <Pager
            newest={cursor === null ? null : pathWith(PLACE, query)}
            next={next === null ? null : pathWith(PLACE, { ...query, cursor: next })}
          />
        </section>
      </div>
    ),
  });
}

function Orders({ orders }: Pick<List, "orders">) {
  return (
    <Table
      caption="Orders"
      numbers={["Amount"]}
      head={["Order", "State", "Amount", "Customer", "Owner", "Created"]}
    >
      {orders.map((order) => (
        <tr>
          <Cell name="Order">
            <a href={placeOf.order(order.id)}>{order.id}</a>
          </Cell>
          <Cell name="State">
            <StateTag state={order.state} />
          </Cell>
          <Cell name="Amount" kind="number">
            {moneyText(order.amountMinor, order.currency, "en")}
          </Cell>
          <Cell name="Customer">{order.customerEmail}</Cell>
          <Cell name="Owner">{order.owner}</Cell>
          <Cell name="Created">
            <When at={order.createdAt} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
