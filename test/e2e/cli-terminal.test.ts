import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { LAUNCHER, onTerminal, start, type Ended, type Running } from "./lovage.ts";

/*
 * The command line as people sit at it: on a terminal (which `script` of util-linux gives) and in a shell
 * that completes words.
 */

const state = mkdtempSync(join(tmpdir(), "lovage-terminal-"));
const COMMAND = `'${process.execPath}' '${LAUNCHER}'`;
const hasTerminals = existsSync("/usr/bin/script");
const LEFT = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const CLEAR = "\x1b[K";
/** How any colour begins; other styles don't. */
const COLOUR = "\x1b[3";
let server: LocalServer | null = null;
let env: Record<string, string> = {};

beforeAll(async () => {
  server = await LocalServer.start({ port: 9_152, config: "wrangler.toml", state });
  env = { LOVAGE_URL: server.url };
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

const lovage = (...args: string[]) => start(process.execPath, [LAUNCHER, ...args], env).ended;

async function call(...args: string[]): Promise<string> {
  return (await lovage("call", "process_data", "-a", '["x"]', ...args)).stdout.trim();
}

/** The lines of the last screen that was drawn. */
function screenIn({ stdout }: Pick<Ended, "stdout">): string[] {
  const frame = stdout.split("\x1b[H").at(-1) ?? "";
  return (frame.split("\x1b[J")[0] ?? "")
    .split("\n")
    .map((line) => stripVTControlCharacters(line).replaceAll("\r", ""));
}

/** The full-screen view, when it is there. */
async function events(command = `exec ${COMMAND} events`): Promise<Running> {
  const running = onTerminal(command, env);
  await running.said("q quit");
  return running;
}

describe.skipIf(!hasTerminals)("on a terminal (skipped: there is no /usr/bin/script)", () => {
  it("events shows tasks as they change, and leaves the terminal as it was", async () => {
    const before = await call("--wait").then(() => call());
    const running = await events();
    const id = await call("--queue", "emails");
    await running.said(id);
    await running.said("SUCCESS 3");
    running.type("q");
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout.endsWith(LEFT)).toBe(true);
    const screen = screenIn(ended);
    expect(screen).toHaveLength(24);
    expect(screen[0]).toMatch(/^ lovage events · http:.* · connected · \d+ events/);
    expect(screen[2]).toMatch(new RegExp(`^${id} process_data +SUCCESS +emails`));
    expect(screen.join("\n")).toContain(before);
    // State in its colour.
    expect(ended.stdout).toContain("\x1b[32mSUCCESS");
  });

  it("a task is chosen, looked at and revoked by keys", async () => {
    const id = await call("--countdown", "600");
    const newer = await call("--countdown", "601");
    const running = await events();
    await running.said(newer);
    running.type("j");
    running.type("i");
    await running.said(`info of process_data ${id}`);
    await running.said('{"data":"x"}');
    running.type("q");
    running.type("c");
    await running.said(`Revoke process_data ${id}?`);
    running.type("y");
    await running.said(`process_data ${id} is REVOKED.`);
    running.type("q");
    expect((await running.ended).code).toBe(0);
    expect((await lovage("task", newer)).stdout).toMatch(/^state +PENDING$/m);
    await lovage("revoke", newer);
  });

  it("a rate limit is set by keys, and a wrong one is refused on the screen", async () => {
    await call("--wait");
    const running = await events();
    running.type("L");
    await running.said("Rate limit of process_data");
    running.type("fast\r");
    await running.said("rate_limit: ");
    running.type("L500/s\r");
    await running.said("new rate limit set successfully");
    running.type("q");
    await running.ended;
    expect((await lovage("inspect", "registered")).stdout).toContain("[rate_limit=500/s]");
    await lovage("control", "rate_limit", "process_data", "default");
  });

  it("it follows the terminal's size", async () => {
    const go = join(state, "resize");
    const running = await events(
      `(until [ -e '${go}' ]; do sleep 0.05; done; stty rows 12 cols 70 </dev/tty) & exec ${COMMAND} events`,
    );
    await call();
    writeFileSync(go, "");
    // The rule across the screen, in its new width.
    await running.said(`\x1b[2m${"─".repeat(70)}\x1b[22m`);
    running.type("q");
    const screen = screenIn(await running.ended);
    expect(screen).toHaveLength(12);
    expect(Math.max(...screen.map((line) => line.length))).toBeLessThanOrEqual(70);
  });

  it("Ctrl-C ends with 130, and the terminal is as it was", async () => {
    const running = await events();
    running.type("\x03");
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout.endsWith(LEFT)).toBe(true);
  });

  it("killed by SIGTERM the terminal is as it was", async () => {
    const file = join(state, "pid");
    const running = await events(
      `sh -c "echo \\$\\$ > '${file}'; exec ${COMMAND} events"; echo "ended with $?"; stty -a`,
    );
    process.kill(Number(readFileSync(file, "utf8")), "SIGTERM");
    const { stdout } = await running.ended;
    expect(stdout).toContain(`${LEFT}ended with 143`);
    expect(stdout).toMatch(/[^-]icanon/);
  });

  it("a deployment that goes away is waited for", async () => {
    const running = await events();
    await server?.kill();
    await running.said("connection lost");
    server = await LocalServer.start({ port: 9_152, config: "wrangler.toml", state });
    const id = await call();
    await running.said(id);
    running.type("q");
    expect((await running.ended).code).toBe(0);
  });

  it("purge asks as celery does, and does nothing without a yes", async () => {
    const id = await call("--countdown", "600", "--queue", "emails");
    const ask = async (answer: string) => {
      const running = onTerminal(`exec ${COMMAND} purge -Q emails`, env);
      await running.said("Are you sure you want to delete all tasks?");
      running.type(answer);
      return running.ended;
    };
    const no = await ask("n\r");
    expect(no.code).toBe(1);
    expect(no.stdout).toContain("Aborted!");
    expect((await lovage("task", id)).stdout).toMatch(/^state +PENDING$/m);
    expect((await ask("\x03")).code).toBe(130);
    const yes = await ask("y\r");
    expect(yes.code).toBe(0);
    expect(yes.stdout).toContain("from 1 known task queue.");
  });

  it("long work shows how far it is, and leaves no trace of that", async () => {
    const { stdout, code } = await onTerminal(`exec ${COMMAND} backup create`, env).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\rBacking up [█░]{30} /);
    expect(stdout).toContain(`\r${CLEAR}2`);
  });

  it("there are colours on a terminal, none with NO_COLOR or --no-color", async () => {
    const print = async (args: string, more = {}) =>
      (await onTerminal(`exec ${COMMAND} ${args}`, { ...env, ...more }).ended).stdout;
    expect(await print("status")).toContain(COLOUR);
    expect(await print("status", { NO_COLOR: "1" })).not.toContain(COLOUR);
    expect(await print("status --no-color")).not.toContain(COLOUR);
    expect((await lovage("status")).stdout).not.toContain(COLOUR);
  });
});

describe("completion", () => {
  /** What bash would offer behind these words. */
  async function offered(...words: string[]): Promise<string[]> {
    const { stdout: script } = await lovage("completion", "bash");
    const list = words.map((word) => `'${word}'`).join(" ");
    const ask = `${script}\nCOMP_WORDS=(lovage ${list}); COMP_CWORD=${words.length}; _lovage; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await start("bash", ["--norc", "-c", ask], env).ended;
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  }

  it.each([
    [["st"], ["status"]],
    [
      ["inspect", "re"],
      ["registered", "report", "reserved", "revoked"],
    ],
    [["call", "x", "--q"], ["--queue"]],
    [
      ["beat", "create", "x", "y", "--overlap", ""],
      ["allow", "skip", "queue"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh"],
    ],
    [["call", "--countdown", ""], [""]],
  ])("bash offers for %j: %j", async (words, wanted) => {
    expect(await offered(...words)).toEqual(wanted);
  });

  it("names of tasks, queues and schedules are the deployment's", async () => {
    expect(await offered("call", "process_d")).toEqual(["process_data"]);
    expect(await offered("purge", "-Q", "em")).toEqual(["emails"]);
    expect(await offered("beat", "show", "backup")).toEqual(["backup_database"]);
  });

  it("without a deployment there are no names, and nothing is said", async () => {
    const gone = { LOVAGE_URL: "http://127.0.0.1:9159" };
    const asked = start(process.execPath, [LAUNCHER, "names", "queues"], gone);
    expect(await asked.ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  const zsh = ["/bin/zsh", "/usr/bin/zsh"].find(existsSync);
  it.skipIf(zsh === undefined)("zsh offers the same (skipped: there is no zsh)", async () => {
    const { stdout: script } = await lovage("completion", "zsh");
    const ask = `compdef() {}; compadd() { shift; print -r -- $* }; _files() {}\n${script}\nwords=(lovage inspect ''); CURRENT=3; _lovage`;
    const { stdout } = await start(zsh ?? "", ["-f", "-c", ask], env).ended;
    expect(stdout).toMatch(/^active active_queues conf ping/);
  });
});
