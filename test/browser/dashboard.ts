import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { onTestFinished } from "vitest";
import {
  chromium,
  type Browser,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from "playwright-core";
import { execute } from "../../scripts/database.ts";
import { LocalServer } from "../../scripts/local-server.ts";
import { ROOT } from "../../scripts/wrangler.ts";

const CANDIDATES = [
  process.env["CHROMIUM"] ?? "",
  // The first is Chromium without windows: half the work.
  ...["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"].map(
    (name) => `/usr/bin/${name}`,
  ),
];
/** Null: there is no browser here. */
const EXECUTABLE = CANDIDATES.find((path) => path !== "" && existsSync(path)) ?? null;

/** Pictures of the pages, for people to look at. */
const PICTURES = join(ROOT, "screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Without a browser these tests are skipped; say so once. */
export const hasBrowser = EXECUTABLE !== null;
if (!hasBrowser) {
  console.warn(
    "No Chromium here (apt-get install chromium-headless-shell): the tests in a browser are skipped.",
  );
}

/** A server with data of its own, and a browser before it. */
export class Dashboard {
  readonly server: LocalServer;
  readonly #browser: Browser;
  readonly #state: string;

  private constructor(server: LocalServer, browser: Browser, state: string) {
    this.server = server;
    this.#browser = browser;
    this.#state = state;
  }

  static async start(
    port: number,
    vars: Readonly<Record<string, string>> = {},
    config = "wrangler.toml",
  ): Promise<Dashboard> {
    if (EXECUTABLE === null) throw new Error("There is no browser.");
    const state = mkdtempSync(join(tmpdir(), "lovage-browser-"));
    const [server, browser] = await Promise.all([
      LocalServer.start({ port, config, state, vars }),
      chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"] }),
    ]);
    return new Dashboard(server, browser, state);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.server.kill();
    rmSync(this.#state, { recursive: true, force: true });
  }

  /** A tab of a browser that nobody used before, at a page, until the test ends. What goes wrong in it is kept. */
  async open(path: string, options: BrowserContextOptions = {}): Promise<Tab> {
    const context = await this.#browser.newContext({
      // By name, as people do: Chromium takes `Secure` cookies from localhost.
      baseURL: this.server.url.replace("127.0.0.1", "localhost"),
      viewport: { width: 1_360, height: 900 },
      ...options,
    });
    onTestFinished(() => context.close());
    const tab = new Tab(await context.newPage());
    await tab.page.goto(path);
    return tab;
  }

  /** Changes something that no request could: one statement. */
  async sql(statement: string): Promise<void> {
    await execute(statement, { env: undefined, state: this.#state });
  }

  /** Makes something happen over the API. */
  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    const answer = await fetch(this.server.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  }
}

/**
 * Presses what leads to another page, and waits until all of that is there: a click alone waits for its beginning, which
 * counts and lists that do not wait would be taken from.
 */
export async function follow(link: Locator): Promise<void> {
  await link.click();
  await link.page().waitForLoadState();
}

/** A page with what it did wrong. */
export class Tab {
  readonly page: Page;
  /** Errors of its script, and what its policy refused. */
  readonly faults: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // An answer that is an error is the test's to look at.
      if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
        this.faults.push(text);
      }
    });
  }

  /** What axe-core finds that is in somebody's way. */
  async barriers(): Promise<string[]> {
    // Evaluated by the debugger, to which the page's policy doesn't apply.
    const session = await this.page.context().newCDPSession(this.page);
    const run = `${AXE}; axe.run(document, { resultTypes: ["violations"] }).then((found) =>
      JSON.stringify(found.violations
        .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).slice(0, 3).join(" | "))))`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: run,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description);
    return JSON.parse(String(result.value)) as string[];
  }

  /** Whether the page is wider than its window, so that a phone would have to scroll sideways. */
  async isTooWide(): Promise<boolean> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
    );
  }

  /** Puts a picture of the whole page into the folder `screenshots`. */
  async picture(name: string): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }
}

export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
};
export const DARK: BrowserContextOptions = { colorScheme: "dark" };
