import { endedOf, percentile } from "#engine";
import { Cell, count, duration, Table } from "../shell/index.ts";
import { percent, successShare, type Step } from "./figures.ts";

const HEAD = [
  ...["From (UTC)", "Succeeded", "Failed", "Revoked", "Ignored", "Success rate"],
  ...["Run p50", "Run p95", "Run p99", "Wait p50", "Wait p95", "Wait p99"],
] as const;

/** The numbers of the plots, for who reads rather than looks. Steps in which nothing ended are left out. */
export function Numbers({ steps }: { steps: readonly Step[] }) {
  const shown = steps.filter(({ figures }) => endedOf(figures) + figures.runtime.count > 0);
  return (
    <details class="card" id="numbers">
      <summary>The numbers of these plots as a table</summary>
      <Table caption="Tasks that ended, by time" head={HEAD} numbers={HEAD.slice(1)}>
        {shown.map(({ from, figures }) => {
          const { succeeded, failed, revoked, ignored, runtime, wait } = figures;
          const iso = new Date(from).toISOString();
          const cells = [
            ...[succeeded, failed, revoked, ignored].map(count),
            percent(successShare(figures)),
            ...[0.5, 0.95, 0.99].map((share) => duration(percentile(runtime, share))),
            ...[0.5, 0.95, 0.99].map((share) => duration(percentile(wait, share))),
          ];
          return (
            <tr>
              <Cell name={HEAD[0]}>{`${iso.slice(0, 10)} ${iso.slice(11, 16)}`}</Cell>
              {cells.map((cell, index) => (
                <Cell name={HEAD[index + 1] ?? ""} kind="number">
                  {cell}
                </Cell>
              ))}
            </tr>
          );
        })}
      </Table>
    </details>
  );
}
