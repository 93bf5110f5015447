type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** The same object without the keys that have no value. */
export function withoutUndefined<T extends object>(value: T): Partial<Defined<T>> {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries) as Partial<Defined<T>>;
}
