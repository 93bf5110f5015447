import { createServer, type IncomingMessage, type Server } from "node:http";

/** How long an answer takes that a task waits for. */
const GET_MS = 5;
const POST_MS = 15;

/**
 * The outside world of the tasks: answers a GET after 5 ms, and counts a POST before it answers after 15 ms.
 * The last part of a POST's path but one names the system, the last one the task.
 */
export class Receiver {
  readonly url: string;
  readonly #server: Server;
  /** Of each system: how often each task was asked for here, and how often it was done. */
  readonly #books = new Map<string, Book>();

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static start(): Promise<Receiver> {
    return new Promise((resolve) => {
      const server = createServer((request, answer) => {
        if (request.method === "POST") receiver.#count(request);
        request.resume();
        setTimeout(() => answer.end("ok"), request.method === "POST" ? POST_MS : GET_MS);
      });
      // Kept-alive connections are never closed under a task that is about to use them.
      server.keepAliveTimeout = 0;
      let receiver: Receiver;
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const port = typeof address === "object" ? (address?.port ?? 0) : 0;
        receiver = new Receiver(server, `http://127.0.0.1:${port}/`);
        resolve(receiver);
      });
    });
  }

  book(system: string): Book {
    const book = this.#books.get(system) ?? new Book();
    this.#books.set(system, book);
    return book;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #count({ url = "", headers }: IncomingMessage): void {
    const [system = "", task = ""] = url.split("/").slice(-2);
    const key = headers["idempotency-key"];
    this.book(system).add(task, typeof key === "string" ? key : null);
  }
}

/** What one system's tasks did here. */
export class Book {
  /** Effects by task. */
  readonly #effects = new Map<string, number>();
  readonly #keys = new Set<string>();
  /** When the last request came, in epoch milliseconds. */
  lastAt = Date.now();

  /** @param key the effect's own: with it a repetition is answered and not done again, as a gateway does */
  add(task: string, key: string | null): void {
    this.lastAt = Date.now();
    if (key !== null && this.#keys.has(key)) return;
    if (key !== null) this.#keys.add(key);
    this.#effects.set(task, (this.#effects.get(task) ?? 0) + 1);
  }

  /** Tasks whose effect is there. */
  get tasks(): number {
    return this.#effects.size;
  }

  /** Tasks whose effect is there more than once. */
  get doubled(): number {
    return [...this.#effects.values()].filter((count) => count > 1).length;
  }
}
