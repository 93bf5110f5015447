import * as z from "zod";
import type { EscrowParts } from "#domain/escrow";
import type { ApiCall, ApiParts } from "../route.ts";

/** An account's id. */
export const accountId = z.int().positive();
/** A line of text. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, "Must be one line.");
/** What somebody has to say. */
export const words = z.string().trim().min(1).max(2_000);

/** What changes work with. The tasks that tell of them are the deployment's: no caller sees others' addresses. */
export function escrowParts(
  parts: ApiParts,
  { background }: Pick<ApiCall, "background">,
): EscrowParts {
  const { db, outbox, clock } = parts.shop;
  return { db, outbox, clock, lovage: parts.lovageFor("escrow"), background };
}
