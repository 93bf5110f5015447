import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";

const PORT = 9_141;
const FOLDER = join(import.meta.dirname, "../../examples/django");
const SECRET = `whsec_${Buffer.from("the secret of Django's callbacks").toString("base64")}`;

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("No python3 here: the example for Django is skipped.");

const state = mkdtempSync(join(tmpdir(), "lovage-examples-"));
let server: LocalServer | null = null;

describe.skipIf(!hasPython)("the example for Django", () => {
  beforeAll(async () => {
    const vars = {
      CALLBACK_HOSTS: "127.0.0.1",
      CALLBACK_LOCAL: "true",
      CALLBACK_SECRET: SECRET,
    };
    server = await LocalServer.start({ port: PORT, config: "wrangler.toml", state, vars });
  });

  afterAll(async () => {
    await server?.kill();
    rmSync(state, { recursive: true, force: true });
  });

  it("calls tasks, reads their results, and tells callbacks from forgeries", async () => {
    const env = {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: "1",
      LOVAGE_URL: `http://127.0.0.1:${PORT}`,
      LOVAGE_CALLBACK_SECRETS: SECRET,
    };
    const run = promisify(execFile)("python3", ["-m", "unittest", "-v"], { cwd: FOLDER, env });
    // What the tests say of themselves, they say on the other stream.
    const { stderr } = await run;
    expect(stderr).toMatch(/Ran 6 tests[^]*\nOK\n$/);
  });

  it("is Python from end to end", () => {
    const check =
      "import ast, pathlib; [ast.parse(p.read_text()) for p in pathlib.Path('.').glob('*.py')]";
    expect(spawnSync("python3", ["-c", check], { cwd: FOLDER }).status).toBe(0);
  });
});
