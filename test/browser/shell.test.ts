import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DARK, Dashboard, hasBrowser, PHONE } from "./dashboard.ts";

let dashboard: Dashboard;

describe.skipIf(!hasBrowser)("the dashboard's frame", () => {
  beforeAll(async () => {
    dashboard = await Dashboard.start(8_801);
    await dashboard.post("/api/create-order/", {
      orderId: "shell-1",
      userId: 1,
      totalAmount: 150,
      customerEmail: "customer@example.com",
    });
  });

  afterAll(async () => {
    await dashboard.stop();
  });

  it.each([
    ["mail", "/dashboard/mail", {}],
    ["mail-dark", "/dashboard/mail", DARK],
    ["mail-phone", "/dashboard/mail", PHONE],
  ])("%s has no barriers, breaks no policy and fits its window", async (name, path, options) => {
    const tab = await dashboard.open(path, options);
    await tab.picture(name);
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.isTooWide()).toBe(false);
    expect(tab.faults).toEqual([]);
  });

  it("the colours that a reader chooses stay", async () => {
    const { page } = await dashboard.open("/dashboard/mail");
    await page.getByRole("button", { name: "dark" }).click();
    await page.goto("/dashboard/mail");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.getByRole("button", { name: "system" }).click();
    expect(await page.locator("html").getAttribute("data-theme")).toBeNull();
  });

  it("a page that there is not says so as a page", async () => {
    const { page } = await dashboard.open("/dashboard/nothing");
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Not here");
  });

  it("the first key leads past the navigation", async () => {
    const { page } = await dashboard.open("/dashboard/mail");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  });

  it("what was done stays said, and what is typed stays, while the page refreshes itself", async () => {
    const call = { name: "process_data", kwargs: { data: "x" }, countdown: 3_600 };
    const { task_id: id } = await dashboard.post<{ task_id: string }>("/api/tasks/", call);
    const { page } = await dashboard.open(`/dashboard/tasks/${id}`);
    await page.getByText("Reschedule", { exact: true }).first().click();
    await page.getByLabel("Priority, 0 to 9").fill("7");
    await page.getByRole("button", { name: "Reschedule" }).click();
    await page.getByText("The task was rescheduled.").waitFor();
    await page.getByText("Reschedule", { exact: true }).first().click();
    await page.getByLabel("Priority, 0 to 9").fill("3");
    const refreshed = () =>
      page.waitForResponse((answer) => "x-live" in answer.request().headers());
    await refreshed();
    await refreshed();
    expect(await page.getByText("The task was rescheduled.").isVisible()).toBe(true);
    expect(await page.getByLabel("Priority, 0 to 9").inputValue()).toBe("3");
    // Its reason to wait goes, and with it a part of the page.
    await page.evaluate(() => {
      performance.now = () => 60_000;
    });
    await refreshed();
    await page.getByText("The task was rescheduled.").waitFor({ state: "detached" });
    expect(await page.getByLabel("Priority, 0 to 9").inputValue()).toBe("3");
  });

  it("who tabs through the tasks' page goes on from where they are when tasks come", async () => {
    const call = { name: "process_data", kwargs: { data: "x" } };
    await dashboard.post("/api/tasks/", call);
    await dashboard.post("/api/tasks/", call);
    // A full page is fetched again whenever something happens.
    const { page } = await dashboard.open("/dashboard/tasks?limit=2");
    const row = page.locator("tr[id^=task-]").first();
    const id = await row.getAttribute("id");
    await row.getByRole("link").focus();
    const { task_id: next } = await dashboard.post<{ task_id: string }>("/api/tasks/", call);
    await page.locator(`#task-${next}`).waitFor();
    const at = () => page.evaluate(() => document.activeElement?.closest("tr")?.id);
    expect(await at()).toBe(id);
    await page.keyboard.press("Tab");
    expect(await at()).toBe(id);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("copy");
  });

  it("what is typed, and the place of who types, stay when what stands before them goes", async () => {
    await dashboard.post("/api/control/shutdown", {});
    const { page } = await dashboard.open("/dashboard/queues");
    const stopped = page.getByText("All queues are stopped");
    expect(await stopped.isVisible()).toBe(true);
    const rate = page.getByLabel("Starts in a time");
    await rate.fill("10/m");
    await dashboard.post("/api/control/start", {});
    await stopped.waitFor({ state: "detached" });
    expect(await rate.inputValue()).toBe("10/m");
    expect(await rate.evaluate((field) => field === document.activeElement)).toBe(true);
  });

  it("a refused form's page takes other colours, and comes back when it is opened again", async () => {
    const { page } = await dashboard.open("/dashboard/queues");
    await page.getByLabel("Starts in a time").fill("ten a minute");
    await page.getByRole("button", { name: "Set the rate" }).click();
    const alert = await page.getByRole("alert").textContent();
    expect(alert).toContain("rate_limit: 'ten a minute' is not a rate");
    await page.getByRole("button", { name: "dark" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Queues and limits");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
  });

  it("a time limit is set and taken back, and one that makes no sense is said", async () => {
    const { page } = await dashboard.open("/dashboard/queues");
    const form = page.locator("form[action$=time_limit]").last();
    const set = async (soft: string, hard: string) => {
      await form.getByLabel("Task").selectOption("process_data");
      await form.getByLabel("Soft, seconds").fill(soft);
      await form.getByLabel("Hard, seconds").fill(hard);
      await form.getByRole("button", { name: "Set the limits" }).click();
    };
    await set("30", "10");
    expect(await page.getByRole("alert").textContent()).toContain("30 is over the hard limit");
    await set("5", "15");
    await page.getByText("process_data has other time limits now.").waitFor();
    const row = page.getByRole("row", { name: "process_data" });
    expect(await row.textContent()).toContain("15 s (declared: 20 s)");
    await row.getByRole("button", { name: "Back to the declared time limits" }).click();
    await page.getByText("process_data has its declared time limits again.").waitFor();
  });

  it("a backfill that makes no sense is said with what was entered", async () => {
    const { page } = await dashboard.open("/dashboard/schedules/backup_database");
    await page.getByLabel("From (UTC)").fill("2026-01-02T00:00:00");
    await page.getByLabel("Until (UTC)").fill("2026-01-01T00:00:00");
    await page.getByRole("button", { name: "Backfill" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("Must be after from");
    expect(await page.getByLabel("From (UTC)").inputValue()).toContain("2026-01-02T00:00");
    await page.getByLabel("From (UTC)").fill("2026-01-01T00:00:00");
    await page.getByLabel("Until (UTC)").fill("2026-01-02T12:00:00");
    await page.getByRole("button", { name: "Backfill" }).click();
    await page.getByText(/^Made up for \d slots?\.$/).waitFor();
  });

  it("every control of the tasks' page is reached by Tab, in the order that it is read", async () => {
    // Of a time that has an end: nothing comes, so it does not refresh itself, which would take the marks away.
    const { page } = await dashboard.open("/dashboard/tasks?until=2100-01-01T00:00");
    expect(await page.locator("main").getAttribute("data-live")).toBeNull();
    const all = await page
      .locator("a[href], button, input:not([type=hidden]), select, summary")
      .evaluateAll((found) =>
        found.map((one, index) => one.setAttribute("data-at", String(index))),
      );
    const reached: number[] = [];
    for (let n = 0; n < all.length * 3 && reached.at(-1) !== all.length - 1; n += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => document.activeElement?.getAttribute("data-at"));
      // A field for a time has parts, each of which Tab stops at.
      if (at != null && reached.at(-1) !== Number(at)) reached.push(Number(at));
    }
    expect(reached).toEqual(all.map((_, index) => index));
  });
});
