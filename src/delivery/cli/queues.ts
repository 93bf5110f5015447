import type { Column } from "./output.ts";

/** A queue as `GET /api/queues/` shows it. */
export interface Queue {
  readonly name: string;
  readonly waiting: number;
  readonly scheduled: number;
  readonly running: number;
  readonly oldest_waiting_since: string | null;
  readonly is_cancelled: boolean;
  readonly paused_reason: string | null;
  readonly paused_since: string | null;
}

export const queueColumns: readonly Column<Queue>[] = [
  { title: "queue", of: ({ name }) => name },
  { title: "waiting", of: ({ waiting }) => String(waiting), align: "right" },
  { title: "scheduled", of: ({ scheduled }) => String(scheduled), align: "right" },
  { title: "running", of: ({ running }) => String(running), align: "right" },
  { title: "oldest waits since", of: ({ oldest_waiting_since: since }) => since ?? "" },
  {
    title: "consumed",
    of: ({ is_cancelled: isCancelled, paused_reason: reason }) =>
      isCancelled ? `no${reason === null ? "" : `: ${reason}`}` : "yes",
    paint: (paint, text) => paint(text.startsWith("yes") ? "green" : "yellow", text),
  },
];
