type Attributes = Readonly<Record<string, string | number | boolean>>;

/**
 * Does some work as a span of the platform's tracing.
 * @param attributes what the span says; only asked for where it is recorded
 * @param work `inner` makes spans within this one: asking the platform for each of many where nothing is recorded is not free
 */
export type Spans = <T>(name: string, attributes: () => Attributes, work: (inner: Spans) => T) => T;

/** Where nothing is recorded. */
export const noSpans: Spans = (_name, _attributes, work) => work(noSpans);
