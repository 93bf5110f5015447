/** Something that happened to a task, with Celery's names. Times are seconds since 1970, as there. */
export interface TaskEvent {
  readonly type:
    | "task-sent"
    | "task-started"
    | "task-succeeded"
    | "task-failed"
    | "task-retried"
    | "task-revoked"
    | "task-rejected"
    | "task-custom";
  readonly uuid: string;
  readonly timestamp: number;
  readonly hostname: string;
  readonly name: string;
  readonly queue: string;
  readonly state: string;
  readonly retries: number;
  readonly root_id: string;
  /** Of an attempt that ended, seconds. */
  readonly runtime?: number;
  /** Of one that failed, as `ValueError: boom`. */
  readonly exception?: string;
}

/** Events that came together. */
export interface TaskEventList {
  readonly events: readonly TaskEvent[];
  /** Events that were missed around these. */
  readonly missed: number;
}

/**
 * Reads server-sent events: the lists in those that are named `tasks`.
 * @param signal ends it: Node forgets that of a request whose answer has begun when it collects its garbage
 * @throws the signal's reason
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<TaskEventList> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal?.addEventListener("abort", stop);
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const lines = block.split("\n");
        const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
        if (!lines.includes("event: tasks")) continue;
        yield JSON.parse(data.join("\n")) as TaskEventList;
      }
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    await reader.cancel().catch(() => undefined);
  }
}
