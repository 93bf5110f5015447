import type { Locale } from "../mail/index.ts";

/** Those that have no decimals, three, or four: in ISO 4217, or (MGA) as Stripe counts them. */
const OTHER_DECIMALS = new Set(
  [
    "BIF CLP DJF GNF ISK JPY KMF KRW MGA PYG RWF UGX UYI VND VUV XAF XOF XPF",
    "BHD IQD JOD KWD LYD OMR TND CLF UYW",
  ].flatMap((codes) => codes.split(" ")),
);

/**
 * Whether amounts may be in a currency: every amount here has two decimals, so in one that has none a gateway
 * would take a hundred times as much.
 */
export function isCurrency(code: string): boolean {
  return /^[A-Z]{3}$/.test(code) && !OTHER_DECIMALS.has(code);
}

/** An amount as people read it: `$150.00`, `150,00 €`. */
export function moneyText(minor: number, currency: string, locale: Locale): string {
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  }).format(minor / 100);
}
