import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { expressionsOf, MONITORING, readDashboard } from "../monitoring/dashboard.ts";
import { promtool, whyNoPromtool } from "../monitoring/promtool.ts";

const reason = whyNoPromtool();
if (reason !== null) console.warn(`Alert rules are not tested: ${reason}.`);

it.skipIf(reason !== null)("the alert rules are rules", () => {
  const { status, said } = promtool(["check", "rules", join(MONITORING, "alerts.yml")]);
  expect(said).toMatch(/SUCCESS: \d+ rules found/);
  expect(status).toBe(0);
});

it.skipIf(reason !== null)("they fire when they should, and only then", () => {
  const { status, said } = promtool(["test", "rules", join(MONITORING, "alerts.test.yml")]);
  expect(said).toMatch(/SUCCESS/);
  expect(status).toBe(0);
});

it.skipIf(reason !== null)("every expression of the dashboard is one that Prometheus takes", () => {
  const folder = mkdtempSync(join(tmpdir(), "lovage-expressions-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const expressions = expressionsOf(readDashboard());
  expect(expressions.length).toBeGreaterThan(20);
  const rules = expressions.map((expr, at) => ({ record: `dashboard:expression_${at}`, expr }));
  // JSON is YAML.
  const file = join(folder, "expressions.yml");
  writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const { status, said } = promtool(["check", "rules", file]);
  expect(said).toContain(`SUCCESS: ${rules.length} rules found`);
  expect(status).toBe(0);
});

it("every panel of the dashboard asks the data source that was chosen, and none covers another", () => {
  const { panels, templating } = readDashboard();
  expect(templating.list[0]).toMatchObject({ name: "datasource", type: "datasource" });
  const sources = panels.flatMap(({ targets = [] }) => targets.map((each) => each.datasource.uid));
  expect(new Set(sources)).toEqual(new Set(["${datasource}"]));
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
});
