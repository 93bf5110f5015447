import * as z from "zod";
import { shownAs } from "../http/shown-as.ts";

/*
 * What signatures look like in requests. Members, callbacks and undos are read by themselves, so that whatever
 * doesn't fit is named by the place where it stands: the schemas take anything there, and show what is taken.
 */

/** A signature inside of another; `readSignature` reads it. */
const signature: z.ZodUnknown = shownAs(z.unknown(), (): z.ZodType => signatureForms);
const signatures = z.array(signature);
/** The header of a chord: a list of signatures, or one of a group. */
const header = shownAs(z.unknown(), () => z.union([signatures, signature]));

/** By its offset it may be in a year before 0 or after 9999, which are written otherwise. */
export const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((date) => date.toISOString().length === 24, "Must be a time up to the year 9999.");
export const seconds = z.number().min(0);

/** Options of a call with Celery's words; `link`, `link_error` and `undo` are signatures. */
export const optionFields = {
  countdown: seconds.optional().describe("Seconds from now until it is due."),
  eta: instant.optional().describe("When it is due."),
  expires: z
    .union([seconds, instant])
    .optional()
    .describe("When it is not started any more: an instant, or seconds from now."),
  queue: z.string().max(100).optional(),
  priority: z.int().optional(),
  max_retries: z.int().nullable().optional().describe("Null: without end."),
  soft_time_limit: seconds.optional(),
  time_limit: seconds.optional(),
  ignore_result: z.boolean().optional().describe("Its result is not kept."),
  result_expires: seconds
    .optional()
    .describe("Seconds after its end for which its result may be read."),
  key: z.string().optional().describe("Whom it is for: keys share a queue fairly."),
  labels: z.record(z.string(), z.string()).optional(),
  callback_url: z.string().optional().describe("Who is told, by a signed POST, that it has ended."),
  link: z.array(signature).max(10).optional(),
  link_error: z.array(signature).max(10).optional(),
  undo: signature.optional(),
  errors: z.enum(["fail", "collect"]).optional(),
  unique: z
    .union([
      z.boolean(),
      z.strictObject({
        key: z.string().optional(),
        for_seconds: z.number().optional(),
        keep: z.enum(["first", "replace"]).optional(),
      }),
    ])
    .optional(),
  throttle: seconds.optional().describe("One call like this in so many seconds."),
  debounce: seconds
    .optional()
    .describe("It starts when no call like this came for so many seconds."),
  debounce_max: seconds.optional(),
};
export const strictOptions = z.strictObject(optionFields);

export const list = z.array(z.unknown());
const args = list.default([]);
export const kwargs = z.record(z.string(), z.unknown()).default({});
const immutable = z.boolean().default(false);
export const besideSchema = z.strictObject({ immutable, ...optionFields });

/** Celery's own JSON of a signature. */
export const celeryForm = z.strictObject({
  task: z.string().min(1).max(200),
  args,
  kwargs,
  options: kwargs,
  subtask_type: z.string().nullable().optional(),
  immutable,
  chord_size: z.number().nullable().optional(),
});

export const taskForm = z.strictObject({
  name: z.string().min(1).max(200),
  args,
  kwargs,
  immutable,
  ...optionFields,
});
export const chordForm = z.strictObject({ header: header.optional(), body: signature.optional() });
export const mapForm = z.strictObject({ task: signature.optional(), items: list });
export const chunksForm = mapForm.extend({ size: z.int().min(1) });

const beside = besideSchema.shape;

/** Every form of a signature: Celery's own JSON, or the readable ones. */
const signatureForms = z
  .union([
    taskForm.describe("A call of a task."),
    z.strictObject({ chain: signatures, ...beside }).describe("One after the other."),
    z.strictObject({ group: signatures, ...beside }).describe("At the same time."),
    z
      .strictObject({ chord: chordForm, ...beside })
      .describe("A group, then a body with its results."),
    z.strictObject({ map: mapForm, ...beside }).describe("A task for each item, in one task."),
    z
      .strictObject({ starmap: mapForm, ...beside })
      .describe("As map; items are lists of arguments."),
    z
      .strictObject({ chunks: chunksForm, ...beside })
      .describe("As starmap, in tasks of `size` items."),
    celeryForm.describe("As `json.dumps` of Celery's signature writes it."),
  ])
  .meta({ id: "Signature", description: "A call of a task, or a canvas made of such calls." });

/** A whole request that is a signature. */
export const signatureBody = shownAs(z.unknown(), () => signatureForms);
