import { sendBulkNotifications } from "../../../src/domain/notifications/bulk-notifications.ts";
import { processData } from "../../../src/domain/processing/index.ts";
import type { World } from "../../../src/testing/world.ts";
import type { ShopDeployment } from "./shop-deployment.ts";
import type { Answer, ShopDoor } from "./shop-door.ts";
import { CARDS } from "./sim-gateway.ts";

/** How often a visitor asks again who got no answer, and how long they wait in between. */
const TRIES = 20;
const PAUSE_MS = 4_000;
/** Accounts that sell, there from the beginning. */
const SELLERS = [101, 102, 103];
const BULK_RECIPIENTS = 130;

/** An order as a visitor meant it, and what they were told of it. */
export interface Wish {
  readonly id: string;
  readonly amountMinor: number;
  readonly email: string;
  readonly sellers: ReadonlySet<number>;
  /** It was said to be there. */
  isPlaced: boolean;
  /** Times that paying it again was granted, and that nobody knows whether it was. */
  paidAgain: number;
  maybePaidAgain: number;
  isCancelGranted: boolean;
}

/** What was asked for in all. */
export interface VisitorPlan {
  readonly orders: number;
  readonly registrations: number;
  readonly calls: number;
  readonly bulks: number;
  readonly uploads: number;
  /** Visitors come within this time. */
  readonly ms: number;
}

/** People and shops around the deployment: they ask, ask again, change their minds, and remember what they heard. */
export class Visitors {
  readonly wishes = new Map<string, Wish>();
  /** Tasks that were called directly, and were said to be accepted. */
  readonly called = new Set<string>();
  readonly bulks = new Map<string, readonly string[]>();
  readonly registered = new Set<string>();
  readonly uploaded: string[] = [];
  readonly #deployment: ShopDeployment;
  readonly #door: ShopDoor;
  readonly #world: World;

  constructor(deployment: ShopDeployment, door: ShopDoor) {
    this.#deployment = deployment;
    this.#door = door;
    this.#world = deployment.world;
  }

  plan({ orders, registrations, calls, bulks, uploads, ms }: VisitorPlan): void {
    this.#openShop();
    const come = (count: number, what: (n: number) => Promise<void>) => {
      for (let n = 0; n < count; n += 1) {
        this.#world.after(this.#world.between(0, ms), () => void what(n));
      }
    };
    come(orders, (n) => this.#order(n));
    come(registrations, (n) => this.#register(n));
    come(calls, (n) => this.#call(n));
    come(bulks, (n) => this.#bulk(n));
    come(uploads, (n) => this.#upload(n));
  }

  /** Somebody whose work it is asks for what the gateway refused to give back. */
  async askRefund(orderId: string): Promise<void> {
    await this.#insist(() => this.#change(orderId, "refund"));
  }

  /** Somebody whose work it is has a dead letter run again. */
  async askReplay(taskId: string): Promise<void> {
    await this.#insist(() => this.#door.replay(taskId));
  }

  #openShop(): void {
    for (const id of SELLERS) {
      this.#deployment.d1.peek(
        `INSERT INTO users (id, username, email, first_name, last_name, password_hash, role, created_at)
          VALUES (?, ?, ?, '', '', '!', 'user', 0)`,
        ...[id, `seller${id}`, `seller${id}@example.com`],
      );
    }
  }

  async #order(n: number): Promise<void> {
    const world = this.#world;
    const wish = this.#wish(n);
    const card = world.pick([CARDS.good, CARDS.good, CARDS.good, CARDS.declined, CARDS.asks]);
    const body = this.#bodyOf(wish, card);
    const place = () => this.#door.post("/api/create-order", { body });
    // An impatient click more, at the same time.
    if (world.chance(0.1)) void place();
    const { status } = await this.#insist(place);
    if (status !== 200) return;
    wish.isPlaced = true;
    if (world.chance(0.1)) world.after(world.between(0, 200_000), () => void place());
    if (world.chance(0.05))
      await this.#door.post("/api/create-order", { body: { ...body, userId: 2 } });
    await this.#goOn(wish, card);
  }

  /** What becomes of an order that was placed. */
  async #goOn(wish: Wish, card: string): Promise<void> {
    const world = this.#world;
    const { id } = wish;
    if (world.chance(0.2)) {
      await world.sleep(world.between(0, world.chance(0.5) ? 300 : 120_000));
      const { status } = await this.#insist(() => this.#change(id, "cancel"));
      wish.isCancelGranted = status === 200;
      return;
    }
    await world.sleep(world.between(20_000, 120_000));
    if (card !== CARDS.good && world.chance(0.7)) {
      const { status } = await this.#insist(() => this.#payAgain(wish));
      if (status === 200) wish.paidAgain += 1;
      await world.sleep(world.between(10_000, 60_000));
    }
    if (world.chance(0.4)) {
      await this.#insist(() => this.#change(id, "ship"));
      await world.sleep(world.between(1_000, 30_000));
      await this.#insist(() => this.#change(id, "deliver"));
    }
    if (world.chance(0.15)) await this.#insist(() => this.#change(id, "refund"));
  }

  #wish(n: number): Wish {
    const world = this.#world;
    const id = `o${n}`;
    // Now and then somebody mistypes their address.
    const who = world.chance(0.04) ? "nobody" : world.chance(0.04) ? "odd" : "customer";
    const sellers = new Set(SELLERS.filter(() => world.chance(0.2)));
    const wish: Wish = {
      ...{ id, sellers, amountMinor: 100 * world.between(1, 500) * Math.max(1, sellers.size) },
      ...{ email: `${who}${n}@example.com`, isPlaced: false, paidAgain: 0, maybePaidAgain: 0 },
      isCancelGranted: false,
    };
    this.wishes.set(id, wish);
    return wish;
  }

  #bodyOf({ id, amountMinor, email, sellers }: Wish, paymentMethod: string) {
    const totalAmount = amountMinor / 100;
    const items = Array.from(sellers, (sellerId) => ({
      ...{ name: "Cup", quantity: 1, unitPrice: totalAmount / sellers.size, sellerId },
    }));
    return { orderId: id, userId: 1, totalAmount, customerEmail: email, items, paymentMethod };
  }

  #change(id: string, what: "ship" | "deliver" | "cancel" | "refund"): Promise<Answer> {
    return this.#door.post(`/api/orders/:id/${what}`, { id });
  }

  async #payAgain(wish: Wish): Promise<Answer> {
    const body = { paymentMethod: CARDS.good };
    const answer = await this.#door.post("/api/orders/:id/pay", { id: wish.id, body });
    if (isUnknown(answer)) wish.maybePaidAgain += 1;
    return answer;
  }

  async #register(n: number): Promise<void> {
    const username = `person${n}`;
    // Of two people one gives the other's address.
    const email = `person${n % 10 === 9 ? n - 1 : n}@example.com`;
    await this.#insist(() => this.#door.register(username, email));
    this.registered.add(username);
  }

  async #call(n: number): Promise<void> {
    const call = processData.s({ data: `data ${n}` });
    const { status, body } = await this.#insist(() => this.#door.call(call, `call ${n}`));
    if (status === 202) this.called.add(body as string);
  }

  async #bulk(n: number): Promise<void> {
    const emails = Array.from({ length: BULK_RECIPIENTS }, (_, at) =>
      at % 40 === 7 ? `nobody${n}x${at}@example.com` : `reader${n}x${at}@example.com`,
    );
    const call = sendBulkNotifications.s({ subject: "News", message: "There is news.", emails });
    const { status, body } = await this.#insist(() => this.#door.call(call, `bulk ${n}`));
    if (status === 202) this.bulks.set(body as string, emails);
  }

  async #upload(n: number): Promise<void> {
    const rows = Array.from({ length: 20 }, (_, at) => `sku${n}x${at},Cup,1.50,USD`);
    const text = ["sku,name,price,currency", ...rows].join("\n");
    const { status, body } = await this.#insist(() => this.#door.upload(`cups${n}.csv`, text));
    const { file } = body as { file?: { id: string } };
    if (status === 201 && file !== undefined) this.uploaded.push(file.id);
  }

  #insist(ask: () => Promise<Answer>): Promise<Answer> {
    return insist(this.#world, ask);
  }
}

/** Asks again until there is an answer that means something. */
export async function insist(world: World, ask: () => Promise<Answer>): Promise<Answer> {
  let answer = await ask();
  for (let tries = 1; tries < TRIES && isUnknown(answer); tries += 1) {
    await world.sleep(PAUSE_MS * tries);
    answer = await ask();
  }
  return answer;
}

function isUnknown({ status }: Answer): boolean {
  return status === 0 || status >= 500 || status === 429;
}
