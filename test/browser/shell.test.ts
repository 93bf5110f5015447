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
});
