import { expect, it } from "vitest";
import * as z from "zod";
import { chain, chord, createTaskDefiner, group, withOptions, type Signature } from "#engine";
import { createTestLovage } from "#testing";

interface Services {
  /** Of what was told, each time: the id, and the state that it had then. */
  readonly told: string[];
}

const define = createTaskDefiner<Services>();
const work = define({ name: "work", params: z.object({ n: z.number() }), handler: ({ n }) => n });
const sum = define({
  name: "sum",
  params: z.object({ numbers: z.array(z.number()) }),
  handler: ({ numbers }) => numbers.reduce((all, one) => all + one, 0),
});
const fail = define({
  name: "fail",
  params: z.object({}),
  handler: () => {
    throw new TypeError("boom");
  },
});
const become = define({
  name: "become",
  params: z.object({ fails: z.boolean() }),
  handler: ({ fails }, ctx): number =>
    ctx.replace(fails ? chain(work.s({ n: 1 }), fail.si({})) : group(work.s({ n: 1 }))),
});
const tell = define({
  name: "tell",
  params: z.object({ task_id: z.string(), url: z.string() }),
  handler: ({ task_id: id, url }, { services }) => void services.told.push(`${id} ${url}`),
});

const members = [work.s({ n: 1 }), work.s({ n: 2 })];
const later = { countdown: 3_600 };

it.each([
  ["chain", chain(work.s({ n: 1 }), work.si({ n: 2 })), "SUCCESS"],
  ["group", group(...members), "SUCCESS"],
  ["chord", chord(members, sum.s({})), "SUCCESS"],
  ["canvas in a canvas", group(chord(members, sum.s({})), chain(...[work.s({ n: 1 })])), "SUCCESS"],
  ["chain that fails", chain(fail.s({}), work.si({ n: 1 })), "FAILURE"],
  ["chord that fails", chord([fail.s({}), work.s({ n: 1 })], work.si({ n: 1 })), "FAILURE"],
  ["group of none", group(), "SUCCESS"],
  ["task that becomes a canvas", become.s({ fails: false }), "SUCCESS"],
  ["task that becomes a canvas that fails", become.s({ fails: true }), "FAILURE"],
] as [string, Signature, string][])(
  "a %s is told of as a whole, once",
  async (_what, call, state) => {
    const { lovage, told } = deployment();
    const { taskId } = await lovage.lovage.send(withOptions(call, { callbackUrl: "url" }));
    await lovage.runDue();
    expect(lovage.task(taskId)?.state).toBe(state);
    expect(told).toEqual([`${taskId} url`]);
  },
);

it("a canvas that is called off is told of, once, when all of it has ended", async () => {
  const { lovage, told } = deployment();
  const call = chain(work.s({ n: 1 }), work.si({ n: 2 }, later));
  const { taskId } = await lovage.lovage.send(withOptions(call, { callbackUrl: "url" }));
  await lovage.runDue();
  expect(told).toEqual([]);
  lovage.revoke(taskId);
  await lovage.runDue();
  expect(lovage.task(taskId)?.state).toBe("REVOKED");
  expect(told).toEqual([`${taskId} url`]);
});

it("a canvas whose deadline passes is told of", async () => {
  const { lovage, told } = deployment();
  const call = chain(work.s({ n: 1 }), work.si({ n: 2 }, later));
  const options = { callbackUrl: "url", expires: 60 };
  const { taskId } = await lovage.lovage.send(withOptions(call, options));
  await lovage.advance({ minutes: 2 });
  expect(lovage.task(taskId)?.state).toBe("REVOKED");
  expect(told).toEqual([`${taskId} url`]);
});

function deployment() {
  const told: string[] = [];
  const lovage = createTestLovage<Services>({
    tasks: [work, sum, fail, become, tell],
    services: { told },
    callbackTo: (url) => ({ host: "host", call: tell.s({ url }) }),
  });
  return { lovage, told };
}
