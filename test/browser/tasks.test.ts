import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DARK, Dashboard, follow, hasBrowser, PHONE } from "./dashboard.ts";
import { ownWorkerConfig } from "./own-worker.ts";

let dashboard: Dashboard;
const ids: Record<string, string> = {};

async function call(name: string, kwargs: object, options: object = {}): Promise<string> {
  const answer = await dashboard.post<{ task_id: string }>("/api/tasks/", {
    name,
    kwargs,
    ...options,
  });
  return answer.task_id;
}

async function canvas(parts: unknown): Promise<string> {
  return (await dashboard.post<{ canvas_id: string }>("/api/canvas/", parts)).canvas_id;
}

async function ended(id: string): Promise<void> {
  await fetch(`${dashboard.server.url}/api/tasks/${id}/?wait=30`);
}

const data = (text: string) => ({ task: "process_data", kwargs: { data: text }, immutable: true });

const HOSTILE = `<img src=x onerror="alert(1)"> ‮שלום 🎉 ${"x".repeat(3_000)}`;

describe.skipIf(!hasBrowser)("tasks on the dashboard", () => {
  beforeAll(async () => {
    dashboard = await Dashboard.start(9_171, {}, ownWorkerConfig());
    ids["success"] = await call("process_data", { data: HOSTILE }, { labels: { kind: "<b>" } });
    ids["failure"] = await call("process_payment", { order_id: "none" });
    ids["retry"] = await call("stumble", { times: 2 });
    ids["waiting"] = await call("process_data", { data: "later" }, { countdown: 3_600 });
    ids["revoked"] = await call("process_data", { data: "never" }, { countdown: 3_600 });
    await dashboard.post(`/api/tasks/${ids["revoked"]}/revoke/`, {});
    ids["suspended"] = await call("listen", {});
    ids["nested"] = await canvas({
      chain: [
        data("a"),
        {
          chord: {
            header: [
              data("b"),
              { chain: [data("c"), data("d")] },
              { group: [data("e"), data("f")] },
            ],
            body: data("g"),
          },
        },
        { ...data("h"), options: { countdown: 3_600 } },
      ],
    });
    const members = Array.from({ length: 1_000 }, (_, n) => data(`member ${n}`));
    ids["large"] = await canvas({ chain: [data("a"), { group: members }, data("z")] });
    await Promise.all(["success", "failure", "retry", "large"].map((id) => ended(ids[id] ?? "")));
  });

  afterAll(async () => {
    await dashboard.stop();
  });

  const task = (name: string) => `/dashboard/tasks/${ids[name]}`;
  const graph = (name: string) => `/dashboard/canvas/${ids[name]}`;

  const PAGES: readonly (readonly [string, () => string])[] = [
    ["overview", () => "/dashboard"],
    ["overview-day", () => "/dashboard?span=24h"],
    ["overview-week", () => "/dashboard?span=7d"],
    ["tasks", () => "/dashboard/tasks?limit=25"],
    ["tasks-none", () => "/dashboard/tasks?name=nothing"],
    ["task-success", () => task("success")],
    ["task-failure", () => task("failure")],
    ["task-retry", () => task("retry")],
    ["task-waiting", () => task("waiting")],
    ["task-revoked", () => task("revoked")],
    ["task-suspended", () => task("suspended")],
    ["task-canvas", () => task("nested")],
    ["canvas-nested", () => graph("nested")],
    ["canvas-large", () => graph("large")],
    ["canvas-members", () => `${graph("large")}?from=3&to=1003`],
  ];
  const LOOKS = [
    ["", {}],
    ["-dark", DARK],
    ["-phone", PHONE],
  ] as const;

  it.each(
    PAGES.flatMap(([name, path]) =>
      LOOKS.map((look) => [`${name}${look[0]}`, path, look[1]] as const),
    ),
  )("%s has no barriers, breaks no policy and fits its window", async (name, path, options) => {
    const tab = await dashboard.open(path(), options);
    for (const closed of await tab.page.locator("main details").all()) {
      await closed.evaluate((details) => details.setAttribute("open", ""));
    }
    await tab.picture(name);
    expect(await tab.barriers()).toEqual([]);
    expect(await tab.isTooWide()).toBe(false);
    expect(tab.faults).toEqual([]);
  });

  it("the first address leads people to the dashboard", async () => {
    const { page } = await dashboard.open("/");
    expect(new URL(page.url()).pathname).toBe("/dashboard");
  });

  it("a running task's progress, log and end are seen without loading its page again", async () => {
    const id = await call("walk", { steps: 8 });
    const tab = await dashboard.open(`/dashboard/tasks/${id}`);
    await tab.page.evaluate(() => {
      document.body.dataset["loaded"] = "once";
    });
    const progress = tab.page.getByRole("progressbar");
    await progress.waitFor();
    const first = Number(await progress.getAttribute("value"));
    await expect
      .poll(async () => Number(await progress.getAttribute("value")))
      .toBeGreaterThan(first);
    await tab.picture("task-progress");
    await tab.page.locator(".task-head .tag.SUCCESS").waitFor({ timeout: 20_000 });
    await tab.page.getByText("reached 8", { exact: true }).waitFor();
    expect(await progress.count()).toBe(0);
    expect(await tab.page.locator("body").getAttribute("data-loaded")).toBe("once");
    // What is over is not asked for any more.
    expect(await tab.page.locator("main").getAttribute("data-live")).toBeNull();
    expect(tab.faults).toEqual([]);
  });

  it("new tasks come into the list by themselves, and what was chosen stays chosen", async () => {
    const { page } = await dashboard.open("/dashboard/tasks?limit=25");
    const first = await page.locator("tbody tr").first().getAttribute("id");
    const chosen = page.locator(`#${first}`).getByRole("checkbox");
    await chosen.check();
    const id = await call("process_data", { data: "just now" });
    await page.locator(`#task-${id}`).waitFor({ timeout: 20_000 });
    expect(await chosen.isChecked()).toBe(true);
    expect(await page.locator(`#task-${id}`).getByRole("checkbox").isChecked()).toBe(false);
  });

  it("a thousand tasks at once refresh the list once a second at most", async () => {
    const { page } = await dashboard.open("/dashboard/tasks?limit=25");
    const refreshedAt: number[] = [];
    page.on("request", (request) => {
      if (request.headers()["x-live"] !== undefined) refreshedAt.push(Date.now());
    });
    const tasks = Array.from({ length: 1_000 }, (_, n) => ({
      name: "process_data",
      kwargs: { data: `flood ${n}` },
    }));
    const { task_ids: many } = await dashboard.post<{ task_ids: string[] }>("/api/tasks/bulk/", {
      tasks,
    });
    await page.locator(`#task-${many.at(-1)} .tag.SUCCESS`).waitFor({ timeout: 15_000 });
    const gaps = refreshedAt.slice(1).map((at, index) => at - (refreshedAt[index] ?? 0));
    expect(refreshedAt.length).toBeGreaterThan(0);
    expect(gaps.every((gap) => gap >= 900)).toBe(true);
  });

  it("tasks are found by name, state, text and label; pages go on and back", async () => {
    const { page } = await dashboard.open("/dashboard/tasks");
    await page.getByLabel("Name or a glob").fill("process_p*");
    await page.getByRole("combobox", { name: "State" }).selectOption("FAILURE");
    await follow(page.getByRole("button", { name: "Find" }));
    expect(await page.locator("tbody tr").count()).toBe(1);
    await page.goto("/dashboard/tasks?text=member+999");
    expect(await page.locator("tbody tr").count()).toBe(1);
    await page.goto(`/dashboard/tasks?label=${encodeURIComponent("kind:<b>")}`);
    expect(await page.locator("tbody tr").count()).toBe(1);
    await page.goto("/dashboard/tasks?limit=25");
    const before = await page.locator("tbody tr").first().getAttribute("id");
    await page.getByRole("link", { name: "Older" }).click();
    expect(await page.locator("tbody tr").first().getAttribute("id")).not.toBe(before);
    await page.getByRole("link", { name: "Newest" }).click();
    expect(await page.locator("tbody tr").first().getAttribute("id")).toBe(before);
  });

  it("the rows of a page are sorted by their heads, all pages by the time", async () => {
    const { page } = await dashboard.open("/dashboard/tasks?limit=200");
    await follow(page.getByRole("link", { name: "Task", exact: true }));
    const names = await page.locator("tbody td[data-name=Task] > a").allTextContents();
    expect(names).toEqual(names.toSorted());
    await page.goto("/dashboard/tasks");
    await page.getByRole("link", { name: /^Received/ }).click();
    expect(await page.locator("tbody tr").first().getAttribute("id")).toBe(
      `task-${ids["success"]}`,
    );
  });

  it("a task is revoked, rescheduled, told something and replayed by its buttons", async () => {
    const id = await call("process_data", { data: "moved" }, { countdown: 3_600 });
    const { page } = await dashboard.open(`/dashboard/tasks/${id}`);
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByText("Reschedule").first().click();
    await page.getByLabel("Priority, 0 to 9").fill("7");
    await page.getByRole("button", { name: "Reschedule" }).click();
    expect(await page.getByRole("status").textContent()).toBe("The task was rescheduled.");
    expect(await page.locator(".task-head").textContent()).toContain("priority 7");
    await page.getByRole("button", { name: "Revoke" }).click();
    expect(await page.getByRole("status").textContent()).toBe("The task is revoked.");

    await page.goto(task("failure"));
    await page.getByText("Replay with other arguments").click();
    await page.getByLabel("Arguments as a JSON object").fill('{"order_id": "other"}');
    await page.locator("#replay").getByRole("button", { name: "Replay" }).click();
    expect(await page.getByRole("status").textContent()).toContain("This task replays");
    expect(await page.getByLabel("Arguments", { exact: true }).last().textContent()).toContain(
      "other",
    );

    const listening = await call("listen", {});
    await page.goto(`/dashboard/tasks/${listening}`);
    await page.getByText("It waits for the event").waitFor({ timeout: 15_000 });
    await page.getByLabel("Payload as JSON").fill('{"said": 1}');
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".task-head .tag.SUCCESS").waitFor({ timeout: 15_000 });
  });

  it("arguments that don't fit are refused with their field, as a page", async () => {
    const failed = await call("process_payment", { order_id: "wrong" });
    await ended(failed);
    const { page } = await dashboard.open(`/dashboard/tasks/${failed}`);
    await page.getByText("Replay with other arguments").click();
    await page.getByLabel("Arguments as a JSON object").fill('{"order_id": 1, "more": true}');
    await page.locator("#replay").getByRole("button", { name: "Replay" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(
      "Something does not fit",
    );
    expect(await page.locator("main").textContent()).toContain("kwargs");
  });

  it("chosen tasks are dealt with together; those that can't be are said", async () => {
    const label = { labels: { bulk: "1" } };
    for (const text of ["a", "b"])
      await call("process_data", { data: text }, { countdown: 3_600, ...label });
    const { page } = await dashboard.open("/dashboard/tasks?label=bulk%3A1");
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByLabel("All of this page").check();
    await follow(page.getByRole("button", { name: "Revoke" }));
    expect(await page.getByRole("status").textContent()).toBe("Revoked 2 of 2 tasks.");
    expect(await page.locator(".tag.REVOKED").count()).toBe(2);
    await page.goto(`/dashboard/tasks?state=PENDING`);
    await page.locator(`#task-${ids["waiting"]}`).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Replay" }).click();
    expect(await page.getByRole("status").textContent()).toContain("Replayed 0 of 1 task.");
  });

  it("a canvas is walked through with the keyboard, and its states change by themselves", async () => {
    const id = await canvas({ chain: [{ task: "walk", kwargs: { steps: 4 } }, data("after")] });
    const { page } = await dashboard.open(`/dashboard/canvas/${id}`);
    await page
      .locator(".graph .node.STARTED, .graph .node.PROGRESS")
      .first()
      .waitFor({ timeout: 10_000 });
    await expect
      .poll(() => page.locator(".graph .node.SUCCESS").count(), { timeout: 20_000 })
      .toBe(2);
    await page.locator("#main").focus();
    await page.keyboard.press("Tab");
    const reached: string[] = [];
    for (let times = 0; times < 10; times += 1) {
      const label = await page.evaluate(() => document.activeElement?.textContent ?? "");
      reached.push(label);
      if (label === "process_data SUCCESS") break;
      await page.keyboard.press("Tab");
    }
    expect(reached).toContain("walk SUCCESS");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/dashboard\/tasks\//);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("process_data");
  });

  it("a thousand members are one node, whose list goes on page by page", async () => {
    const { page } = await dashboard.open(graph("large"));
    await follow(page.getByRole("link", { name: /1,000 × process_data 1,000 SUCCESS/ }));
    expect(await page.locator("#members tbody tr").count()).toBe(50);
    await page.getByRole("link", { name: "Further" }).click();
    expect(
      await page.locator("#members tbody tr").first().locator("td").last().textContent(),
    ).toContain("MEMBER 50");
  });

  it("the dashboard works without script", async () => {
    const { page } = await dashboard.open("/dashboard/tasks?state=FAILURE", {
      javaScriptEnabled: false,
    });
    await page.locator("tbody td[data-name=Task] > a").first().click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("process_payment");
    expect(await page.locator("time").first().textContent()).toContain("UTC");
  });
});
