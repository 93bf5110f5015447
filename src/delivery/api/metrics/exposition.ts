/** Labels of one sample, in the order in which they are written. */
export type Labels = Readonly<Record<string, string>>;

type Kind = "counter" | "gauge" | "histogram";

/**
 * Metrics in Prometheus' text format 0.0.4. Samples of one metric stand together, below what says what it is.
 * Source: prometheus.io/docs/instrumenting/exposition_formats
 */
export class Exposition {
  readonly #metrics = new Map<string, { readonly head: string; readonly samples: string[] }>();

  /** A value of a metric; NaN and infinities are written as Prometheus has them. */
  add(kind: Exclude<Kind, "histogram">, name: string, help: string, labels: Labels, value: number) {
    this.#samplesOf(kind, name, help).push(`${name}${written(labels)} ${numberText(value)}`);
  }

  /** @param buckets upper edges in ascending order with how many are within each, those below included */
  histogram(
    name: string,
    help: string,
    labels: Labels,
    value: {
      readonly buckets: readonly (readonly [edge: number, count: number])[];
      readonly sum: number;
      readonly count: number;
    },
  ): void {
    const samples = this.#samplesOf("histogram", name, help);
    for (const [edge, count] of [...value.buckets, [Infinity, value.count] as const]) {
      const le = numberText(edge);
      samples.push(`${name}_bucket${written({ ...labels, le })} ${numberText(count)}`);
    }
    samples.push(`${name}_sum${written(labels)} ${numberText(value.sum)}`);
    samples.push(`${name}_count${written(labels)} ${numberText(value.count)}`);
  }

  toString(): string {
    const parts = [...this.#metrics.values()].map(({ head, samples }) => head + samples.join("\n"));
    return `${parts.join("\n")}\n`;
  }

  #samplesOf(kind: Kind, name: string, help: string): string[] {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known.samples;
    const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    const metric = { head: `# HELP ${name} ${text}\n# TYPE ${name} ${kind}\n`, samples: [] };
    this.#metrics.set(name, metric);
    return metric.samples;
  }
}

function written(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
