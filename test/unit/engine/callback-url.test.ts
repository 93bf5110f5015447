import { expect, it } from "vitest";
import * as z from "zod";
import {
  chain,
  compileRoutes,
  createTaskDefiner,
  group,
  importIdSecret,
  InvalidOptionError,
  Lovage,
  map,
  Registry,
  secret,
  shardOf,
  type CallbackTo,
  type Signature,
  type TaskRecord,
  type TaskSpec,
} from "#engine";

const define = createTaskDefiner<null>();
const work = define({ name: "work", params: z.object({ n: z.number() }), handler: ({ n }) => n });
const tell = define({
  name: "tell",
  params: z.object({ task_id: z.string(), url: secret(z.string()) }),
  queue: "calls",
  handler: () => null,
});
const callbackTo: CallbackTo = (url) => {
  if (url === "bad") throw new InvalidOptionError("callbackUrl", "is bad.");
  return { host: "host", call: tell.s({ url }) };
};
const callbackUrl = "https://host/path";

function client(settings: { callbackTo?: CallbackTo } = { callbackTo }) {
  let byte = 0;
  return new Lovage({
    registry: new Registry<null>([work, tell]),
    submitter: { submit: async (tasks) => tasks.map(() => "accepted") },
    settings: {
      shards: 4,
      routeOf: compileRoutes([], new Set(["default"])),
      queues: new Set(["default", "calls"]),
      idSecret: importIdSecret("s".repeat(32)),
      ...settings,
    },
    clock: { now: () => 1_800_000_000_000 },
    random: { float: () => 0.6, bytes: (length) => new Uint8Array(length).fill((byte += 1)) },
    owner: "shop",
  });
}

async function prepared(call: Signature, lovage = client()): Promise<TaskSpec> {
  const [spec] = await lovage.prepare([call]);
  if (spec === undefined) throw new Error("There is no spec.");
  return spec;
}

async function faultOf(call: Signature, lovage = client()) {
  try {
    await lovage.prepare([call]);
  } catch (error) {
    const { message, path, field } = error as { message: string; path?: string; field?: string };
    return { message, path, field };
  }
  throw new Error("It is taken.");
}

it("a call carries the task that will tell of its end, which takes its id", async () => {
  const { id, options } = await prepared(work.s({ n: 1 }, { callbackUrl }));
  const { callback, ...rest } = options;
  expect(rest).toEqual({});
  expect(callback?.host).toBe("host");
  expect(callback?.id).not.toBe(id);
  expect(shardOf(callback?.id ?? "")).toBe(shardOf(id));
  expect(callback?.plan.nodes).toEqual([
    {
      kind: "task",
      parent: -1,
      call: {
        ...{ name: "tell", queue: "calls", priority: 0, into: "task_id", key: null },
        kwargs: expect.stringContaining("$secret"),
        options: { tells_end: true },
      },
    },
  ]);
});

it("so does a canvas as a whole, and none of its members", async () => {
  const call = chain(work.s({ n: 1 }), group(work.si({ n: 2 }), work.si({ n: 3 })));
  const spec = await prepared({ ...call, options: { callbackUrl } });
  expect(spec.options.callback?.plan.nodes).toHaveLength(1);
  expect(JSON.stringify(spec.plan)).not.toMatch(/tell|host/);
});

const undoing = chain(work.s({ n: 1 }, { undo: work.s({}, { callbackUrl }) }), work.si({ n: 2 }));

it.each([
  ["a member", chain(work.s({ n: 1 }), work.si({ n: 1 }, { callbackUrl })), "tasks.1"],
  [
    "a group in a chain",
    chain(work.s({ n: 1 }), { ...group(work.si({ n: 1 })), options: { callbackUrl } }),
    "tasks.1",
  ],
  ["a callback", work.s({ n: 1 }, { link: [work.s({}, { callbackUrl })] }), "link.0"],
  [
    "an errback",
    work.s({ n: 1 }, { linkError: [work.si({ n: 1 }, { callbackUrl })] }),
    "linkError.0",
  ],
  ["an undo", undoing, "tasks.0.undo"],
  ["what a map calls", map(work.s({}, { callbackUrl }), [1]), undefined],
] as [string, Signature, string | undefined][])(
  "%s can't have one, and the refusal says where",
  async (_what, call, path) => {
    const fault = await faultOf(call);
    expect(fault.message).toContain("callbackUrl: is for what is called by itself");
    expect(fault.path).toBe(path);
  },
);

it("a URL that may not be called is refused when it is given", async () => {
  expect(await faultOf(work.s({ n: 1 }, { callbackUrl: "bad" }))).toMatchObject({
    field: "callbackUrl",
    message: "callbackUrl: is bad.",
  });
});

it("a deployment without callbacks refuses all", async () => {
  expect(await faultOf(work.s({ n: 1 }, { callbackUrl }), client({}))).toMatchObject({
    field: "callbackUrl",
    message: "callbackUrl: callbacks are not configured.",
  });
});

it("under one key another URL is another call", async () => {
  const key = { route: "r", key: "k" };
  const lovage = client();
  const specs = [undefined, callbackUrl, callbackUrl, "https://host/other"].map((url) =>
    lovage.prepareKeyed(work.s({ n: 1 }, url === undefined ? {} : { callbackUrl: url }), key),
  );
  const [none, one, same, other] = (await Promise.all(specs)).map((spec) => spec.fingerprint);
  expect(one).toBe(same);
  expect(new Set([none, one, other]).size).toBe(3);
});

it("a replay tells nobody: whoever was to know has been told of the old one", async () => {
  const lovage = client();
  const spec = await prepared(work.s({ n: 1 }, { callbackUrl }), lovage);
  const replay = await lovage.prepareReplay(spec as unknown as TaskRecord, null);
  expect(replay.options).toEqual({ replay_of: spec.id, trace: spec.id.replaceAll("-", "") });
});
