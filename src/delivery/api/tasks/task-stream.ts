import { isTerminal, type TaskRecord } from "#engine";
import { whileLetIn } from "../callers/let-in.ts";
import type { ApiCall } from "../route.ts";

/** Proxies cut connections on which nothing moves. */
const KEEP_ALIVE_MS = 15_000;
/** What waits for a client; what comes on top waits only until something newer does. */
const MAX_WAITING_BYTES = 64 * 1_024;

/**
 * Server-sent events with the states of one task: one `state` event now and after every change, until it
 * has ended, the client has gone, or may follow it no more. In between only a comment is sent now and then. A client
 * that reads slowly misses states that were followed by others, never the last one.
 */
export function streamStates(
  call: Pick<ApiCall, "isStillLetIn">,
  watch: (signal: AbortSignal) => AsyncIterable<TaskRecord>,
  view: (task: TaskRecord) => unknown,
): Response {
  const gone = new AbortController();
  let isLeft = false;
  const encoder = new TextEncoder();
  /** The newest state that there was no room for; null: none. */
  let held: string | null = null;
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES });
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const hasRoom = () => !isLeft && (controller.desiredSize ?? 0) > 0;
        const keepAlive = setInterval(() => {
          if (hasRoom()) controller.enqueue(encoder.encode(": keep-alive\n\n"));
        }, KEEP_ALIVE_MS);
        const stopAsking = whileLetIn(call, () => {
          gone.abort();
        });
        const run = async () => {
          let id = 0;
          for await (const task of watch(gone.signal)) {
            id += 1;
            const text = `event: state\nid: ${id}\ndata: ${JSON.stringify(view(task))}\n\n`;
            held = hasRoom() ? null : text;
            if (held === null) controller.enqueue(encoder.encode(text));
            if (isTerminal(task.state)) break;
          }
        };
        void run()
          .catch(() => {
            // The ledger is out of reach: the stream ends, and an EventSource comes back by itself.
          })
          .finally(() => {
            clearInterval(keepAlive);
            stopAsking();
            if (isLeft) return;
            if (held !== null) controller.enqueue(encoder.encode(held));
            controller.close();
          });
      },
      pull(controller) {
        if (held === null) return;
        controller.enqueue(encoder.encode(held));
        held = null;
      },
      cancel() {
        isLeft = true;
        gone.abort();
      },
    },
    strategy,
  );
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
