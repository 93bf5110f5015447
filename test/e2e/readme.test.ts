import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";

const PORT = 8_792;
const state = mkdtempSync(join(tmpdir(), "lovage-readme-"));
let server: LocalServer | null = null;

beforeAll(async () => {
  server = await LocalServer.start({ port: PORT, config: "wrangler.toml", state });
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

/** The blocks of commands that need a running server, each with the answer printed below it, if any. */
function readBlocks(): { commands: string; answer: string | null }[] {
  const readme = ["README.md", "SHOP.md", "examples/curl.md"]
    .map((page) => readFileSync(page, "utf8"))
    .join("\n");
  const blocks = readme.matchAll(/```sh\n(?<commands>.*?)```(?:\s*```json\n(?<answer>.*?)```)?/gs);
  return Array.from(blocks, ({ groups }) => ({
    commands: groups?.["commands"] ?? "",
    answer: groups?.["answer"] ?? null,
  })).filter(({ commands }) => commands.includes("http://localhost:8787"));
}

/** In the page, "…" stands for what differs each time. */
function matching(expected: unknown): unknown {
  if (expected === "…") return expect.any(String);
  if (Array.isArray(expected)) return expected.map(matching);
  if (expected === null || typeof expected !== "object") return expected;
  return Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, matching(value)]));
}

async function run(commands: string): Promise<string> {
  const script = commands.replaceAll("http://localhost:8787", `http://127.0.0.1:${PORT}`);
  const { stdout } = await promisify(execFile)("bash", ["-euc", script]);
  return stdout;
}

it("the commands of README, SHOP and examples/curl.md do what they say, in their order", async () => {
  const blocks = readBlocks();
  expect(blocks.length).toBeGreaterThanOrEqual(5);
  for (const { commands, answer } of blocks) {
    const expected: unknown = answer === null ? expect.anything() : matching(JSON.parse(answer));
    const print = async (): Promise<unknown> => {
      const printed = await run(commands);
      return answer === null ? printed : JSON.parse(printed);
    };
    // What only reads may be asked again: "a moment later" it says what the page says.
    if (commands.includes("-X POST")) expect(await print()).toEqual(expected);
    else await expect.poll(print, { timeout: 20_000, interval: 200 }).toEqual(expected);
  }
});

it("the stream of states ends with the task", async () => {
  const [stream] = readBlocks().filter(({ commands }) => commands.includes("/events/"));
  const printed = await run(stream?.commands ?? "");
  const states = Array.from(printed.matchAll(/"state":"(\w+)"/g), ([, name]) => name);
  expect(states).toEqual(["PENDING", "STARTED", "SUCCESS"]);
});
