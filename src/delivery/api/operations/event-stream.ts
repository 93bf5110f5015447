import type { MonitorEventList } from "#engine";
import { whileLetIn } from "../callers/let-in.ts";
import type { ApiCall } from "../route.ts";

/** Proxies cut connections on which nothing moves. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Server-sent events with what happens: one `tasks` event for each list that has something for this watcher, the
 * first at once. The next is taken only when the client has room for it, so a slow one holds one list here, and
 * `watch` drops and counts what it has no room for. Ends when the client goes, or may watch no more.
 * @param view what of a list the client gets; null: nothing
 * @throws what `watch` throws before its first list
 */
export async function streamEvents(
  call: Pick<ApiCall, "isStillLetIn">,
  watch: (signal: AbortSignal) => AsyncIterable<MonitorEventList>,
  view: (list: MonitorEventList) => unknown,
): Promise<Response> {
  const gone = new AbortController();
  let isLeft = false;
  const lists = watch(gone.signal)[Symbol.asyncIterator]();
  const first = await lists.next();
  let next: typeof first | null = first;
  const encoder = new TextEncoder();
  let keepAlive: ReturnType<typeof setInterval> | undefined;
  const stopAsking = whileLetIn(call, () => {
    gone.abort();
  });
  const stop = () => {
    clearInterval(keepAlive);
    stopAsking();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      keepAlive = setInterval(() => {
        const hasRoom = (controller.desiredSize ?? 0) > 0;
        if (hasRoom) controller.enqueue(encoder.encode(": keep-alive\n\n"));
      }, KEEP_ALIVE_MS);
    },
    async pull(controller) {
      for (;;) {
        const { done, value }: typeof first = next ?? (await lists.next());
        next = null;
        if (done === true) {
          stop();
          if (!isLeft) controller.close();
          return;
        }
        const shown = view(value);
        if (shown === null) continue;
        controller.enqueue(encoder.encode(`event: tasks\ndata: ${JSON.stringify(shown)}\n\n`));
        return;
      }
    },
    cancel() {
      stop();
      isLeft = true;
      gone.abort();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
