/** What is made first, so that there is something of everything. */
export const PREPARED: readonly (readonly [path: string, body: unknown])[] = [
  ...Array.from(
    { length: 4 },
    (_none, id) =>
      [
        "/api/create-order",
        { orderId: `f-${id}`, userId: 1, totalAmount: 15, customerEmail: "customer@example.com" },
      ] as const,
  ),
  ["/api/task/apply/process_data", { kwargs: { data: "fuzzed" } }],
  ["/api/task/apply/process_payment", { args: ["none"] }],
  ["/api/task/async-apply/process_data", { kwargs: { data: "fuzzed" }, countdown: 900 }],
  [
    "/api/schedules",
    { name: "fuzzed", task: "process_data", args: ["x"], interval: { every: 1, period: "hours" } },
  ],
];

/** Somebody with an account. */
export const PERSON = {
  username: "fuzzed",
  email: "fuzzed@example.com",
  password: "correct horse 9 battery",
};
