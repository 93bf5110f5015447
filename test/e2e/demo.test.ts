import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";

const state = mkdtempSync(join(tmpdir(), "lovage-demo-"));
let server: LocalServer | null = null;

beforeAll(async () => {
  server = await LocalServer.start({ port: 8_793, config: "wrangler.toml", state });
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

it("npm run demo walks through the whole shop, twice, and finds all as it should be", async () => {
  const env = { ...process.env, LOVAGE_URL: server?.url ?? "" };
  for (const _run of [1, 2]) {
    // It ends with 1, and this with an error, when anything it looks at is not right.
    const { stdout } = await promisify(execFile)("npm", ["run", "-s", "demo"], { env });
    expect(stdout).toContain("Everything came to its end, as promised.");
    expect(stdout).not.toContain("✗ mail");
  }
});
