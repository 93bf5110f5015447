import { beforeAll, expect, it } from "vitest";
import { shopTasks } from "../../src/domain/index.ts";
import { keyFor, request } from "./credentials.ts";

/*
 * Every task, with every kind of key that may call some. What is allowed is asked with arguments that fit nothing, so
 * that nothing is done; what is not has to be refused before anybody looks.
 */

/** Keys that may call tasks, by what they may besides. */
const KEYS = ["nothing", "orders:manage", "control", "admin"] as const;
type Key = (typeof KEYS)[number];

/** Who may call what; a new task has to be put here. */
const CALLED_BY: readonly (readonly [who: readonly Key[], names: readonly string[]])[] = [
  [
    KEYS,
    [
      ...["process_data", "process_file_upload", "process_payment_callback"],
      ...["send_welcome_email", "send_password_reset_email"],
      ...["send_order_confirmation_email", "send_order_confirmation", "send_seller_notification"],
      ...["send_email_notification", "send_admin_notification", "post_alert"],
    ],
  ],
  // What is anybody's: orders, sales, papers, addresses.
  [
    ["orders:manage", "control", "admin"],
    [
      ...["process_payment", "refund_payment", "send_review_reminder"],
      ...["send_transaction_notification", "send_verification_notification"],
      ...["send_bulk_notifications", "send_notification_chunk", "sum_notifications"],
    ],
  ],
  // What the deployment does by itself.
  [
    ["control", "admin"],
    [
      ...["generate_daily_report", "process_api_analytics", "cleanup_old_logs"],
      ...["cleanup_expired_tokens", "cleanup_old_carts", "cleanup_old_records"],
      ...["reconcile_payments", "settle_unknown_payments", "send_pending_emails"],
      ...["send_daily_transaction_summary", "cleanup_old_pending_transactions"],
      "check_overdue_milestones",
    ],
  ],
  [["admin"], ["backup_database", "restore_database"]],
  [[], ["deliver_callback"]],
];

const tokens = new Map<Key, string>();

beforeAll(async () => {
  for (const key of KEYS) {
    const scopes = key === "nothing" ? [] : [key];
    tokens.set(key, await keyFor(`with ${key}`, ["tasks:write", "tasks:read", ...scopes]));
  }
});

it("who may call which task is known", () => {
  const known = CALLED_BY.flatMap(([, names]) => names);
  expect(known.toSorted()).toEqual(shopTasks.map(({ name }) => name).toSorted());
});

const ASKED = CALLED_BY.flatMap(([who, names]) => names.map((name) => [name, who] as const));

it.each(ASKED)("%s is called by keys with %j besides, and by no other", async (name, who) => {
  const kwargs = { "fits nothing": 1 };
  const work = { name: "process_data", kwargs: { "fits nothing": 1 } };
  const doors: [string, unknown][] = [
    ["/api/tasks/", { name, kwargs }],
    ["/api/tasks/bulk/", { tasks: [work, { name, kwargs }] }],
    ["/api/canvas/", { chord: { header: [work], body: { task: name, kwargs } } }],
    [`/api/task/send-task/${name}/`, { kwargs }],
  ];
  for (const key of KEYS) {
    for (const [path, body] of doors) {
      const answer = await request(path, tokens.get(key) ?? "", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const isRefused = answer.status === 403;
      expect([key, path, isRefused]).toEqual([key, path, !who.includes(key)]);
      // Flower says 400 where the others say 422.
      if (!isRefused) expect([400, 422]).toContain(answer.status);
    }
  }
});
