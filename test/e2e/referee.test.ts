import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findingsText } from "../referee/report.ts";
import { CALM_MS } from "../referee/session.ts";
import { referee } from "../referee/rounds.ts";

const KILLS = 50;
/** A start takes two seconds, and several times that on a machine that is shared. */
const KILL_MS = 15_000;
/** A poisoned payment is killed four times, 30 s apart. */
const POISON_TIMEOUT_MS = 5 * 60_000;

const folder = mkdtempSync(join(tmpdir(), "lovage-referee-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it(
  "50 times kill -9 under load, and a disk that is a minute older: nothing lost, nothing doubled, nothing silent (G1, G2, G5, G7, G8, G9, G11, G12, G13, G14, G15, G16)",
  { timeout: KILLS * KILL_MS + POISON_TIMEOUT_MS + CALM_MS },
  async () => {
    const results = await referee({ port: 8_781, folder, seed: 1, kills: KILLS });
    const { findings } = results;
    expect(
      findings.filter(({ broken }) => broken > 0),
      findingsText(findings),
    ).toEqual([]);
    // Every kind of thing that could have been broken was there.
    expect(findings.filter(({ of }) => of === 0)).toEqual([]);
    expect(results).toMatchObject({ kills: KILLS, brought_back: 1 });
    expect(results.dead_letters_replayed).toBeGreaterThan(0);
  },
);
