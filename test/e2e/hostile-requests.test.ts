import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalServer } from "../../scripts/local-server.ts";
import { FuzzSession } from "../fuzz/session.ts";

const SEED = 20_261_121;
/** Most are sent inside the runtime, by test/workerd/fuzz.test.ts; these go over the wire. */
const REQUESTS = 1_000;
/** A slow machine sends fewer. */
const AT_MOST_MS = 10_000;
const FEWEST = 400;

const state = mkdtempSync(join(tmpdir(), "lovage-fuzz-"));
let server: LocalServer | null = null;

beforeAll(async () => {
  server = await LocalServer.start({ port: 9_114, config: "wrangler.toml", state });
});

afterAll(async () => {
  await server?.kill();
  rmSync(state, { recursive: true, force: true });
});

it("whatever is sent, every answer is one that the OpenAPI document declares", async () => {
  const session = await FuzzSession.open(server?.url ?? "");
  const { sent, faults, done, statuses } = await session.run(REQUESTS, SEED, AT_MOST_MS);
  expect(faults).toEqual([]);
  expect(sent).toBeGreaterThanOrEqual(FEWEST);
  // Not all of it was refused.
  expect(done.size).toBeGreaterThan(40);
  expect(statuses[422]).toBeGreaterThan(20);
});
