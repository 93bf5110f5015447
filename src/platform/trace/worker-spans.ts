import { tracing } from "cloudflare:workers";
import { noSpans, type Spans } from "./spans.ts";

/**
 * Workers' own tracing. Where the sampling of wrangler.toml leaves a span out, those within it are not asked for.
 * Calls of bindings (Durable Objects, D1, queues, fetch) are spans without our doing.
 */
export const workerSpans: Spans = (name, attributes, work) =>
  tracing.enterSpan(name, (span) => {
    if (!span.isTraced) return work(noSpans);
    span.setAttributes(attributes());
    return work(workerSpans);
  });
