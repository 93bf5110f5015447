import { expect, it } from "vitest";
import { isTerminal, Lovage, type FinishedTask, type Signature } from "#engine";
import { testSettings } from "../../src/testing/settings.ts";
import {
  canvasTasks,
  drawCanvas,
  evaluate,
  toSignature,
  type Expected,
  type Services,
} from "./canvases.ts";
import { Deployment, NO_DEPLOYMENT_FAULTS, type DeploymentFaults } from "./deployment.ts";

/** Two shards, so that the members of one canvas could go astray. */
const SHARDS = 2;

function deploy(seed: number, faults: DeploymentFaults) {
  const deployment = new Deployment<Services>(canvasTasks, {
    seed,
    shards: SHARDS,
    services: (world) => ({ world }),
    faults,
  });
  const lovage = new Lovage({
    registry: deployment.registry,
    submitter: {
      submit: (specs) => deployment.shardOf(specs[0]?.id ?? "").ledger.submit(specs),
    },
    settings: testSettings(SHARDS),
    clock: deployment.world,
    random: deployment.world,
    owner: "o",
  });
  return { deployment, lovage };
}

/** Runs a drawn canvas. @returns its end, those of all its tasks by label, and what has to come of it */
async function run(seed: number, faults: DeploymentFaults) {
  const { deployment, lovage } = deploy(seed, NO_DEPLOYMENT_FAULTS);
  const { world } = deployment;
  const root = drawCanvas(world, world.between(2, 5), world.chance(0.5) ? 0 : 0.15);
  const { taskId } = await lovage.send(toSignature(root) as Signature);
  deployment.faults = faults;
  await deployment.pass(120_000);
  deployment.faults = NO_DEPLOYMENT_FAULTS;
  await deployment.pass(3_600_000);
  const tasks = new Map<string, FinishedTask[]>();
  for (const task of deployment.history.values()) {
    const { label } = JSON.parse(task.kwargs) as { label?: string };
    if (label !== undefined) tasks.set(label, [...(tasks.get(label) ?? []), task]);
  }
  return { canvas: deployment.history.get(taskId), tasks, expected: evaluate(root), deployment };
}

function check(
  {
    canvas,
    tasks,
    expected,
  }: { canvas?: FinishedTask | undefined; tasks: Map<string, FinishedTask[]>; expected: Expected },
  seed: number,
) {
  const at = `seed ${seed}`;
  if ("value" in expected.end) {
    expect(canvas?.state, at).toBe("SUCCESS");
    expect(masked(JSON.parse(canvas?.result ?? "null")), at).toEqual(expected.end.value);
  } else {
    expect(canvas?.state, at).toBe(expected.end.failed);
    expect(canvas?.error?.exc_message, at).not.toBe("");
  }
  const seen = [...tasks].map(([label, all]) => [label, all.map(({ state }) => state)] as const);
  const wanted = [...expected.states].map(([label, state]) => [label, [state]] as const);
  expect(sorted(seen), at).toEqual(sorted(wanted));
  for (const [label, input] of expected.inputs) {
    const [task] = tasks.get(label) ?? [];
    expect(masked((JSON.parse(task?.kwargs ?? "{}") as { input: unknown }).input), at).toEqual(
      input,
    );
  }
  for (const undos of expected.undos) {
    const times = undos.map((undo) => tasks.get(undo)?.[0]?.submittedAt ?? 0);
    expect(times, at).toEqual(times.toSorted((a, b) => a - b));
  }
}

/** Collected errors carry ids, which the evaluator doesn't know. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  return typeof value === "object" && value !== null && "error" in value ? "an error" : value;
}

function sorted<T>(pairs: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** What is left in the tables of a ledger. */
function leftovers(deployment: Deployment<Services>): number[] {
  for (const { ledger } of deployment.shards) ledger.stats();
  return deployment.shards.flatMap(({ sql }) =>
    ["tasks", "canvas_parts", "canvas_members", "canvas_values"].map((table) => {
      const [row] = [...sql.exec<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)];
      return row?.count ?? -1;
    }),
  );
}

it("random canvases of five levels end as they have to, every task and callback once", async () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const ran = await run(seed, NO_DEPLOYMENT_FAULTS);
    check(ran, seed);
    expect(leftovers(ran.deployment), `seed ${seed}`).toEqual(Array(4 * SHARDS).fill(0));
  }
});

it("and so they do with lost consumers, evicted ledgers, and lost and doubled doorbells, D1 down", async () => {
  const faults = {
    ...NO_DEPLOYMENT_FAULTS,
    consumerDies: 0.05,
    ledgerDies: 0.3,
    bellLost: 0.3,
    bellDoubled: 0.3,
    historyFails: 0.5,
  };
  let lost = 0;
  for (let seed = 1_001; seed <= 2_000; seed += 1) {
    const ran = await run(seed, faults);
    expect(ran.canvas !== undefined && isTerminal(ran.canvas.state), `seed ${seed}`).toBe(true);
    // Lost three times while it ran alone: what the handler would have done nobody knows.
    const ends = [...ran.deployment.history.values()];
    if (ends.some(({ error }) => error?.exc_message.includes("The consumer was lost") === true)) {
      lost += 1;
      continue;
    }
    check(ran, seed);
    expect(leftovers(ran.deployment), `seed ${seed}`).toEqual(Array(4 * SHARDS).fill(0));
  }
  expect(lost).toBeLessThan(20);
});

it.each(["revoked", "terminated", "past its deadline"])(
  "a canvas that is %s settles: nothing new starts but undos, nothing runs twice",
  async (how) => {
    for (let seed = 3_001; seed <= 3_150; seed += 1) {
      const at = `seed ${seed}`;
      const { deployment, lovage } = deploy(seed, NO_DEPLOYMENT_FAULTS);
      const { world } = deployment;
      const root = drawCanvas(world, 5, 0.05);
      const stopAfter = world.between(0, 400);
      const signature = toSignature(root) as Signature;
      const expires = how === "past its deadline" ? stopAfter / 1_000 : undefined;
      const options = { ...signature.options, ...(expires !== undefined && { expires }) };
      const { taskId } = await lovage.send({ ...signature, options });
      await deployment.pass(stopAfter);
      if (expires === undefined) {
        deployment.shardOf(taskId).ledger.revoke(taskId, how === "terminated");
      }
      const stoppedAt = world.now();
      deployment.faults = { ...NO_DEPLOYMENT_FAULTS, consumerDies: 0.02, ledgerDies: 0.3 };
      await deployment.pass(3_600_000);
      const canvas = deployment.history.get(taskId);
      expect(canvas !== undefined && isTerminal(canvas.state), at).toBe(true);
      const { end } = evaluate(root);
      const natural = "value" in end ? "SUCCESS" : end.failed;
      expect(["REVOKED", natural], at).toContain(canvas?.state);
      expect(leftovers(deployment), at).toEqual(Array(4 * SHARDS).fill(0));
      const labels = [...deployment.history.values()]
        .map(({ kwargs }) => (JSON.parse(kwargs) as { label?: string }).label)
        .filter((label) => label !== undefined);
      expect(labels.length, at).toBe(new Set(labels).size);
      if (canvas?.state !== "REVOKED") continue;
      // An alarm, and what was on its way.
      const late = deployment.starts.filter(({ at: start }) => start > stoppedAt + 2_000);
      const names = new Set(late.map(({ name }) => name));
      names.delete("note");
      const again = late.filter(({ id }) => (deployment.history.get(id)?.attempts.length ?? 0) > 1);
      expect(names.size === 0 || again.length > 0, `${at}: ${[...names].join()}`).toBe(true);
    }
  },
);
