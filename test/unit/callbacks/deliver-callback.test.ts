import { expect, it } from "vitest";
import {
  Registry,
  SoftTimeLimitExceeded,
  type Attempt,
  type ClaimedTask,
  type TaskContext,
  type TaskRecord,
} from "#engine";
import {
  createCallbackTo,
  deliverCallback,
  type CallbackAnswer,
  type CallbackMessage,
  type CallbackRules,
} from "#domain/callbacks";
import type { ShopServices } from "../../../src/domain/index.ts";
import { noInput } from "../../no-large.ts";
import { runOnce } from "../engine/run-once.ts";

const RULES: CallbackRules = {
  hosts: ["hooks.example.com"],
  isLocalAllowed: false,
  publicUrl: "https://shop.example.com",
};
const URL_ = "https://hooks.example.com/path-token?query=token";
const ENDED = {
  ...{ id: "t", name: "resize", state: "SUCCESS", owner: "client", result: "1", error: null },
  ...{ options: {}, retries: 0, submittedAt: 0, attempts: [], finishedAt: 5 },
} as unknown as TaskRecord;

interface Case {
  readonly answer?: CallbackAnswer | Error;
  readonly task?: TaskRecord | null | Error | "unanswered";
  readonly retries?: number;
  readonly rules?: CallbackRules;
  readonly id?: string;
  readonly signal?: AbortSignal;
}

/** One try at a delivery, and what it sent. */
async function deliver({
  answer = { status: 204, retryAfterSeconds: null },
  task = ENDED,
  retries = 0,
  rules = RULES,
  id = "01a1fe5b-1cf1-8002-b4d1-1298d69e0000",
  signal = new AbortController().signal,
}: Case = {}) {
  const sent: [url: string, message: CallbackMessage][] = [];
  const services = {
    clock: { now: () => 1_000 },
    publicUrl: RULES.publicUrl,
    callbacks: {
      rules,
      tasks: {
        get: async () => {
          if (task instanceof Error) throw task;
          if (task === "unanswered") return new Promise(() => undefined);
          return task;
        },
      },
      sender: {
        post: async (url: URL, message: CallbackMessage) => {
          sent.push([url.href, message]);
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
    },
  } as unknown as ShopServices;
  const registry = new Registry<ShopServices>([deliverCallback]);
  const kwargs = registry.bind("deliver_callback", [], { task_id: "t", url: URL_ });
  const claimed: ClaimedTask = {
    ...{ id, name: "deliver_callback", kwargs, owner: "client", options: {} },
    ...{ attempt: retries + 1, retries },
  };
  const { Retry } = await import("#engine");
  const ctx = {
    ...{ taskId: id, retries, services, lovage: { owner: "client" } },
    signal,
    retry: ({ countdown, cause }: { countdown: number; cause: unknown }) => {
      throw new Retry({ countdownSeconds: countdown, cause });
    },
  } as unknown as TaskContext<ShopServices>;
  const attempt: Attempt<ShopServices> = {
    ...{
      task: claimed,
      ctx,
      cut: new Promise<Error>(() => undefined),
      outlivedBy: () => undefined,
      added: [],
    },
    storeLarge: () => Promise.reject(new Error("none is large")),
    loadInput: noInput,
  };
  return { outcome: await runOnce(registry, attempt, 0), sent };
}

const status = (code: number, retryAfterSeconds: number | null = null) => ({
  answer: { status: code, retryAfterSeconds },
});

it.each([200, 201, 204, 299])("an answer of %i is a delivery", async (code) => {
  const { outcome, sent } = await deliver(status(code));
  const result = JSON.stringify({ host: "hooks.example.com", status: code });
  expect(outcome).toMatchObject({ kind: "success", result });
  expect(sent).toHaveLength(1);
  expect(sent[0]?.[0]).toBe(URL_);
});

it.each([301, 302, 307, 308, 400, 401, 404, 429, 500, 503])(
  "an answer of %i is tried again, and says no more than the host and the status",
  async (code) => {
    expect((await deliver(status(code))).outcome).toMatchObject({
      kind: "retry",
      delayMs: 5_000,
      error: {
        exc_type: "CallbackFailedError",
        exc_message: `hooks.example.com answered ${code}.`,
      },
    });
  },
);

it.each([
  ["timeout", "hooks.example.com did not answer in time."],
  ["unreachable", "hooks.example.com could not be reached."],
] as const)("no answer (%s) is tried again", async (reason, message) => {
  const { outcome } = await deliver({ answer: { status: null, reason } });
  expect(outcome).toMatchObject({ kind: "retry", error: { exc_message: message } });
});

it("410 ends it for good", async () => {
  expect((await deliver(status(410))).outcome).toMatchObject({
    kind: "failure",
    error: { exc_type: "CallbackRefusedError" },
  });
});

it("the waits are those of Standard Webhooks; after ten tries it is a dead letter", async () => {
  const hours = 3_600;
  const waits = [
    5,
    300,
    1_800,
    2 * hours,
    5 * hours,
    10 * hours,
    14 * hours,
    20 * hours,
    24 * hours,
  ];
  for (const [retries, seconds] of waits.entries()) {
    const { outcome } = await deliver({ ...status(500), retries });
    expect(outcome).toMatchObject({ kind: "retry", delayMs: seconds * 1_000 });
  }
  expect((await deliver({ ...status(500), retries: 9 })).outcome).toMatchObject({
    kind: "failure",
    error: { exc_type: "CallbackFailedError" },
  });
});

it("waits differ from delivery to delivery, by a fifth at most", async () => {
  const id = "01a1fe5b-1cf1-8002-b4d1-1298d69effff";
  expect((await deliver({ ...status(500), id })).outcome).toMatchObject({ delayMs: 6_000 });
});

it.each([
  [429, 60, 60],
  [503, 60, 60],
  [503, 1, 5],
  [503, 10_000_000, 86_400],
  [500, 60, 5],
])("%i with Retry-After %i waits %i s", async (code, asked, waits) => {
  const { outcome } = await deliver(status(code, asked));
  expect(outcome).toMatchObject({ kind: "retry", delayMs: waits * 1_000 });
});

it("a host that is off the list by now is not called", async () => {
  const { outcome, sent } = await deliver({ rules: { ...RULES, hosts: ["other.example.com"] } });
  expect(outcome).toMatchObject({ kind: "failure", error: { exc_type: "CallbackRefusedError" } });
  expect(sent).toEqual([]);
});

it.each([
  ["is gone", null],
  ["is somebody else's", { ...ENDED, owner: "another" }],
  ["has not ended", { ...ENDED, state: "STARTED", finishedAt: null }],
] as [string, TaskRecord | null][])("nothing is told of a task that %s", async (_what, task) => {
  const { outcome, sent } = await deliver({ task });
  expect(outcome).toMatchObject({ kind: "failure", error: { exc_type: "CallbackRefusedError" } });
  expect(sent).toEqual([]);
});

it("that the task can't be read just now is tried again", async () => {
  const { outcome } = await deliver({ task: new Error("D1 is down") });
  expect(outcome).toMatchObject({ kind: "retry", delayMs: 5_000 });
});

it("every try says the same under the same id", async () => {
  const first = await deliver(status(500));
  const second = await deliver({ ...status(500), retries: 1 });
  expect(second.sent).toEqual(first.sent);
});

it("no outcome has anything of the URL but its host", async () => {
  const cases: Case[] = [
    ...[status(200), status(302), status(410), status(500)],
    { rules: { ...RULES, hosts: ["other.example.com"] } },
    { answer: new Error(`fetch ${URL_} failed`) },
  ];
  for (const each of cases) {
    const { outcome } = await deliver(each);
    expect(JSON.stringify(outcome)).not.toMatch(/token/);
  }
});

it("deliveries to one host share its places, whatever their paths", () => {
  const { keyOf, limits } = deliverCallback;
  expect(limits?.perKey.concurrency).toBe(2);
  const key = keyOf?.({ task_id: "t", url: URL_ });
  expect(key).toBe("hooks.example.com");
  expect(keyOf?.({ task_id: "u", url: "https://hooks.example.com/other" })).toBe(key);
  expect(keyOf?.({ task_id: "t", url: "nonsense" })).toBeNull();
});

it("what a call carries shows the host alone", () => {
  const { host, call } = createCallbackTo(RULES)(URL_);
  expect(host).toBe("hooks.example.com");
  expect(call).toMatchObject({ task: "deliver_callback", kwargs: { url: URL_ }, options: {} });
});

it("a ledger that doesn't say how the task ended costs a try, not the callback", async () => {
  const soon = AbortSignal.abort(new SoftTimeLimitExceeded(30));
  const { outcome, sent } = await deliver({ task: "unanswered", signal: soon });
  expect(outcome).toMatchObject({ kind: "retry", delayMs: 5_000 });
  expect(sent).toEqual([]);
  const { softTimeLimitSeconds, timeLimitSeconds } = deliverCallback;
  expect(softTimeLimitSeconds).toBeLessThan(timeLimitSeconds ?? 0);
});
