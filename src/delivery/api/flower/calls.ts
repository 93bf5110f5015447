import * as z from "zod";
import { jsonOf, fieldErrors, readBytes } from "../http/body.ts";
import { invalid } from "../http/problems.ts";
import { optionFields } from "../tasks/signature-schema.ts";
import type { callSchema } from "../tasks/task-calls.ts";
import { momentOf } from "./dates.ts";

const MAX_BODY_BYTES = 1_048_576;

const moment = z.string().transform((text, context) => {
  const at = momentOf(text);
  if (at !== null) return at;
  context.addIssue({ code: "custom", message: "Must be a time as 2026-11-21 08:00:00.000000." });
  return z.NEVER;
});
const seconds = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d+(\.\d+)?$/)
      .transform(Number),
  ])
  .pipe(z.number().min(0));

/** What a call may say besides its arguments: options of `apply_async`. */
export const flowerCallSchema = z.strictObject({
  args: z.array(z.unknown()).default([]),
  kwargs: z.record(z.string(), z.unknown()).default({}),
  ...optionFields,
  eta: moment.optional(),
  countdown: seconds.optional(),
  expires: z.union([seconds, moment]).optional(),
  // How a message travels in Celery; there is none here.
  serializer: z.unknown().optional(),
  compression: z.unknown().optional(),
  retry: z.unknown().optional(),
  retry_policy: z.unknown().optional(),
});

/**
 * The call of a task as Flower takes it: JSON whatever the content type says, or nothing at all.
 * @throws Problem 400, 413 or 422
 */
export async function readCall(
  request: Request,
  name: string,
): Promise<z.output<typeof callSchema>> {
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  const body = bytes.byteLength === 0 ? {} : jsonOf(bytes);
  const checked = flowerCallSchema.safeParse(body);
  if (!checked.success) throw invalid(checked.error.issues.flatMap(fieldErrors));
  const { serializer: _s, compression: _c, retry: _r, retry_policy: _p, ...call } = checked.data;
  return { name, ...call };
}
