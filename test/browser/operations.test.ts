import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DARK, Dashboard, follow, hasBrowser, PHONE } from "./dashboard.ts";

let dashboard: Dashboard;
let deadId = "";

const HOSTILE = `"><img src=x onerror=alert(1)>`;
const THEMES = [
  ["", {}],
  ["-dark", DARK],
  ["-phone", PHONE],
] as const;

/** Every page of this part of the dashboard, by the name of its picture. */
const PAGES: readonly (readonly [string, string])[] = [
  ["dead-letters", "/dashboard/dead-letters"],
  [
    "dead-letters-list",
    "/dashboard/dead-letters/list?name=process_payment&exc_type=OrderNotFoundError",
  ],
  ["schedules", "/dashboard/schedules"],
  ["schedule", "/dashboard/schedules/nightly"],
  ["schedule-new", "/dashboard/new-schedule"],
  ["schedule-edit", "/dashboard/schedules/nightly/edit"],
  ["queues", "/dashboard/queues"],
  ["definitions", "/dashboard/definitions"],
  ["definition", "/dashboard/definitions/send_email_notification"],
  ["orders", "/dashboard/orders"],
  ["order", "/dashboard/orders/browser-1"],
  ["mail-templates", "/dashboard/mail"],
  ["mails", "/dashboard/mail/sent"],
  ["suppressions", "/dashboard/mail/suppressions"],
  ["reports", "/dashboard/reports"],
  ["system", "/dashboard/system"],
  ["settings", "/dashboard/settings"],
];

async function ended(id: string): Promise<void> {
  await fetch(`${dashboard.server.url}/api/tasks/${id}/?wait=20`);
}

async function call(name: string, kwargs: Record<string, unknown>): Promise<string> {
  const answer = await dashboard.post<{ task_id: string }>("/api/tasks/", { name, kwargs });
  await ended(answer.task_id);
  return answer.task_id;
}

describe.skipIf(!hasBrowser)("the pages of operations", () => {
  beforeAll(async () => {
    dashboard = await Dashboard.start(9_181);
    const order = await dashboard.post<{ data: { tasks: Record<string, string> } }>(
      "/api/create-order/",
      {
        orderId: "browser-1",
        userId: 1,
        totalAmount: 150,
        customerEmail: "customer@example.com",
        items: [{ sku: "tea", name: `Tea ${HOSTILE}`, quantity: 3, unitPrice: 50 }],
      },
    );
    await Promise.all(Object.values(order.data.tasks).map(ended));
    deadId = await call("process_payment", { order_id: `none ${HOSTILE}` });
    await call("process_payment", { order_id: "none" });
    await dashboard.post("/api/schedules/", {
      name: "nightly",
      task: "process_data",
      kwargs: { data: HOSTILE },
      description: `Every working day ${HOSTILE}`,
      crontab: { minute: "30", hour: "2", day_of_week: "mon-fri", timezone: "Europe/Paris" },
    });
    await dashboard.post("/api/schedules/nightly/run/", {});
    const today = new Date().toISOString().slice(0, 10);
    for (const kind of ["daily", "weekly"]) {
      const made = await dashboard.post<{ task_id: string }>("/api/reports/", {
        kind,
        date: today,
      });
      await ended(made.task_id);
    }
  });

  afterAll(async () => {
    await dashboard.stop();
  });

  const cases = PAGES.flatMap(([name, path]) =>
    THEMES.map(([theme, options]) => [`${name}${theme}`, path, options] as const),
  );
  it.each(cases)("%s has no barriers, breaks no policy and fits", async (name, path, options) => {
    const tab = await dashboard.open(path, options);
    await tab.picture(`operations-${name}`);
    expect(await tab.page.getByRole("heading", { level: 1 }).textContent()).not.toBe("Not here");
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.isTooWide()).toBe(false);
    expect(tab.faults).toEqual([]);
  });

  it.each([["daily"], ["weekly"]])("a %s report is figures and plots", async (kind) => {
    const tab = await dashboard.open(`/dashboard/reports?kind=${kind}`);
    await tab.page.locator("tbody a").first().click();
    await tab.page.getByRole("img", { name: /^Requests: / }).waitFor();
    await tab.picture(`operations-report-${kind}`);
    expect(await tab.barriers()).toEqual([]);
    expect(tab.faults).toEqual([]);
  });

  it("one mail is shown in a frame that runs nothing, with its text beside it", async () => {
    const tab = await dashboard.open("/dashboard/mail/sent?to=customer@example.com");
    await tab.page.locator("tbody a").first().click();
    const frame = tab.page.locator("iframe");
    expect(await frame.getAttribute("sandbox")).toBe("");
    await tab.page.getByLabel("The mail as text").waitFor();
    await tab.picture("operations-mail");
    expect(await tab.barriers()).toEqual([]);
    expect(tab.faults).toEqual([]);
  });

  it("an order is found by its number and by its customer's address", async () => {
    const { page } = await dashboard.open("/dashboard/orders");
    await page.getByLabel("Number, or the customer's address").fill("CUSTOMER@example.com");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: "browser-1" }).waitFor();
    await page.getByLabel("Number, or the customer's address").fill("browser-1");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: "browser-1" }).click();
    await page.getByText("process_payment").first().waitFor();
  });
});

describe.skipIf(!hasBrowser)("what operators do", () => {
  beforeAll(async () => {
    dashboard = await Dashboard.start(9_182);
    deadId = await call("process_payment", { order_id: "none" });
    await call("process_payment", { order_id: "none-2" });
    await call("process_payment", { order_id: "none-3" });
  });

  afterAll(async () => {
    await dashboard.stop();
  });

  it("a schedule is made by keys alone, with a preview of its runs in its zone", async () => {
    const tab = await dashboard.open("/dashboard/new-schedule?task=process_data");
    const { page } = tab;
    await page.getByLabel("Name *").fill("by keys");
    await page.getByLabel("hour", { exact: true }).fill("7");
    await page.getByLabel("Time zone").fill("Asia/Tokyo");
    await page.getByRole("heading", { name: "The next ten runs, in Asia/Tokyo" }).waitFor();
    expect(await page.locator("#preview ol.slots li").count()).toBe(10);
    expect(await page.locator("#preview ol.slots li").first().textContent()).toContain("07:00:00");
    await page.getByLabel("data (required)").fill("from the dashboard");
    await page.getByRole("button", { name: "Make the schedule" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("The schedule by keys is made.").waitFor();
    await page.getByText("from the dashboard").waitFor();
    expect(tab.faults).toEqual([]);
  });

  it("what does not fit is said beside its field, and what was entered stays", async () => {
    const tab = await dashboard.open("/dashboard/new-schedule?task=process_data", {
      javaScriptEnabled: false,
    });
    const { page } = tab;
    await page.getByLabel("Name *").fill("wrong");
    await page.getByLabel("hour", { exact: true }).fill("25");
    await page.getByLabel("Time zone").fill("Mars/Olympus");
    await page.getByLabel("data (required)").fill("kept");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    expect(await page.getByLabel("Time zone").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("hour", { exact: true }).inputValue()).toBe("25");
    expect(await page.getByLabel("data (required)").inputValue()).toBe("kept");
    await page.getByText("There is no such time zone").first().waitFor();
    await tab.picture("operations-schedule-faults");
  });

  it("without script the preview is a button, and another task brings its own fields", async () => {
    const { page } = await dashboard.open("/dashboard/new-schedule?task=process_data", {
      javaScriptEnabled: false,
    });
    await page.getByLabel("hour", { exact: true }).fill("6");
    await follow(page.getByRole("button", { name: "Preview" }));
    expect(await page.locator("#preview ol.slots li").count()).toBe(10);
    await page.getByLabel("Task", { exact: true }).selectOption("process_payment");
    await page.getByRole("button", { name: "Show these for the task" }).click();
    await page.getByLabel("order_id (required)").waitFor();
    expect(await page.getByLabel("hour", { exact: true }).inputValue()).toBe("6");
  });

  it("a schedule is changed, disabled, enabled, run now and deleted", async () => {
    await dashboard.post("/api/schedules/", {
      name: "steered",
      task: "process_data",
      kwargs: { data: "x" },
      interval: { every: 1, period: "days" },
    });
    const { page } = await dashboard.open("/dashboard/schedules/steered");
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByText("It is disabled.").waitFor();
    await page.getByRole("button", { name: "Enable" }).click();
    await page.getByText("It is enabled.").waitFor();
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Description").fill("changed here");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("It is changed.").waitFor();
    await page.getByText("changed here").waitFor();
    await page.getByRole("button", { name: "Run now" }).click();
    await page.waitForURL(/\/dashboard\/tasks\/[0-9a-f-]{36}$/);
    await page.getByText("It runs once more, as this task.").waitFor();
    await page.goto("/dashboard/schedules/steered");
    await page.getByText("manual").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("The schedule steered is deleted.").waitFor();
  });

  it("dead letters are replayed by choice and discarded by group", async () => {
    const path = "/dashboard/dead-letters/list?name=process_payment&exc_type=OrderNotFoundError";
    const { page } = await dashboard.open(path);
    page.on("dialog", (dialog) => void dialog.accept());
    await page.locator(`input[value="${deadId}"]`).check();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("1 replayed.").waitFor();
    await page.goto("/dashboard/dead-letters");
    await page.getByRole("button", { name: "Discard all process_payment" }).click();
    await page.getByText(/^\d discarded\.$/).waitFor();
  });

  it("nothing is discarded when the question is answered with no", async () => {
    await call("process_payment", { order_id: "none-4" });
    const { page } = await dashboard.open("/dashboard/dead-letters");
    page.on("dialog", (dialog) => void dialog.dismiss());
    await follow(page.getByRole("button", { name: "Discard all process_payment" }));
    expect(await page.locator("#notice").count()).toBe(0);
  });

  it("a queue is paused and goes on; all are stopped and started; one is purged", async () => {
    const { page } = await dashboard.open("/dashboard/queues");
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Pause callbacks" }).click();
    await page.getByText("callbacks is paused").waitFor();
    await page.getByRole("button", { name: "Purge callbacks" }).click();
    await page.getByText("Revoked in callbacks: 0 tasks.").waitFor();
    await page.getByRole("button", { name: "Resume callbacks" }).click();
    await page.getByText("callbacks goes on.").waitFor();
    await page.getByRole("button", { name: "Stop all queues" }).click();
    await page.getByText("All queues are stopped").waitFor();
    await page.getByRole("button", { name: "Start all queues" }).click();
    await page.getByText("All queues are consumed that are not paused.").waitFor();
  });

  it("limits are set, refused beside their field, and taken back", async () => {
    const { page } = await dashboard.open("/dashboard/queues");
    const rate = page.locator("form[action$=rate_limit]").last();
    await rate.getByLabel("Task").selectOption("process_data");
    await rate.getByLabel("Starts in a time").fill("many");
    await rate.getByRole("button").click();
    expect(await page.getByLabel("Starts in a time").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("Starts in a time").inputValue()).toBe("many");
    await page.getByLabel("Starts in a time").fill("10/m");
    await page.getByRole("button", { name: "Set the rate" }).click();
    await page.getByText("process_data has the rate 10/m.").waitFor();
    await page.getByRole("button", { name: "Back to the declared rate of process_data" }).click();
    await page.getByText("process_data has its declared rate again.").waitFor();
  });

  it("a task is called by the form made from its params", async () => {
    const { page } = await dashboard.open("/dashboard/definitions/process_data");
    await page.getByLabel("data (required)").fill("called by hand");
    await page.getByText("Options of the call").click();
    await page.getByLabel("Priority").fill("12");
    await page.getByRole("button", { name: "Call it" }).click();
    expect(await page.getByLabel("Priority").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("data (required)").inputValue()).toBe("called by hand");
    await page.getByLabel("Priority").fill("3");
    await page.getByRole("button", { name: "Call it" }).click();
    await page.waitForURL(/\/dashboard\/tasks\/[0-9a-f-]{36}$/);
  });

  it("an address is put on the list of suppressed ones and taken off it", async () => {
    const { page } = await dashboard.open("/dashboard/mail/suppressions");
    await page.getByLabel("Address").fill("nobody");
    await page.getByRole("button", { name: "Add" }).click();
    expect(await page.getByLabel("Address").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Address").fill("gone@example.com");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByRole("button", { name: "Take off gone@example.com" }).click();
    await page.getByText("gone@example.com is written to again.").waitFor();
  });

  it("a report is made at once, and a day that can't have one is refused", async () => {
    const { page } = await dashboard.open("/dashboard/reports");
    await page.getByLabel("A day of its period").fill("2020-01-01");
    await page.getByRole("button", { name: "Make the report" }).click();
    expect(await page.getByLabel("A day of its period").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("A day of its period").fill(new Date().toISOString().slice(0, 10));
    await page.getByRole("button", { name: "Make the report" }).click();
    await page.waitForURL(/\/dashboard\/tasks\/[0-9a-f-]{36}$/);
  });
});
