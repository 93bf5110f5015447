import { expect, it } from "vitest";
import * as z from "zod";
import { createTaskDefiner, Lovage, LovageError, Registry } from "#engine";
import { callRoutes } from "../../../src/delivery/api/tasks/call-routes.ts";
import type { ApiParts } from "../../../src/delivery/api/route.ts";
import { testSettings } from "../../../src/testing/settings.ts";
import { World } from "../../../src/testing/world.ts";

function rig(code: string) {
  const world = new World(1);
  const define = createTaskDefiner<null>();
  const task = define({ name: "task", params: z.object({}), handler: () => null });
  const registry = new Registry<null>([task]);
  const submitted: string[] = [];
  const logged: string[] = [];
  const submitter = {
    submit: async (specs: readonly { readonly id: string }[]) => {
      submitted.push(...specs.map(({ id }) => id));
      return specs.map(() => "accepted" as const);
    },
  };
  const parts = {
    registry,
    clock: world,
    expressLovageFor: (_background: unknown, owner: string) =>
      new Lovage({
        ...{ registry, submitter, owner, clock: world, random: world },
        settings: testSettings(1),
      }),
    tasks: {
      // The shard is evicted, or D1 is down.
      watch: async function* () {
        yield* [];
        throw new LovageError(code, "Not just now.", { retryable: true });
      },
    },
    log: (event: string) => logged.push(event),
  } as unknown as ApiParts;
  return { parts, submitted, logged };
}

const call = {
  caller: { owner: "o", scopes: new Set(["tasks:write", "tasks:read"]), userId: null },
  params: {},
  query: new URLSearchParams("wait=5"),
  isStillLetIn: async () => true,
  background: () => undefined,
} as const;

it.each(["ledger_unavailable", "too_many_watchers"])(
  "a call that was accepted is answered with its id, though the wait for it fails: %s (G7)",
  async (code) => {
    const { parts, submitted, logged } = rig(code);
    const route = callRoutes(parts).find(({ path }) => path === "/api/tasks");
    const request = new Request("http://lovage/api/tasks", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "task" }),
    });
    const answer = await route?.handle({ ...call, request });
    expect(answer?.status).toBe(202);
    expect(await answer?.json()).toEqual({ task_id: submitted[0] });
    expect(submitted).toHaveLength(1);
    expect(logged).toEqual(["wait_failed"]);
  },
);
