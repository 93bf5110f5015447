import * as z from "zod";

/** An order's number, or an article's: it stands in addresses, and no address leads to `.` or `..`. */
export const shopId = z
  .string()
  .regex(/^[\w.:-]{1,64}$/, "Must be 1 to 64 letters, digits, or _ . : -")
  .refine((id) => id !== "." && id !== "..", "No address leads there.");
