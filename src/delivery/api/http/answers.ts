import * as z from "zod";

/*
 * Parts that many answers have. Answers are strict here: a test holds every answer against its schema, and a
 * field that no schema knows is a mistake. The document lets clients expect new ones.
 */

/** An instant as answers write it. */
export const isoTime = z.iso.datetime().describe("ISO 8601, in UTC.");
export const isoTimeOrNull = isoTime.nullable();

/** A field with JSON of any form. */
export const anyJson = z.unknown();
export const jsonObject = z.record(z.string(), z.unknown());

export const taskId = z.string().describe("The id of a task.");

/** What set off one task answers. */
export const startedAnswer = z.strictObject({ task_id: taskId }).meta({ id: "StartedTask" });

export const messageAnswer = z.strictObject({ message: z.string() }).meta({ id: "Message" });

/** Where the next page begins; null: this one was the last. */
export const nextCursor = z
  .string()
  .nullable()
  .describe("Given as `cursor` it leads to the next page; null: there is none.");

/** A page of a list. */
export function pageOf<Name extends string, Item extends z.ZodType>(name: Name, item: Item) {
  return z.strictObject({ [name]: z.array(item), next_cursor: nextCursor } as {
    [Key in Name]: z.ZodArray<Item>;
  } & { next_cursor: typeof nextCursor });
}

/** What went wrong in a task, as others may see it. */
export const taskError = z
  .strictObject({ exc_type: z.string(), exc_message: z.string() })
  .meta({ id: "TaskError" });
