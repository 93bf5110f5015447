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

/** Reads server-sent events: the lists in those that are named `tasks`. */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<TaskEventList> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
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
    await reader.cancel().catch(() => undefined);
  }
}
