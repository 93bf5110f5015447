import { DatabaseSync } from "node:sqlite";
import type { Answered, Client } from "./client.ts";
import type { Deployment } from "./deployment.ts";
import type { Journal } from "./journal.ts";
import type { PolicyName, StoppedTicker } from "./schedules.ts";

/** What an order costs, in minor units. */
const AMOUNT = 2_000;
/** What a kill ended may have begun so shortly after it was written down, ms. */
const KILL_MS = 1_000;
/** Losses after which a task is a dead letter. */
const LOSSES = 3;
/** A mail whose sender was killed so shortly after is one whose outcome nobody knows, ms. */
const UNSURE_MS = 10_000;
/** A slot that is so late was missed; give or take how long the first tick after a start may take, ms. */
const MISSED_AFTER_MS = 60_000;
const LATENESS_MS = 10_000;
const MADE_UP_MS = 95_000;
/** Tables of a shard that are empty when nothing is under way. */
export const LIVE_TABLES = [
  ...["tasks", "uniques", "steps", "events", "event_keys"],
  ...["canvas_parts", "canvas_members", "canvas_values"],
];
const EXAMPLES = 5;
/** So long a look at a file of the server waits for the server. */
export const BUSY_MS = 5_000;

/** One promise: how many cases were looked at, and those in which it was broken. */
export interface Finding {
  readonly invariant: string;
  readonly of: number;
  readonly broken: number;
  readonly examples: readonly unknown[];
}

/** A time that was lost with the data: the server was brought back as it was at its beginning. Epoch ms. */
export interface Undone {
  readonly from: number;
  readonly until: number;
  /** When the server was there again. */
  readonly readyAt: number;
}

export interface Circumstances {
  readonly deployment: Pick<Deployment, "database" | "shards">;
  readonly client: Pick<Client, "get" | "close">;
  readonly journal: Journal;
  readonly tickers: readonly StoppedTicker[];
  readonly polls: number;
  readonly undone: readonly Undone[];
}

/** Everything that is to be true once all is quiet, looked at from outside. */
export async function check(circumstances: Circumstances): Promise<Finding[]> {
  const { journal, deployment } = circumstances;
  journal.flush();
  journal.db.exec(`ATTACH DATABASE '${deployment.database}' AS d1`);
  try {
    prepare(journal);
    return [
      ...tasksOf(journal),
      ...ordersOf(journal),
      ...worldOf(journal),
      ...lettersOf(journal),
      ...slotsOf(circumstances),
      ...(await countsOf(circumstances)),
      ...restOf(circumstances),
      said(
        journal,
        "a poll never goes backwards, and an end stays as it is",
        "poll",
        circumstances.polls,
      ),
    ];
  } finally {
    journal.db.exec("DROP TABLE found; DROP TABLE letters; DROP TABLE replays; DETACH DATABASE d1");
  }
}

/** Records by the client's own refs; dead letters that lost their consumers; replays, which are tasks of their own. */
function prepare({ db }: Journal): void {
  db.exec(`
    CREATE TABLE found AS SELECT kwargs ->> '$.ref' AS ref, id, name, state,
      detail ->> '$[4]' AS submitted_at, detail ->> '$[8].exc_type' AS error
      FROM d1.tasks WHERE name GLOB 'referee_*' AND name <> 'referee_tick'
      AND detail ->> '$[2].replay_of' IS NULL;
    CREATE INDEX found_refs ON found (ref);
    CREATE TABLE letters AS SELECT id, name, kwargs, resolution, detail -> '$[7]' AS attempts
      FROM d1.tasks WHERE is_dead_lettered = 1 AND detail ->> '$[8].exc_type' = 'WorkerLostError';
    CREATE TABLE replays AS SELECT id, name, kwargs, kwargs ->> '$.ref' AS ref, state,
      detail ->> '$[4]' AS submitted_at, detail ->> '$[8].exc_type' AS error,
      detail ->> '$[2].replay_of' AS replay_of
      FROM d1.tasks WHERE detail ->> '$[2].replay_of' IS NOT NULL;
  `);
}

/** A finding by two statements: what was looked at (a count, `n`), and what is wrong with it. */
function finding(journal: Journal, invariant: string, of: string, wrong: string): Finding {
  const [count] = journal.rows<{ n: number }>(of);
  const broken = journal.rows<object>(wrong);
  return {
    invariant,
    of: count?.n ?? 0,
    broken: broken.length,
    examples: broken.slice(0, EXAMPLES),
  };
}

function said(journal: Journal, invariant: string, what: string, of: number): Finding {
  const broken = journal.rows<{ detail: string }>("SELECT detail FROM wrongs WHERE what = ?", what);
  const examples = broken.slice(0, EXAMPLES).map(({ detail }) => detail);
  return { invariant, of, broken: broken.length, examples };
}

const CANVAS_FAILED = `(calls.kind IN ('chain', 'chord') AND EXISTS (SELECT 1 FROM refs own
  JOIN found ON found.ref = own.ref WHERE own.call = calls.call AND found.state <> 'SUCCESS'))`;

/** What fails because something else did is no dead letter: a canvas, and a body that was never called. */
const OTHERS_DOING = `(name GLOB 'celery.*' OR detail ->> '$[8].exc_type' IS 'ChordError')`;
const LOST_MEMBER = `EXISTS (SELECT 1 FROM refs own JOIN refs other USING (call)
  JOIN found lost ON lost.ref = other.ref AND lost.error = 'WorkerLostError' WHERE own.ref = found.ref)`;

function tasksOf(journal: Journal): Finding[] {
  const calls = (where: string) => `SELECT count(*) AS n FROM calls WHERE ${where}`;
  const records = `(SELECT count(*) FROM found WHERE found.ref = refs.ref)`;
  return [
    finding(
      ...([
        journal,
        "an accepted task has exactly one end, under the id that was answered",
      ] as const),
      "SELECT count(*) AS n FROM refs JOIN calls USING (call) WHERE outcome = 'ok'",
      `SELECT refs.ref, kind, refs.id, ${records} AS records FROM refs JOIN calls USING (call)
        WHERE outcome = 'ok' AND (${records} > 1 OR (${records} = 0 AND NOT ${CANVAS_FAILED})
        OR EXISTS (SELECT 1 FROM found WHERE found.ref = refs.ref AND found.id <> refs.id))`,
    ),
    finding(
      ...([journal, "a call of unknown end is whole or nothing, and nothing twice"] as const),
      calls("outcome IN ('unknown', 'undone')"),
      `SELECT call, kind, sum(${records}) AS records, count(*) AS wanted FROM refs JOIN calls USING (call)
        WHERE outcome IN ('unknown', 'undone') AND NOT ${CANVAS_FAILED} GROUP BY call
        HAVING NOT (records = 0 OR records = wanted) OR max(${records}) > 1`,
    ),
    finding(
      ...([journal, "a call that was refused or never sent left nothing"] as const),
      calls("outcome = 'fail'"),
      "SELECT found.* FROM found JOIN refs USING (ref) JOIN calls USING (call) WHERE outcome = 'fail'",
    ),
    finding(
      ...([journal, "there is no task that nobody sent"] as const),
      "SELECT count(*) AS n FROM d1.tasks",
      `SELECT id, name, 'ref' AS why FROM found WHERE ref NOT IN (SELECT ref FROM refs)
        UNION ALL SELECT id, name, 'order' FROM d1.tasks
          WHERE name IN ('send_order_confirmation_email', 'process_payment')
          AND kwargs ->> '$.order_id' NOT IN (SELECT id FROM orders)
        UNION ALL SELECT id, name, 'canvas' FROM d1.tasks WHERE name GLOB 'celery.*' AND id NOT IN
          (SELECT id FROM calls WHERE id IS NOT NULL) AND NOT EXISTS
          (SELECT 1 FROM calls WHERE outcome IN ('unknown', 'undone') AND kind IN ('chain', 'chord'))
        UNION ALL SELECT id, name, 'name' FROM d1.tasks WHERE owner <> 'system'
          AND name NOT GLOB 'referee_*' AND name NOT GLOB 'celery.*' AND name NOT IN
          ('send_order_confirmation_email', 'process_payment', 'process_payment_callback')`,
    ),
    finding(
      ...([journal, "a canvas that succeeded ran all its members, and none failed in it"] as const),
      "SELECT count(*) AS n FROM d1.tasks WHERE name GLOB 'celery.*'",
      `SELECT calls.call, kind, t.state FROM calls JOIN d1.tasks t ON t.id = calls.id
        WHERE kind IN ('chain', 'chord') AND (t.state = 'SUCCESS') <> (SELECT count(found.id) = count(*)
          AND min(coalesce(found.state, '')) = 'SUCCESS' FROM refs LEFT JOIN found USING (ref)
          WHERE refs.call = calls.call)`,
    ),
    said(
      journal,
      "a repeated keyed call has the same answer",
      "repeated call is another",
      keyed(journal),
    ),
    said(journal, "nothing that is right is refused", "refused", keyed(journal, "1")),
  ];
}

function keyed(journal: Journal, where = "kind = 'keyed'"): number {
  const [row] = journal.rows<{ n: number }>(`SELECT count(*) AS n FROM calls WHERE ${where}`);
  return row?.n ?? 0;
}

function ordersOf(journal: Journal): Finding[] {
  const all = "SELECT count(*) AS n FROM orders";
  const captures = "(SELECT coalesce(sum(captures), 0) FROM charges WHERE charges.order_id = o.id)";
  return [
    finding(
      ...([
        journal,
        "an order is there if it was answered, with its two tasks and no more",
      ] as const),
      all,
      `SELECT s.id, s.outcome, o.state FROM orders s LEFT JOIN d1.orders o USING (id)
        WHERE (s.outcome = 'ok' AND (o.id IS NULL OR s.email_id <> o.email_task_id
          OR s.payment_id <> o.payment_task_id)) OR (s.outcome = 'fail' AND o.id IS NOT NULL)
        UNION ALL SELECT o.id, 'nobody', o.state FROM d1.orders o WHERE id NOT IN (SELECT id FROM orders)
        UNION ALL SELECT o.id, 'no task', o.state FROM d1.orders o
          WHERE NOT EXISTS (SELECT 1 FROM d1.tasks t WHERE t.id = o.email_task_id)
          OR NOT EXISTS (SELECT 1 FROM d1.tasks t WHERE t.id = o.payment_task_id)`,
    ),
    finding(
      ...([journal, "the gateway took the money of an order once at most"] as const),
      all,
      `SELECT order_id, sum(captures) AS captures FROM charges GROUP BY 1 HAVING sum(captures) > 1
        UNION ALL SELECT order_id, amount FROM charges WHERE amount <> ${AMOUNT}`,
    ),
    finding(
      ...([journal, "an order is paid exactly if the gateway took its money"] as const),
      "SELECT count(*) AS n FROM d1.orders",
      `SELECT o.id, o.state, ${captures} AS captures, s.is_declined FROM d1.orders o JOIN orders s USING (id)
        WHERE (o.state = 'paid') <> (${captures} = 1) OR (s.is_declined = 1) <> (o.state = 'payment_failed')
        UNION ALL SELECT order_id, 'no order', captures, 0 FROM charges
          WHERE captures > 0 AND order_id NOT IN (SELECT id FROM d1.orders)`,
    ),
  ];
}

function worldOf(journal: Journal): Finding[] {
  return [
    finding(
      ...([journal, "a mail comes once, or as often more as its answer was lost"] as const),
      "SELECT count(*) AS n FROM mails",
      `SELECT message_id, recipient, count(*) AS unexplained FROM (
          SELECT *, lead(at) OVER (PARTITION BY message_id, recipient ORDER BY at) AS next FROM mails) m
        WHERE next IS NOT NULL AND NOT EXISTS (SELECT 1 FROM kills
          WHERE kills.at BETWEEN m.at - 1000 AND m.at + ${UNSURE_MS})
          AND NOT EXISTS (SELECT 1 FROM undone WHERE m.at BETWEEN "from" - ${UNSURE_MS} AND until)
        GROUP BY 1, 2 HAVING count(*) > (SELECT count(*) FROM lost WHERE lost.recipient = m.recipient)`,
    ),
    finding(
      ...([journal, "every order's mail came, and none to anybody else"] as const),
      "SELECT count(*) AS n FROM d1.orders",
      `SELECT id AS who, 'no mail' AS why FROM d1.orders WHERE customer_email NOT IN (SELECT recipient FROM mails)
        UNION ALL SELECT recipient, 'who is that' FROM mails WHERE recipient NOT IN
          (SELECT id || '@example.com' FROM orders)
        UNION ALL SELECT to_address, state FROM d1.emails WHERE state <> 'sent'`,
    ),
    finding(
      ...([journal, "an effect of a task that succeeded was made"] as const),
      "SELECT count(*) AS n FROM found WHERE name IN ('referee_effect', 'referee_durable')",
      `SELECT * FROM (SELECT id, name, ref, state, submitted_at FROM found
          UNION ALL SELECT id, name, ref, state, submitted_at FROM replays)
        WHERE name IN ('referee_effect', 'referee_durable') AND state = 'SUCCESS'
        AND ref NOT IN (SELECT ref FROM effects WHERE at >= submitted_at)`,
    ),
    finding(
      ...([journal, "nobody made an effect but a task that is there"] as const),
      "SELECT count(*) AS n FROM effects",
      `SELECT ref, count FROM effects WHERE ref NOT IN (SELECT ref FROM found)
        AND ref NOT IN (SELECT ref FROM refs JOIN calls USING (call) WHERE outcome = 'undone')`,
    ),
  ];
}

/** Tasks that were killed for good, and what an operator did about them. */
function lettersOf(journal: Journal): Finding[] {
  const all = "SELECT count(*) AS n FROM letters";
  const lost = "FROM json_each(attempts) a WHERE a.value ->> 'outcome' = 'lost'";
  return [
    finding(
      ...([journal, "a dead letter that lost its consumers was killed every time"] as const),
      all,
      `SELECT id, name, attempts FROM letters WHERE (SELECT count(*) ${lost}) < ${LOSSES}
        OR EXISTS (SELECT 1 ${lost} AND NOT EXISTS (SELECT 1 FROM kills WHERE kills.at
          BETWEEN (a.value ->> 'startedAt') - ${KILL_MS} AND a.value ->> 'finishedAt'))`,
    ),
    finding(
      ...([
        journal,
        "it was replayed once, as it was, and that ended well; nothing else was",
      ] as const),
      all,
      `SELECT id, name, 'not replayed' AS why FROM letters l WHERE NOT EXISTS (SELECT 1 FROM replays r
          WHERE r.replay_of = l.id AND l.resolution = 'replayed:' || r.id AND r.name = l.name AND r.kwargs = l.kwargs)
        UNION ALL SELECT replay_of, name, 'twice' FROM replays GROUP BY 1 HAVING count(*) > 1
        UNION ALL SELECT id, name, 'of nothing' FROM replays WHERE replay_of NOT IN (SELECT id FROM letters)
        UNION ALL SELECT id, name, 'dealt with' FROM d1.tasks
          WHERE resolution IS NOT NULL AND id NOT IN (SELECT id FROM letters)
        UNION ALL SELECT id, name, 'failed' FROM replays WHERE state <> 'SUCCESS'
          AND name <> 'referee_exhausted' AND error IS NOT 'PaymentDeclinedError'`,
    ),
  ];
}

/** Slots that were fired, each with its schedule's name; those that had to be. */
function slotsOf({ journal, tickers, undone }: Circumstances): Finding[] {
  const fired = journal.rows<{ name: string; slot: number; n: number }>(
    `SELECT l.value AS name, t.result AS slot, count(*) AS n FROM d1.tasks t
      JOIN d1.task_labels l ON l.task_id = t.id AND l.label = 'periodic_task_name'
      WHERE t.name = 'referee_tick' AND t.state = 'SUCCESS' GROUP BY 1, 2`,
  );
  const twice = fired.filter(({ n }) => n > 1);
  const of = fired.length;
  const firedOf = Map.groupBy(fired, ({ name }) => name);
  const wrong = tickers.flatMap(({ name, policy, anchor, askedToStopAt, stoppedAt }) => {
    const slots = new Set(firedOf.get(name)?.map(({ slot }) => Number(slot)));
    const missing: object[] = [];
    // The last one may have been stopped before it was fired.
    for (let slot = anchor; slot < askedToStopAt - 1_000; slot += 1_000) {
      if (!slots.delete(slot) && !undone.some((time) => isMissed(slot, policy, time)))
        missing.push({ name, policy, missed: slot });
    }
    const early = [...slots].filter((slot) => slot < anchor || slot > stoppedAt);
    return [...missing, ...early.map((slot) => ({ name, policy, early: slot }))];
  });
  return [
    {
      invariant: "no slot of a schedule is fired twice",
      of,
      broken: twice.length,
      examples: twice,
    },
    {
      invariant: "every slot is fired, or was missed by its policy",
      ...{ of, broken: wrong.length, examples: wrong.slice(0, EXAMPLES) },
    },
  ];
}

/**
 * Whether a slot was missed because the data was brought back: it was more than a minute ago then. Who makes up
 * for all of them (for 100) misses none of a time that is shorter.
 */
function isMissed(slot: number, policy: PolicyName, { from, readyAt }: Undone): boolean {
  const isLate = slot >= from - 1_000 && slot < readyAt - MISSED_AFTER_MS + LATENESS_MS;
  return isLate && (policy !== "all" || readyAt - from > MADE_UP_MS);
}

async function metricsOf(client: Circumstances["client"]): Promise<Answered> {
  // Connections that were kept while all was counted here are closed by now, and nobody has noticed: one after the
  // other would be taken for this.
  client.close();
  const metrics = await client.get("/metrics");
  if (metrics.outcome === "ok") return metrics;
  throw new Error(`/metrics can't be had: ${metrics.status} ${metrics.text.slice(0, 500)}`);
}

/** What the deployment says of itself, held against what is recorded. */
async function countsOf({ journal, client }: Circumstances): Promise<Finding[]> {
  const metrics = await metricsOf(client);
  const samples = metrics.text.matchAll(
    /^lovage_tasks_ended_total\{task="(.*)",queue=".*",state="(\w+)"\} (\d+)$/gm,
  );
  const counted = new Map<string, number>();
  for (const [, task = "", state = "", count] of samples) {
    const key = `${task} ${state}`;
    counted.set(key, (counted.get(key) ?? 0) + Number(count));
  }
  const recorded = new Map(
    journal
      .rows<{ key: string; n: number }>(
        "SELECT name || ' ' || state AS key, count(*) AS n FROM d1.tasks GROUP BY 1",
      )
      .map(({ key, n }) => [key, n]),
  );
  const differing = [...new Set([...counted.keys(), ...recorded.keys()])]
    .map((key) => ({ key, metrics: counted.get(key) ?? 0, recorded: recorded.get(key) ?? 0 }))
    .filter((each) => each.metrics !== each.recorded);
  const open = Number(/^lovage_dead_letters_open (\d+)$/m.exec(metrics.text)?.[1] ?? -1);
  const dead = finding(
    ...([
      journal,
      "dead letters are the tasks that ran out of attempts, all and only they",
    ] as const),
    "SELECT count(*) AS n FROM d1.tasks WHERE is_dead_lettered = 1",
    `SELECT id, name, state, 'letter' AS why FROM d1.tasks
        WHERE (state = 'FAILURE' AND NOT ${OTHERS_DOING}) <> (is_dead_lettered = 1)
      UNION ALL SELECT id, name, state, 'exhausted' FROM found WHERE name = 'referee_exhausted'
        AND state <> 'FAILURE'
      UNION ALL SELECT id, name, error, 'failed' FROM found WHERE name <> 'referee_exhausted'
        AND state <> 'SUCCESS' AND error IS NOT 'WorkerLostError'
        AND NOT (error IS 'ChordError' AND ${LOST_MEMBER})`,
  );
  const [letters] = journal.rows<{ n: number }>(
    "SELECT count(*) AS n FROM d1.tasks WHERE is_dead_lettered = 1 AND resolution IS NULL",
  );
  const isOpenWrong = open !== letters?.n;
  return [
    dead,
    {
      invariant: "the count of dead letters in /metrics is theirs",
      ...{ of: dead.of, broken: isOpenWrong ? 1 : 0, examples: isOpenWrong ? [{ open }] : [] },
    },
    {
      invariant: "the counts in /metrics are those of the records",
      of: recorded.size,
      ...{ broken: differing.length, examples: differing.slice(0, EXAMPLES) },
    },
  ];
}

/** What is left over: nothing. */
function restOf({ journal, deployment }: Circumstances): Finding[] {
  const shards = deployment.shards.flatMap((path) => liveRows(path));
  const left = shards.filter(({ rows }) => rows > 0);
  return [
    finding(
      ...([journal, "the outbox is empty, and no order, payment or mail is under way"] as const),
      "SELECT count(*) AS n FROM d1.orders",
      `SELECT id FROM d1.outbox
        UNION ALL SELECT id FROM d1.orders WHERE state NOT IN ('paid', 'payment_failed')
        UNION ALL SELECT order_id FROM d1.payments WHERE state IN ('charging', 'refunding')
        UNION ALL SELECT task_id FROM d1.emails WHERE state IN ('pending', 'sending')`,
    ),
    {
      invariant: "the shards are as empty as at the start",
      ...{ of: shards.length, broken: left.length, examples: left },
    },
  ];
}

/** Rows of what is under way, in the file of a shard. */
export function liveRows(path: string): { readonly table: string; readonly rows: number }[] {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    return LIVE_TABLES.map((table) => {
      const row = db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
      return { table, rows: row.n };
    });
  } finally {
    db.close();
  }
}
