import type { TestProject } from "vitest/node";
import { StripeServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the stand-in for Stripe's API is. */
    stripeUrl: string;
  }
}

/** One server for all test files: each test brings a secret key of its own, and so has its own book. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const server = await StripeServer.start();
  project.provide("stripeUrl", server.url);
  return () => {
    server.stop();
  };
}
