/** What is sold, as the parts of the seed hand it to each other. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly sellerId: number | null;
}

interface Line {
  readonly product: Product;
  readonly quantity: number;
}

export interface Order {
  readonly id: string;
  readonly userId: number;
  readonly amount: number;
  readonly state: string;
  readonly createdAt: number;
  readonly lines: readonly Line[];
}
