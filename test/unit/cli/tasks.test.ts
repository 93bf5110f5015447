import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { expect, it, onTestFinished } from "vitest";
import { addTasks } from "../../../src/delivery/cli/commands/tasks.ts";
import { Shell } from "../../../src/delivery/cli/shell.ts";

/** Runs a command against a deployment that answers 204, as to a key without the scope tasks:read. */
async function run(...args: readonly string[]) {
  const server = createServer((_request, response) => {
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const said = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof said) => ({ write: (text: string) => (said[name] += text) });
  const program = new Command().option("--json");
  const process = {
    ...{ stdin: null, stdout: stream("stdout"), stderr: stream("stderr"), argv: [] },
    env: { LOVAGE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  };
  const { signal } = new AbortController();
  addTasks(program, new Shell(process as unknown as NodeJS.Process, program, signal));
  await program.parseAsync(args, { from: "user" });
  return said;
}

it.each([
  [["revoke", "a"], ""],
  [["--json", "revoke", "a"], '{\n  "tasks": []\n}\n'],
  [["reschedule", "a", "--countdown", "60"], ""],
  [["--json", "reschedule", "a", "--countdown", "60"], "null\n"],
])("%j is done with a token that may not read the task", async (args, stdout) => {
  const stderr = "a: done. To see the task takes the scope tasks:read.\n";
  expect(await run(...args)).toEqual({ stdout, stderr });
});
