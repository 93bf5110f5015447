type Attributes = Readonly<Record<string, string | number | boolean>>;

/**
 * Does some work as a span of the platform's tracing.
 * @param attributes what the span says; only asked for where it is recorded
 */
export type Spans = <T>(name: string, attributes: () => Attributes, work: () => T) => T;

/** Where nothing is recorded. */
export const noSpans: Spans = (_name, _attributes, work) => work();
