import { isTerminal, type TaskRecord } from "#engine";

/** Proxies cut connections on which nothing moves. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Server-sent events with the states of one task: one `state` event now and after every change, until it
 * has ended or the client has gone. In between only a comment is sent now and then.
 */
export function streamStates(
  watch: (signal: AbortSignal) => AsyncIterable<TaskRecord>,
  view: (task: TaskRecord) => unknown,
): Response {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => {
        if (!gone.signal.aborted) controller.enqueue(encoder.encode(text));
      };
      const keepAlive = setInterval(() => {
        send(": keep-alive\n\n");
      }, KEEP_ALIVE_MS);
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
          if (!gone.signal.aborted) controller.close();
        });
    },
    cancel() {
      gone.abort();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
