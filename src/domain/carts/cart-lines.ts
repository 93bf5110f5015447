/** So much of an article. */
export interface CartLine {
  readonly sku: string;
  /** 1 to 999. */
  readonly quantity: number;
}

/** The most lines a cart has. */
export const MAX_LINES = 100;
export const MAX_QUANTITY = 999;

/** Puts an article in, or changes how much of it is in. Null: the cart is full. */
export function withLine(lines: readonly CartLine[], line: CartLine): readonly CartLine[] | null {
  const isIn = lines.some(({ sku }) => sku === line.sku);
  if (isIn) return lines.map((old) => (old.sku === line.sku ? line : old));
  return lines.length < MAX_LINES ? [...lines, line] : null;
}

export function withoutLine(lines: readonly CartLine[], sku: string): readonly CartLine[] {
  return lines.filter((line) => line.sku !== sku);
}
