import type { AnySignature, Signature } from "#engine";
import { register } from "#domain/accounts";
import type { Caller } from "../../../src/delivery/api/callers/access.ts";
import { problemOf } from "../../../src/delivery/api/http/problems.ts";
import type { ApiCall, ApiParts, Route } from "../../../src/delivery/api/route.ts";
import { orderChangeRoutes } from "../../../src/delivery/api/shop/order-change-routes.ts";
import { orderRoutes } from "../../../src/delivery/api/shop/order-routes.ts";
import { paymentRoutes } from "../../../src/delivery/api/shop/payment-routes.ts";
import { uploadFile, type NewFile } from "../../../src/domain/files/upload.ts";
import { Violation } from "../violation.ts";
import type { ShopDeployment, ShopParts } from "./shop-deployment.ts";
import { streamOf } from "./sim-store.ts";

/** What somebody outside gets; 0: nothing, and nobody knows what was done. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const SHOP: Caller = { owner: "shop", scopes: new Set(["admin"]), userId: null };
/** A visitor waits no longer. */
const PATIENCE_MS = 120_000;

const BY_PATH: readonly (readonly [prefix: RegExp, routes: (parts: ApiParts) => Route[]])[] = [
  [/^\/api\/(create-order|orders)$/, orderRoutes],
  [/^\/api\/orders\/:id\//, orderChangeRoutes],
  [/^\/api\/payments\//, paymentRoutes],
];

/**
 * The shop's HTTP API from outside: the real routes with their real refusals, each request a process of its own
 * that may die. Access, routing and the log of requests are left out.
 */
export class ShopDoor {
  readonly #deployment: ShopDeployment;
  /** How often what was answered. */
  readonly statuses = new Map<number, number>();

  constructor(deployment: ShopDeployment) {
    this.#deployment = deployment;
  }

  post(
    path: string,
    { id = "", body = {}, headers = {} }: { id?: string; body?: unknown; headers?: object } = {},
  ): Promise<Answer> {
    const bytes =
      body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
    return this.#ask(path, async (parts, background) => {
      const routes = BY_PATH.find(([prefix]) => prefix.test(path))?.[1];
      const api = { ...parts, clock: parts.process } as unknown as ApiParts;
      const route = routes?.(api).find((each) => each.method === "POST" && each.path === path);
      if (route === undefined) throw new Error(`There is no route ${path}.`);
      const call = {
        ...{ params: { id }, query: new URLSearchParams(), caller: SHOP, background },
        request: requestOf(bytes, headers),
        isStillLetIn: () => Promise.resolve(true),
      } as ApiCall;
      const response = await route.handle(call);
      return { status: response.status, body: null };
    });
  }

  /** Calls a task, as the API does it under an Idempotency-Key. */
  call(task: AnySignature, key: string): Promise<Answer> {
    return this.#ask("call", async ({ lovageFor }) => {
      // What is sent may be a canvas as well; its handle is a task's.
      const { taskId } = await lovageFor("shop").send(task as Signature, { route: "call", key });
      return { status: 202, body: taskId };
    });
  }

  /** Brings a task an event. */
  event(taskId: string, name: string, payload: unknown): Promise<Answer> {
    return this.#ask(`event ${name}`, async ({ directory }) => {
      const event = { name, payload: JSON.stringify(payload), key: "the same delivery" };
      return { status: 202, body: await directory.sendEvent(taskId, event) };
    });
  }

  /** Has a dead letter run again. */
  replay(taskId: string): Promise<Answer> {
    return this.#ask("replay", async ({ deadLetters }) => {
      const [answer] = await deadLetters.replay([taskId], null, () => undefined);
      if (answer?.status === "failed") throw answer.error;
      return { status: 200, body: answer?.status };
    });
  }

  register(username: string, email: string): Promise<Answer> {
    return this.#ask("register", async ({ shop, lovageFor }, background) => {
      const input = {
        username,
        email,
        password: "correct horse battery",
        firstName: "",
        lastName: "",
      };
      const parts = { ...shop, lovage: lovageFor("system"), background };
      // Cheap, and at once: what is simulated here is not how long a password takes.
      const kdf = async (given: Uint8Array) => given.slice(0, 32);
      const origin = { address: username, userAgent: "" };
      const { kind } = await register({ ...parts, kdf }, { ...input, locale: null }, origin);
      return { status: kind === "registered" ? 201 : 409, body: kind };
    });
  }

  upload(name: string, text: string): Promise<Answer> {
    return this.#ask("upload", async ({ shop, lovageFor }, background) => {
      const bytes = new TextEncoder().encode(text);
      const file: NewFile = {
        ...{ owner: "shop", name, kind: "products", contentType: "text/csv" },
        ...{ size: bytes.length, content: streamOf(bytes) },
      };
      const answer = await uploadFile({ ...shop, background }, lovageFor("shop"), file);
      return { status: 201, body: answer };
    });
  }

  async #ask(
    what: string,
    handle: (parts: ShopParts, background: ApiCall["background"]) => Promise<Answer>,
  ): Promise<Answer> {
    const { world } = this.#deployment;
    const process = this.#deployment.process("request");
    const background = (work: Promise<void>) => void work.catch(() => undefined);
    const nothing = new Promise<Answer>((resolve) => {
      const told = () => {
        resolve({ status: 0, body: null });
      };
      process.onDeath(told);
      world.after(PATIENCE_MS, told);
    });
    const handled = handle(this.#deployment.connect(process), background).catch(
      (error: unknown) => {
        const problem = problemOf(error);
        if (problem.status === 500) this.#failed(what, error);
        return { status: problem.status, body: problem.code };
      },
    );
    const answer = await Promise.race([handled, nothing]);
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    world.note(`${what}: ${answer.status}`);
    return answer;
  }

  /** Whatever is down, nobody is told that the mistake is ours. */
  #failed(what: string, error: unknown): void {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    this.#deployment.broken(new Violation(`G23: ${what} was answered 500: ${String(cause)}`));
  }
}

/** As much of a request as routes read. */
function requestOf(bytes: Uint8Array, headers: object): Request {
  const given = new Headers({
    "Content-Type": "application/json",
    "Content-Length": String(bytes.length),
    ...headers,
  });
  return { headers: given, arrayBuffer: async () => Uint8Array.from(bytes).buffer } as Request;
}
