import { LocalServer, type LocalServerOptions } from "../../scripts/local-server.ts";

/** A Worker under `wrangler dev`, which runs the tasks too. */
export abstract class LocalWorker {
  readonly #options: LocalServerOptions;
  #server: LocalServer;

  constructor(options: LocalServerOptions, server: LocalServer) {
    this.#options = options;
    this.#server = server;
  }

  protected get url(): string {
    return this.#server.url;
  }

  killWorker(): Promise<void> {
    return this.#server.kill();
  }

  async restartWorker(): Promise<void> {
    this.#server = await LocalServer.start(this.#options);
  }

  memoryMiB(): number {
    return this.#server.memoryMiB();
  }

  stop(): Promise<void> {
    return this.#server.kill();
  }
}
