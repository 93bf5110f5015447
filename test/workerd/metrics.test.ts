import { expect, it } from "vitest";
import { ended, get, order, post } from "./api.ts";

it("metrics count every task once by its end, and say what the queues hold", async () => {
  const { data } = await order("metrics-1");
  const declined = await order("metrics-2", { totalAmount: 150.01 });
  await ended(data.tasks.process_payment);
  await ended(declined.data.tasks.process_payment);
  await post("/api/control/cancel_consumer/", { queue: "high-priority" });
  await post("/api/tasks/", { name: "process_data", args: ["x"], queue: "high-priority" });
  await post("/api/tasks/", { name: "process_data", args: ["x"], countdown: 3_600 });
  const wanted = [
    'flower_events_total{worker="lovage@lovage",type="task-succeeded",task="process_payment"} 1',
    'flower_events_total{worker="lovage@lovage",type="task-failed",task="process_payment"} 1',
    'flower_task_runtime_seconds_count{worker="lovage@lovage",task="process_payment"} 2',
    'lovage_task_wait_seconds_count{queue="payments"} 2',
    'flower_worker_online{worker="lovage@lovage"} 1',
    'lovage_queue_waiting{queue="high-priority"} 1',
    'lovage_queue_paused{queue="high-priority"} 1',
    'lovage_queue_scheduled{queue="default"} 1',
    'lovage_dead_letters{task="process_payment",exc_type="PaymentDeclinedError"} 1',
    "lovage_dead_letters_open 1",
    'lovage_tasks_ended_total{task="process_payment",queue="payments",state="SUCCESS"} 1',
    'lovage_tasks_ended_total{task="process_payment",queue="payments",state="FAILURE"} 1',
    'lovage_attempts_lost_total{task="process_payment"} 0',
  ];
  const lines = async () => (await scrape()).split("\n");
  await expect.poll(lines, { timeout: 10_000 }).toEqual(expect.arrayContaining(wanted));
  await post("/api/control/add_consumer/", { queue: "high-priority" });
});

it("no sample stands twice, each metric is described once, and none stands apart", async () => {
  const lines = (await scrape()).split("\n").filter((line) => line !== "");
  const samples = lines.filter((line) => !line.startsWith("#"));
  const names = samples.map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(new Set(names).size).toBe(names.length);
  const described = lines.filter((line) => line.startsWith("# TYPE"));
  expect(new Set(described).size).toBe(described.length);
});

async function scrape(): Promise<string> {
  const answer = await get("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return answer.text();
}
