import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { LAUNCHER } from "./lovage.ts";

const PORT = 8_797;
const state = mkdtempSync(join(tmpdir(), "lovage-runbooks-"));
let server: LocalServer | null = null;

beforeAll(async () => {
  server = await LocalServer.start({ port: PORT, config: "wrangler.toml", state });
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

/** The blocks of a page, in its order. What stands in its sentences is for a deployment, or has an id in it. */
function readBlocks(): string[] {
  const page = readFileSync("RUNBOOKS.md", "utf8");
  return Array.from(page.matchAll(/```sh\n(?<commands>.*?)```/gs), ({ groups }) =>
    String(groups?.["commands"]),
  );
}

it("every block of commands in RUNBOOKS.md works as it stands", async () => {
  const blocks = readBlocks();
  expect(blocks.length).toBeGreaterThan(10);
  const settings = (blocks[0] ?? "").replace("http://localhost:8787", server?.url ?? "");
  for (const block of blocks.slice(1)) {
    const script = `lovage() { "${process.execPath}" "${LAUNCHER}" "$@"; }\n${settings}\n${block}`;
    const commands = script.replaceAll("npx lovage", "lovage");
    const done = promisify(execFile)("bash", ["-euc", commands], { timeout: 60_000 });
    const { stdout } = await done.catch((error: unknown) => {
      throw new Error(`This block fails:\n${block}`, { cause: error });
    });
    expect(stdout, block).not.toBe("");
  }
});
