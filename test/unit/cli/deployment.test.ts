import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Deployment } from "../../../src/delivery/cli/deployment.ts";
import { CommandError, InterruptedError } from "../../../src/delivery/cli/failures.ts";

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function deploymentThat(answer: RequestListener, token: string | null = null) {
  const listening = createServer(answer).listen(0, "127.0.0.1");
  server = listening;
  await new Promise((resolve) => listening.once("listening", resolve));
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
  const aborted = new AbortController();
  return {
    aborted,
    deployment: new Deployment({ url, token, signal: aborted.signal, timeoutMs: 15_000 }),
  };
}

/** What a request fails with. */
async function failureOf(work: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw new Error("It failed with nothing for people.");
  return error;
}

const problem = (status: number, more = {}): RequestListener => {
  const body = { status, code: "some_code", detail: "Not like this.", ...more };
  return (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/problem+json" });
    response.end(JSON.stringify(body));
  };
};

it.each([
  [401, 77],
  [403, 77],
  [404, 1],
  [422, 1],
  [500, 1],
  [503, 69],
])("a problem with status %i ends with %i, in its own words", async (status, exitCode) => {
  const { deployment } = await deploymentThat(problem(status));
  const error = await failureOf(deployment.get("/x"));
  expect({ message: error.message, exitCode: error.exitCode }).toEqual({
    message: "Not like this.",
    exitCode,
  });
});

it("fields that don't fit stand below", async () => {
  const errors = [{ field: "kwargs.data", message: "Required." }];
  const { deployment } = await deploymentThat(problem(422, { errors }));
  expect((await failureOf(deployment.post("/x", {}))).hints).toEqual(["kwargs.data: Required."]);
});

it.each([
  [200, "text/html", "<p>hello</p>"],
  [404, "text/html", "<p>no</p>"],
  [502, "text/plain", "bad gateway"],
])("somebody else who answers %i is no deployment", async (status, type, text) => {
  const { deployment } = await deploymentThat((_request, response) => {
    response.writeHead(status, { "Content-Type": type });
    response.end(text);
  });
  const error = await failureOf(deployment.get("/x"));
  expect(error.exitCode).toBe(69);
  expect(error.message).toContain("is it a Lovage deployment?");
});

it("an answer that doesn't come is given up", async () => {
  const { deployment } = await deploymentThat(() => undefined);
  const error = await failureOf(deployment.get("/x", { timeoutMs: 20 }));
  expect(error.exitCode).toBe(69);
  expect(error.message).toContain("gave no answer");
});

it("an interruption is one, not a failure of the deployment", async () => {
  const { aborted, deployment } = await deploymentThat(() => {
    aborted.abort(new InterruptedError(130));
  });
  expect(await failureOf(deployment.get("/x"))).toBeInstanceOf(InterruptedError);
});

it("sends the token, and parameters without those that are undefined", async () => {
  const seen: unknown[] = [];
  const { deployment } = await deploymentThat(({ url, headers }, response) => {
    seen.push(url, headers.authorization);
    response.end("{}");
  }, "lv_a_b");
  await deployment.get("/x/", { query: { id: ["a", "b c"], limit: 2, none: undefined } });
  expect(seen).toEqual(["/x/?id=a&id=b+c&limit=2", "Bearer lv_a_b"]);
});

it.each([
  ["ftp://x", null],
  ["localhost:8787", null],
  ["http://localhost", "a token\n"],
])("%j with the token %j is a mistake of usage", (url, token) => {
  const { signal } = new AbortController();
  expect(() => new Deployment({ url, token, signal, timeoutMs: 15_000 })).toThrow(
    expect.objectContaining({ exitCode: 2 }) as Error,
  );
});
