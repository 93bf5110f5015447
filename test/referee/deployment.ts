import {
  cpSync,
  globSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LocalServer } from "../../scripts/local-server.ts";
import { isPortTaken, ROOT, runWrangler } from "../../scripts/wrangler.ts";

const READY_TIMEOUT_MS = 60_000;

/** The deployment under test: its configuration, its data, and the server that is killed and started again. */
export class Deployment {
  readonly url: string;
  /** Where its data is, its log, and whatever the referee keeps. */
  readonly folder: string;
  readonly #port: number;
  /** Settings besides those of every local server. */
  vars: Readonly<Record<string, string>> = {};
  readonly #errorsTo: number;
  #server: LocalServer | null = null;
  #isBundled = false;
  #isReady = false;

  /** Everything that is in its folder is gone. @param port it uses the next one too */
  constructor(port: number, folder: string) {
    this.#port = port;
    this.folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    this.#errorsTo = openSync(join(folder, "errors.log"), "a");
  }

  get inspectorPort(): number {
    return this.#port + 1;
  }

  /** False from the kill until everything is ready again. */
  get isUp(): boolean {
    return this.#isReady;
  }

  /** Starts it and waits until every part of it is ready. */
  async start(): Promise<void> {
    // Else another server would be taken for this one.
    if (await isPortTaken(this.#port)) throw new Error(`Port ${this.#port} is in use.`);
    if (!this.#isBundled) await this.#bundle();
    const server = await LocalServer.start({
      ...{ port: this.#port, config: join(this.folder, "wrangler.toml"), vars: this.vars },
      inspectorPort: this.inspectorPort,
      ...{ state: this.#state, errorsTo: this.#errorsTo },
    });
    this.#server = server;
    const until = Date.now() + READY_TIMEOUT_MS;
    let said = "nothing";
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok === true) {
        this.#isReady = true;
        return;
      }
      said = (await answer?.text()) ?? said;
      await pause(50);
    }
    throw new Error(`It is not ready: ${said}`);
  }

  /**
   * Has wrangler bundle the Worker once, and not at every start: that is a quarter of its work. The bundle is a module
   * of one that only names its exports: wrangler has esbuild parse the first one at every start, however large it is.
   */
  async #bundle(): Promise<void> {
    const place = join(this.folder, "wrangler.toml");
    const out = join(this.folder, "bundle");
    const config = readFileSync(join(ROOT, "wrangler.toml"), "utf8")
      .replace('directory = "public"', `directory = "${join(ROOT, "public")}"`)
      .replace('migrations_dir = "migrations"', `migrations_dir = "${join(ROOT, "migrations")}"`);
    const withMain = (lines: string) => config.replace('main = "src/worker.ts"', lines);
    writeFileSync(place, withMain(`main = "${join(ROOT, "test/referee/worker.ts")}"`));
    const { code, text } = await runWrangler([
      ...["deploy", "--dry-run", "--outdir", out],
      ...["--config", place],
    ]);
    if (code !== 0) throw new Error(text);
    const [, exported = ""] =
      /^export \{([^}]+)\};$/m.exec(readFileSync(join(out, "worker.js"), "utf8")) ?? [];
    const names = exported.replaceAll(/\w+ as /g, "");
    writeFileSync(join(out, "index.js"), `export {${names}} from "./worker.js";\n`);
    const rules =
      'find_additional_modules = true\nrules = [{ type = "ESModule", globs = ["worker.js"] }]';
    writeFileSync(place, withMain(`main = "${join(out, "index.js")}"\nno_bundle = true\n${rules}`));
    this.#isBundled = true;
  }

  /** Ends all its processes at once, and returns when its port is closed. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#isReady = false;
    await server?.kill();
  }

  /** MiB of the runtime's processes, without those of the tool that starts them. */
  get memoryMiB(): number {
    return this.#server?.memoryMiB("workerd") ?? 0;
  }

  /** Copies its data to another place, or brings such a copy back. Only while it is dead: nothing else is whole. */
  keep(name: string): void {
    cpSync(this.#state, join(this.folder, name), { recursive: true });
  }

  bringBack(name: string): void {
    rmSync(this.#state, { recursive: true });
    cpSync(join(this.folder, name), this.#state, { recursive: true });
  }

  /** The database's file. */
  get database(): string {
    return this.#files("d1/miniflare-D1DatabaseObject")[0] ?? "";
  }

  /** The shards' files. */
  get shards(): string[] {
    return this.#files("do/lovage-Ledger");
  }

  get #state(): string {
    return join(this.folder, "state");
  }

  #files(kind: string): string[] {
    const all = globSync(join(this.#state, "v3", kind, "*.sqlite"));
    return all.filter((path) => !path.endsWith("metadata.sqlite"));
  }
}

/** Bytes of a database's file, without its log. */
export function sizeOf(path: string): number {
  return statSync(path).size;
}
