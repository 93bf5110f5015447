/** What the bench uses of BullMQ, which is no dependency of this project: the types are there without it. */
declare module "bullmq" {
  export interface Connection {
    readonly connection: { readonly host: string; readonly port: number };
  }

  export interface Job<Data = unknown, Result = unknown> {
    readonly name: string;
    readonly data: Data;
    getChildrenValues(): Promise<Record<string, unknown>>;
    waitUntilFinished(events: QueueEvents, timeoutMs?: number): Promise<Result>;
  }

  export interface FlowJob {
    readonly name: string;
    readonly queueName: string;
    readonly data?: unknown;
    readonly children?: readonly FlowJob[];
  }

  export class Queue {
    constructor(name: string, options: Connection);
    add(name: string, data: unknown): Promise<Job>;
    addBulk(jobs: readonly { name: string; data: unknown }[]): Promise<Job[]>;
    getJobCounts(...states: string[]): Promise<Record<string, number>>;
  }

  export class QueueEvents {
    constructor(name: string, options: Connection);
    waitUntilReady(): Promise<unknown>;
  }

  export class FlowProducer {
    constructor(options: Connection);
    add(flow: FlowJob): Promise<{ readonly job: Job }>;
  }

  export class Worker {
    constructor(
      name: string,
      run: (job: Job<never>) => Promise<unknown>,
      options: Connection & { readonly concurrency?: number },
    );
    on(event: "error", listener: (error: Error) => void): this;
  }
}
