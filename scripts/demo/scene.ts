import type { DemoClient } from "./client.ts";
import type { Row, TaskCell } from "./view.ts";

/** What a scene plays on. */
export interface Stage {
  readonly client: DemoClient;
  /** Makes names new: the demo may be run again and again. */
  readonly run: string;
}

/** Something a person would look at: what it is, what is there, and whether that is right. */
export interface Check {
  readonly what: string;
  readonly seen: string;
  readonly isRight: boolean;
}

/** A scene that has begun: the tasks it set off, and what to look at when they have ended. */
export interface Played {
  readonly rows: readonly Row[];
  readonly checks: () => Promise<readonly Check[]>;
}

export interface Scene {
  readonly title: string;
  play(stage: Stage): Promise<Played>;
}

/** A line for tasks with these ids. */
export function rowOf(label: string, tasks: readonly (readonly [name: string, id: string])[]): Row {
  return { label, tasks: tasks.map(([name, id]): TaskCell => ({ name, id, task: null })) };
}

/** A check that something is exactly so. */
export function same(what: string, seen: unknown, wanted: unknown): Check {
  const text = JSON.stringify(seen);
  return { what, seen: text, isRight: text === JSON.stringify(wanted) };
}

/** A mail as `GET /api/emails/` answers it, as far as the demo looks. */
export interface Mail {
  readonly subject: string;
  readonly state: string;
  readonly template: string;
}

/** The mails to one address. */
async function mailsTo(client: DemoClient, to: string): Promise<readonly Mail[]> {
  const query = new URLSearchParams({ to, limit: "50" });
  return (await client.get<{ emails: Mail[] }>(`/api/emails/?${query.toString()}`)).emails;
}

/** A check that a mail of this template was sent to an address. */
export async function hasMail(client: DemoClient, to: string, template: string): Promise<Check> {
  const mail = (await mailsTo(client, to)).find((each) => each.template === template);
  return {
    what: `mail to ${to}`,
    seen: mail === undefined ? "there is none" : `"${mail.subject}", ${mail.state}`,
    isRight: mail?.state === "sent",
  };
}
