import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request as it came. */
export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** How a receiver answers a request, by its number, 1 for the first of its path. */
export type Answer = (response: ServerResponse, number: number) => void;

/** A real HTTP server that callbacks go to: remembers what comes, and answers each path as it is told. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #answers = new Map<string, Answer>();
  #server: Server;
  #open = 0;
  /** The most requests that were open at once. */
  mostOpen = 0;

  private constructor() {
    this.#server = this.#create();
  }

  static async start(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.listen(port);
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(port: number): Promise<void> {
    this.#server = this.#create();
    // Under both of this machine's names.
    this.#server.listen(port);
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** A URL of this receiver whose requests are answered so. */
  url(path: string, answer: Answer, host = "127.0.0.1"): string {
    this.#answers.set(path, answer);
    return `http://${host}:${this.port}${path}`;
  }

  of(path: string): Received[] {
    return this.received.filter((each) => each.path === path);
  }

  #create(): Server {
    return createServer((request, response) => {
      this.#open += 1;
      this.mostOpen = Math.max(this.mostOpen, this.#open);
      response.once("close", () => {
        this.#open -= 1;
      });
      void this.#take(request, response);
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = "", method = "", headers } = request;
    const body = await text(request).catch(() => "cut off");
    this.received.push({ path, method, headers, body });
    const answer = this.#answers.get(path) ?? status(404);
    answer(response, this.of(path).length);
  }
}

/** Hangs, or answers later requests. */
export function from(number: number, answer: Answer): Answer {
  return (response, count) => {
    if (count >= number) answer(response, count);
  };
}

/** Answers with a status, and headers. */
export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(code, headers);
    response.end();
  };
}
