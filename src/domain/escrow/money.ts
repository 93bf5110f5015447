import type { Locale } from "../mail/index.ts";

/** An amount of two decimals as people read it: "150.00 USD", in Russian "150,00 USD". */
export function amountText(minor: number, currency: string, locale: Locale): string {
  const whole = Math.floor(minor / 100);
  const decimals = String(minor % 100).padStart(2, "0");
  return `${whole}${locale === "ru" ? "," : "."}${decimals} ${currency}`;
}
