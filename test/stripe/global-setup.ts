import type { TestProject } from "vitest/node";
import { StripeServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the stand-in for Stripe's API is. */
    stripeUrl: string;
  }
}

/** What the runtime says, in five lines, of every connection that the stand-in drops: hundreds. */
const DROPPED =
  /^(uncaught exception; .*Network connection lost\.|exception = rust\/worker\/.*client error \(SendRequest\))/;

/** Keeps it out of the tests' output. Uncaught errors of the tests themselves are told by the runner. */
function hideDropped(stream: NodeJS.WriteStream): () => void {
  const write = stream.write.bind(stream);
  stream.write = ((...args: Parameters<typeof write>) =>
    DROPPED.test(String(args[0])) || write(...args)) as typeof write;
  return () => {
    stream.write = write;
  };
}

/** One server for all test files: each test brings a secret key of its own, and so has its own book. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const server = await StripeServer.start();
  const shown = [process.stdout, process.stderr].map(hideDropped);
  project.provide("stripeUrl", server.url);
  return () => {
    server.stop();
    for (const show of shown) show();
  };
}
