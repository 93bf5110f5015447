import { systemTimers } from "../../system.ts";

/** The messages of a watch until its socket closes or the signal aborts. Closes the socket at the end. */
export async function* messages<Message>(
  socket: WebSocket,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const waiting: Message[] = [];
  let isOver = signal.aborted;
  let wake: () => void = () => undefined;
  const end = () => {
    isOver = true;
    wake();
  };
  socket.addEventListener("message", (event) => {
    waiting.push(JSON.parse(String(event.data)) as Message);
    wake();
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  signal.addEventListener("abort", end);
  socket.accept();
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) yield message;
      else if (isOver) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", end);
    socket.close(1000, "done");
  }
}

/** Ends early when `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = systemTimers.after(ms, end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
