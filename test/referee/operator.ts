import type { Client } from "./client.ts";

const LOST = "WorkerLostError";

/** Whoever looks after the deployment, by the runbook of what kills its consumers: dead letters are run again. */
export class Operator {
  /** The dead letters that it had replayed. */
  readonly replayed = new Set<string>();
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Replays what is listed of tasks that lost their consumers. @returns whether nothing was, for sure */
  async isIdle(): Promise<boolean> {
    const { outcome, text } = await this.#client.get(`/api/dead-letters/?exc_type=${LOST}`);
    if (outcome !== "ok") return false;
    const { tasks } = JSON.parse(text) as { tasks: { task_id: string }[] };
    if (tasks.length === 0) return true;
    const ids = tasks.map(({ task_id: id }) => id);
    // What is not replayed by this, whatever the answer, is listed again.
    await this.#client.post("/api/dead-letters/replay/", { ids });
    for (const id of ids) this.replayed.add(id);
    return false;
  }
}
