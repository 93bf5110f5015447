import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the alert rules and the dashboard are. */
export const MONITORING = join(import.meta.dirname, "../../monitoring");

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { uid: string } }[];
}

/** The dashboard file, as far as tests look. */
export interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: {
    readonly list: readonly { name: string; type: string; definition?: string }[];
  };
  readonly panels: readonly Panel[];
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(MONITORING, "grafana.json"), "utf8")) as Dashboard;
}

/** Every expression of the dashboard, its variables filled in. */
export function expressionsOf({ panels, templating }: Dashboard): string[] {
  const variables = templating.list.flatMap(({ definition }) =>
    definition === undefined ? [] : definition.replace(/^label_values\((.*),\s*\w+\)$/, "$1"),
  );
  const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return [...variables, ...asked].map((expr) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll("$task", ".*"),
  );
}

/** The names of metrics in a text, Flower's and ours. */
export function metricsIn(text: string): Set<string> {
  return new Set(text.match(/\b(?:flower|lovage)_[a-z0-9_]+/g));
}
