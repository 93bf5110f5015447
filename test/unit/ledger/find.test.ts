import { expect, it } from "vitest";
import { DeploymentSearch } from "#platform/history/deployment-search.ts";
import type { HistorySearch } from "#platform/history/search.ts";
import { never } from "../../../src/testing/world.ts";
import { Rig, success } from "./rig.ts";

const empty = { find: async () => ({ tasks: [], next: null }) } as unknown as HistorySearch;

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

it.each(["newest", "oldest"] as const)(
  "a page of large tasks ends early, and the pages have each of them once: the %s first",
  async (order) => {
    const rig = new Rig({ history: { write: () => never(), fingerprints: async () => new Map() } });
    const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
    const specs = Array.from({ length: 60 }, (_, n) =>
      rig.spec({ kwargs, dueAt: n % 3 === 0 ? rig.now + 9_000 : null }),
    );
    await rig.ledger.submit(specs);
    // A third has ended, and D1 has none of them yet.
    const { tasks, token } = rig.claim(20);
    rig.claim(0, { settlements: tasks.map(({ id }) => success(id, token)) });
    const shard = {
      find: async (...args: Parameters<typeof rig.ledger.questions.find>) => {
        const page = rig.ledger.questions.find(...args);
        // An answer of more than 32 MiB would not get through, and a character may take two bytes.
        expect(JSON.stringify(page).length).toBeLessThan(4_000_000);
        return page;
      },
    };
    const search = new DeploymentSearch(() => [shard], empty);
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await search.search({ order }, 200, cursor);
      found.push(...page.tasks.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    const ids = specs.map(({ id }) => id).toSorted();
    expect(found).toEqual(order === "oldest" ? ids : ids.toReversed());
  },
);

it.each(["active", "reserved", "scheduled"] as const)(
  "a list of large %s tasks has the first of them, as many as fit into an answer",
  async (kind) => {
    const rig = new Rig();
    const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
    const later = kind === "scheduled" && { dueAt: rig.now + 9_000 };
    const specs = Array.from({ length: 30 }, () => rig.spec({ kwargs, ...later }));
    specs.sort((a, b) => (a.id < b.id ? -1 : 1));
    await rig.ledger.submit(specs);
    if (kind === "active") rig.claim(30);
    const found = rig.ledger.questions.list(kind, 1_000).map(({ id }) => id);
    expect(found.length).toBeGreaterThan(3);
    expect(found.length).toBeLessThan(10);
    expect(found).toEqual(specs.slice(0, found.length).map(({ id }) => id));
  },
);

it("members of a canvas that are large come by few, those that live and those that have ended", async () => {
  const rig = new Rig();
  const kwargs = JSON.stringify({ text: "x".repeat(250_000) });
  const specs = Array.from({ length: 30 }, () => rig.spec({ kwargs }));
  await rig.ledger.submit(specs);
  const { tasks, token } = rig.claim(20);
  const ended = tasks.slice(0, 10).map(({ id }) => success(id, token));
  rig.claim(0, { settlements: ended });
  const range = { from: "0", to: "g" };
  const found: string[] = [];
  for (let from: string | null = range.from; from !== null;) {
    const { page, states } = rig.ledger.questions.members(range, { ...range, from });
    expect(page.tasks.length).toBeLessThan(10);
    expect(states).toHaveLength(30);
    found.push(...page.tasks.map(({ id }) => id));
    from = page.next && `${page.next}!`;
  }
  expect(found).toEqual(specs.map(({ id }) => id).toSorted());
});
