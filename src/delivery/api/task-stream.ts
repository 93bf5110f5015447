import { isTerminal, type TaskRecord } from "#engine";
import { whileLetIn } from "./let-in.ts";
import type { ApiCall } from "./route.ts";

/** Proxies cut connections on which nothing moves. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Server-sent events with the states of one task: one `state` event now and after every change, until it
 * has ended, the client has gone, or may follow it no more. In between only a comment is sent now and then.
 */
export function streamStates(
  call: Pick<ApiCall, "isStillLetIn">,
  watch: (signal: AbortSignal) => AsyncIterable<TaskRecord>,
  view: (task: TaskRecord) => unknown,
): Response {
  const gone = new AbortController();
  let isLeft = false;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => {
        if (!isLeft) controller.enqueue(encoder.encode(text));
      };
      const keepAlive = setInterval(() => {
        send(": keep-alive\n\n");
      }, KEEP_ALIVE_MS);
      const stopAsking = whileLetIn(call, () => {
        gone.abort();
      });
      const run = async () => {
        let id = 0;
        for await (const task of watch(gone.signal)) {
          id += 1;
          send(`event: state\nid: ${id}\ndata: ${JSON.stringify(view(task))}\n\n`);
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
          if (!isLeft) controller.close();
        });
    },
    cancel() {
      isLeft = true;
      gone.abort();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
