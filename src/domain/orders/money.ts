import type { Locale } from "../mail/index.ts";

/** An amount as people read it: `$150.00`, `150,00 €`. */
export function moneyText(minor: number, currency: string, locale: Locale): string {
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  }).format(minor / 100);
}
