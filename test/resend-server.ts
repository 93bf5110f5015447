import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeResend } from "./resend.ts";

/** Resend behind a real socket. */
export class ResendServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param port 0: any that is free */
  static async start(resend: FakeResend, port = 0): Promise<ResendServer> {
    const server = createServer((request, response) => {
      const answer = (body: string) => {
        const header = (name: string) => String(request.headers[name] ?? "");
        const reply = resend.handle({
          path: request.url ?? "",
          authorization: header("authorization"),
          key: header("idempotency-key"),
          isPermissive: header("x-batch-validation") === "permissive",
          body,
        });
        if (reply === "drop") request.socket.destroy();
        else if (reply !== "hang") response.writeHead(reply.status, reply.headers).end(reply.body);
      };
      // Who is killed in the middle of a request has asked for nothing.
      void bodyOf(request).then(answer, () => undefined);
    });
    await new Promise<void>((resolve) => {
      server.listen(port, "127.0.0.1", resolve);
    });
    return new ResendServer(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
