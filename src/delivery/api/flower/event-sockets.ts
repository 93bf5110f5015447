import {
  TASK_EVENTS,
  type MonitorEvent,
  type MonitorEventList,
  type MonitorEvents,
  type MonitorEventType,
} from "#engine";
import { may, sees } from "../callers/access.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";
import { whileLetIn } from "../callers/let-in.ts";
import { flowerRoute, FlowerRefusal } from "./refusals.ts";

/**
 * Events of one list that a client gets, of which there are twenty a second at most: nobody can tell how much
 * waits for it on its socket. Who is to miss none follows `GET /api/events`.
 */
const MAX_SENT = 100;

/** What a WebSocket is closed with when its caller may follow it no more. */
const POLICY_VIOLATION = 1008;

/** Flower's streams by the end of their paths; what a worker receives there is what the ledger gets here. */
const STREAMS: ReadonlyMap<string, MonitorEventType> = new Map([
  ...TASK_EVENTS.map((type) => [type, type] as const),
  ["task-received", "task-sent"],
]);

/** Flower's event streams: one JSON message for each event, over a WebSocket. */
export function flowerEventRoutes({ events }: Pick<ApiParts, "events">): Route[] {
  return ["/api/task/events/:type", "/api/task/events/:type/:task"].map((path) =>
    flowerRoute("plain", {
      method: "GET",
      path,
      scope: "tasks:read",
      rate: "read",
      doc: {
        summary: "Follow events of one type as Flower had them",
        tag: "Flower",
        answers: { 101: "A WebSocket: one JSON message for each event." },
      },
      handle: (call) => openStream(events, call),
    }),
  );
}

async function openStream(events: MonitorEvents, call: ApiCall): Promise<Response> {
  const { caller, params } = call;
  checkUpgrade(call.request);
  const stream = params.type ?? "";
  const type = STREAMS.get(stream);
  if (type === undefined) throw new FlowerRefusal(404, `Unknown event '${stream}'`);
  // The id of a task, or the name of one.
  const { task } = params;
  const isAsked = (event: MonitorEvent) =>
    event.type === type &&
    sees(caller, event.owner) &&
    (task === undefined || event.uuid === task || event.name === task);
  const gone = new AbortController();
  const watcher = { owner: caller.owner, isMonitor: may(caller, "monitor") };
  const lists = events.watch(gone.signal, watcher)[Symbol.asyncIterator]();
  // From here on none is missed; that nobody can watch is refused before.
  await lists.next();
  const { 0: client, 1: server } = new WebSocketPair();
  const stopAsking = whileLetIn(call, () => {
    server.close(POLICY_VIOLATION, "No longer allowed");
    end();
  });
  const end = () => {
    stopAsking();
    gone.abort();
  };
  server.addEventListener("close", end);
  server.addEventListener("error", end);
  server.accept();
  call.background(send(lists, server, gone.signal, (event) => viewOf(event, stream, isAsked)));
  return new Response(null, { status: 101, webSocket: client });
}

/** @throws FlowerRefusal for what is no WebSocket, and for one that a page of another site opens */
function checkUpgrade({ headers, url }: Request): void {
  if (headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    throw new FlowerRefusal(400, 'Can "Upgrade" only to "WebSocket".');
  }
  const origin = headers.get("Origin");
  if (origin !== null && origin !== new URL(url).origin) {
    throw new FlowerRefusal(403, "Cross origin websockets not allowed");
  }
}

function viewOf(
  { owner, ...event }: MonitorEvent,
  stream: string,
  isAsked: (event: MonitorEvent) => boolean,
): string | null {
  return isAsked({ owner, ...event }) ? JSON.stringify({ ...event, type: stream }) : null;
}

/** Sends until the client has gone. */
async function send(
  lists: AsyncIterator<MonitorEventList>,
  socket: WebSocket,
  gone: AbortSignal,
  view: (event: MonitorEvent) => string | null,
): Promise<void> {
  for (let next = await lists.next(); next.done !== true; next = await lists.next()) {
    const texts = next.value.events.flatMap((event) => view(event) ?? []);
    for (const text of texts.slice(0, MAX_SENT)) if (!gone.aborted) socket.send(text);
  }
}
