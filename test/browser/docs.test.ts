import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DARK, Dashboard, hasBrowser, PHONE } from "./dashboard.ts";

let dashboard: Dashboard;

describe.skipIf(!hasBrowser)("the API's documentation", () => {
  beforeAll(async () => {
    dashboard = await Dashboard.start(9_140);
  });

  afterAll(async () => {
    await dashboard.stop();
  });

  it.each([
    ["docs", {}],
    ["docs-dark", DARK],
    ["docs-phone", PHONE],
  ])("%s has no barriers, breaks no policy and fits its window", async (name, options) => {
    const tab = await dashboard.open("/docs#getTasksById", options);
    await tab.page.locator("#postTasks summary").click();
    await tab.picture(name);
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.isTooWide()).toBe(false);
    expect(tab.faults).toEqual([]);
  });

  it("an address leads to its operation and opens it", async () => {
    const { page } = await dashboard.open("/docs#postTasksBulk");
    expect(await page.locator("#postTasksBulk").getAttribute("open")).not.toBeNull();
    await page.locator("#postTasksBulk").getByRole("link", { name: "TaskCall" }).click();
    expect(await page.locator("#schema-TaskCall").getAttribute("open")).not.toBeNull();
  });

  it("an operation opens by the keyboard, and shows a request with curl", async () => {
    const { page } = await dashboard.open("/docs");
    await page.locator("#postCreateOrder summary").focus();
    await page.keyboard.press("Enter");
    const shown = page.locator("#postCreateOrder pre");
    expect(await shown.textContent()).toContain('curl -X POST "$LOVAGE/api/create-order"');
  });

  it("the search answers while it is typed", async () => {
    const { page } = await dashboard.open("/docs");
    await page.getByRole("searchbox").fill("backup restore");
    expect(await page.locator("details.operation:visible").count()).toBe(1);
    expect(await page.locator("#found").textContent()).toMatch(/^1 of \d+ operations\.$/);
  });

  it("without a script the server searches", async () => {
    const { page } = await dashboard.open("/docs", { javaScriptEnabled: false });
    await page.getByRole("searchbox").fill("backup restore");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs?q=*");
    expect(await page.locator("details.operation").count()).toBe(1);
  });

  it("whatever is searched for, it stays text", async () => {
    const tab = await dashboard.open("/docs?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    expect(await tab.page.locator("#found").textContent()).toBe("Nothing has these words.");
    expect(tab.faults).toEqual([]);
  });
});
