const MIB = 1_048_576;
const TIMEOUT_MS = 20_000;
/** Of the first question. Others are wrangler's own (from 100,000,000 on), whose answers are told too. */
const FIRST_ID = 1_000_000;
/** Asked one after another; the last one's answer is wanted. */
const ASKED = ["HeapProfiler.enable", "HeapProfiler.collectGarbage", "Runtime.getHeapUsage"];

/** Node's own takes headers too; the inspector wants to know where one comes from. */
const InspectorSocket = WebSocket as unknown as new (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>> },
) => WebSocket;

/**
 * What the Worker and its objects hold in memory after a collection, MiB: what is resident besides is what nobody
 * needed to collect yet.
 * @returns null when the server doesn't say it
 */
export function liveHeapMiB(inspectorPort: number): Promise<number | null> {
  const url = `ws://127.0.0.1:${inspectorPort}/ws`;
  const socket = new InspectorSocket(url, { headers: { Origin: "http://localhost" } });
  return new Promise((resolve) => {
    const end = (value: number | null) => {
      clearTimeout(timer);
      socket.close();
      resolve(value);
    };
    const timer = setTimeout(() => {
      end(null);
    }, TIMEOUT_MS);
    const ask = (question: number) => {
      socket.send(JSON.stringify({ id: FIRST_ID + question, method: ASKED[question] }));
    };
    socket.addEventListener("open", () => {
      ask(0);
    });
    socket.addEventListener("message", ({ data }) => {
      const { id = 0, result } = JSON.parse(String(data)) as Reply;
      const question = id - FIRST_ID;
      if (question < 0 || question >= ASKED.length) return;
      if (question < ASKED.length - 1) ask(question + 1);
      else end(result === undefined ? null : result.usedSize / MIB);
    });
    for (const name of ["close", "error"] as const) {
      socket.addEventListener(name, () => {
        end(null);
      });
    }
  });
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly usedSize: number };
}
