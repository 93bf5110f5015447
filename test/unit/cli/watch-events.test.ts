import { expect, it, vi } from "vitest";
import type { Deployment } from "../../../src/delivery/cli/deployment.ts";
import { RefusedError } from "../../../src/delivery/cli/failures.ts";
import { watchEvents, type Watched } from "../../../src/delivery/cli/monitor/watch-events.ts";

vi.mock("../../../src/delivery/cli/clock.ts", () => ({ wait: async () => undefined }));

const refused = (status: number) =>
  new RefusedError(status, { code: "code", detail: "Not just now.", errors: [] });

/** A deployment that answers each connection in turn: an empty stream, or a refusal. */
function deploymentThat(...answers: readonly ("agrees" | RefusedError)[]): Deployment {
  const left = [...answers];
  const events = async () => {
    const answer = left.shift() ?? refused(401);
    if (answer !== "agrees") throw answer;
    return (async function* () {})();
  };
  return { events } as unknown as Deployment;
}

/** What is told until it ends, and with which status. */
async function told(deployment: Deployment) {
  const kinds: Watched["kind"][] = [];
  const watching = (async () => {
    const { signal } = new AbortController();
    for await (const { kind } of watchEvents(deployment, {}, signal)) kinds.push(kind);
  })();
  const error = await watching.catch((reason: unknown) => reason);
  return { kinds, status: error instanceof RefusedError ? error.status : error };
}

it("a deployment that can't be watched just now is asked again, until it refuses for good", async () => {
  const deployment = deploymentThat("agrees", refused(503), refused(502), "agrees", refused(403));
  expect(await told(deployment)).toEqual({
    kinds: ["connected", "lost", "lost", "lost", "connected", "lost"],
    status: 403,
  });
});

it("one that could not be watched from the start is not asked again", async () => {
  expect(await told(deploymentThat(refused(503), "agrees"))).toEqual({ kinds: [], status: 503 });
});
