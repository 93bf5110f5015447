import * as z from "zod";
import { LABEL_NAME, MAX_LABELS } from "#engine";

/** Labels that are all to be there, for what is done to all that fit: none would fit everything. */
export const filterLabels = z
  .record(z.string().regex(LABEL_NAME), z.string().min(1).max(200))
  .refine((labels) => Object.keys(labels).length > 0, "Names no label: all tasks would fit.")
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `No task has over ${MAX_LABELS}.`);
