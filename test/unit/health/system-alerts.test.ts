import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, type AgentReport, type SystemReport, type Usage } from "#engine";
import { SystemAlerts, type LastLook } from "#platform/health/system-alerts.ts";
import { createTestLovage } from "#testing";
import { MAX_ALERT_CHARACTERS } from "../../../src/domain/notifications/post-alert.ts";

const MINUTE = 60_000;
const tell = createTaskDefiner<null>()({
  name: "tell",
  params: z.object({ subject: z.string(), message: z.string() }),
  handler: () => null,
});

function agent(
  name: string,
  problem: string | null,
  problemSince: number | null = null,
): AgentReport {
  return { name, does: "…", lastRanAt: null, nextAt: null, problem, problemSince, note: null };
}

function rig(hasReaders = true) {
  const t = createTestLovage({ tasks: [tell], services: null, now: new Date("2030-01-01T12:00Z") });
  const state: { agents: AgentReport[]; usage: Usage[] } = { agents: [], usage: [] };
  let reports = 0;
  let kept: LastLook | undefined;
  const memory = {
    read: async () => kept,
    write: async (look: LastLook) => {
      kept = look;
    },
  };
  /** A look by an object that was just started: all it knows is what was kept. */
  const look = (from = memory) => alerts().run(from);
  const alerts = () =>
    new SystemAlerts({
      report: async (): Promise<SystemReport> => {
        reports += 1;
        return { at: 0, environment: "production", figures: [], findings: [], ...state };
      },
      lovage: t.lovage,
      message: (subject, message) => tell.s({ subject, message }),
      hasReaders: async () => hasReaders,
      clock: { now: () => t.now().getTime() },
    });
  return {
    ...{ t, state, look, reports: () => reports },
    /** Somebody else who looks, and knows nothing of the looks before. */
    strangerLooks: () => look({ read: async () => undefined, write: async () => undefined }),
    since: () => t.now().getTime(),
    sent: async () => {
      await t.runDue();
      return t.tasks().map(({ kwargs }) => (JSON.parse(kwargs) as { message: string }).message);
    },
  };
}

it("what is wrong for a moment mends itself", async () => {
  const { look, state, since, sent } = rig();
  state.agents = [agent("flusher 3", "It fails: away", since() - 9 * MINUTE)];
  await look();
  expect(await sent()).toEqual([]);
});

it("what is wrong for ten minutes is told once an hour, by whoever looks", async () => {
  const { t, look, strangerLooks, state, since, sent } = rig();
  state.agents = [
    agent("cron", null),
    agent("flusher 3", "It fails: away", since() - 10 * MINUTE),
    agent("beat", "It fails: new", since()),
  ];
  await look();
  // Another watchdog, or the cron trigger, looks in the same hour.
  await strangerLooks();
  expect(await sent()).toEqual(["flusher 3: It fails: away\n\nGET /api/system"]);
  await t.advance({ minutes: 70 });
  state.agents = [agent("flusher 3", "It fails: away", since() - 80 * MINUTE)];
  await look();
  expect(await sent()).toHaveLength(2);
});

it("what can't say since when counts from when it was first seen so", async () => {
  const { t, look, state, since, sent } = rig();
  const lookAtIt = async () => {
    state.agents = [agent("ledger 1", "It can't be reached just now.", since())];
    await look();
  };
  await lookAtIt();
  await t.advance({ minutes: 6 });
  await lookAtIt();
  expect(await sent()).toEqual([]);
  await t.advance({ minutes: 6 });
  await lookAtIt();
  expect(await sent()).toHaveLength(1);
});

it("what was well in between begins anew", async () => {
  const { t, look, state, since, sent } = rig();
  for (const isWrong of [true, false, true]) {
    state.agents = [agent("ledger 1", isWrong ? "It can't be reached just now." : null, since())];
    await look();
    await t.advance({ minutes: 6 });
  }
  expect(await sent()).toEqual([]);
});

it("it looks every five minutes, however often it is called", async () => {
  const { t, look, reports } = rig();
  for (let round = 0; round < 20; round += 1) {
    await look();
    await t.advance({ seconds: 30 });
  }
  expect(reports()).toBe(2);
});

it("what was wrong hours ago and nobody has looked at since begins anew", async () => {
  const { t, look, state, since, sent } = rig();
  for (const hours of [3, 0]) {
    state.agents = [agent("ledger 1", "It can't be reached just now.", since())];
    await look();
    await t.advance({ hours });
  }
  expect(await sent()).toEqual([]);
});

it("a look of a clock that was far ahead doesn't stop the next ones", async () => {
  const { look, reports } = rig();
  await look({
    read: async () => ({ at: Date.parse("2031-01-01T00:00Z"), seenAt: {} }),
    write: async () => undefined,
  });
  expect(reports()).toBe(1);
});

it("a database that is nearly full is told", async () => {
  const { look, state, sent } = rig();
  state.usage = [
    { name: "D1", used: 91, limit: 100, unit: "bytes" },
    { name: "ledger 0", used: 89, limit: 100, unit: "bytes" },
  ];
  await look();
  expect(await sent()).toEqual(["D1: 91 of 100 bytes are used.\n\nGET /api/system"]);
});

it("without readers there is no message", async () => {
  const { look, state, sent } = rig(false);
  state.agents = [agent("cron", "gone", 0)];
  await look();
  expect(await sent()).toEqual([]);
});

it("however much is wrong, the message is not longer than one may be", async () => {
  const { look, state, since, sent } = rig();
  const failing = `It fails: ${"x".repeat(300)}`;
  state.agents = Array.from({ length: 256 }, (_, shard) =>
    agent(`flusher ${shard}`, failing, since() - 10 * MINUTE),
  );
  await look();
  const [message = ""] = await sent();
  expect(message.length).toBeLessThanOrEqual(MAX_ALERT_CHARACTERS);
  expect(message).toMatch(/^flusher 0: It fails/);
  expect(message).toMatch(/\n… and 206 more\.\n\nGET \/api\/system$/);
});
