import * as z from "zod";
import { isAddress, LOCALES } from "#domain/mail";
import { isCurrency } from "#domain/orders";
import type { PaymentGateway } from "#domain/payments";
import type { FieldError } from "../http/problems.ts";

export { shopId } from "#domain/orders";

export const emailAddress = z.string().refine(isAddress, "Must be one e-mail address.");

/** An amount with at most two decimals, as minor units. The decimals are counted in the text. */
export const amount = z
  .number()
  .positive()
  .max(999_999.99)
  .refine((value) => /^\d+(\.\d{1,2})?$/.test(String(value)), "Must have at most two decimals.")
  .transform((value) => {
    const [whole = "0", decimals = ""] = String(value).split(".");
    return Number(whole) * 100 + Number(decimals.padEnd(2, "0"));
  });

/** Minor units as the number that `amount` takes. */
export function decimalOf(minor: number): number {
  return minor / 100;
}

export const currency = z
  .string()
  .refine(isCurrency, "Must be the ISO 4217 code of a currency with two decimals.");

/** What is charged, by Stripe's name for it: a PaymentMethod's id, or an older card's. */
export const paymentMethod = z
  .string()
  .regex(/^(pm|card)_\w{1,200}$/, "Must be the id of a payment method: pm_…");

/** The error of a request that says nothing to charge where the gateway needs it. */
export function missingMethod(
  { needsPaymentMethod }: PaymentGateway,
  given: string | undefined,
): FieldError[] {
  if (!needsPaymentMethod || given !== undefined) return [];
  return [{ field: "paymentMethod", message: "Is needed: what is to be charged." }];
}

export const locale = z.enum(LOCALES);
