import { expect, it } from "vitest";
import { DeploymentSearch } from "#platform/history/deployment-search.ts";
import type { HistorySearch } from "#platform/history/search.ts";
import { Rig } from "./rig.ts";

it("a search that finds little reads a bounded number of rows a page, and misses nothing", async () => {
  const rig = new Rig();
  const specs = Array.from({ length: 12_000 }, (_, n) =>
    rig.spec({
      name: n % 4_000 === 0 ? "rare" : "common",
      dueAt: n % 2 === 0 ? rig.now + 9_000 : null,
    }),
  );
  await rig.ledger.submit(specs);
  let reads = 0;
  const shard = {
    find: async (...args: Parameters<typeof rig.ledger.questions.find>) => {
      reads += 1;
      return rig.ledger.questions.find(...args);
    },
  };
  const empty = { find: async () => ({ tasks: [], next: null }) } as unknown as HistorySearch;
  const search = new DeploymentSearch(() => [shard], empty);
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await search.search({ name: "rare" }, 10, cursor);
    found.push(...page.tasks.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== null);
  const rare = specs.filter(({ name }) => name === "rare").map(({ id }) => id);
  expect(found).toEqual(rare.toSorted().toReversed());
  // Three pages of minted ids, and one of those that were derived from keys.
  expect(reads).toBeGreaterThan(2);
  expect(reads).toBeLessThan(6);
});
