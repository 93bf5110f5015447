import * as z from "zod";

export const fieldErrorAnswer = z
  .strictObject({
    field: z
      .string()
      .describe("Dotted path from the body's root, or a header's or parameter's name."),
    message: z.string(),
  })
  .meta({ id: "FieldError" });

/** What every refusal says, as `Problem.toResponse` writes it; some say more. */
export const problemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.string().describe("What is wrong, for programs."),
    detail: z.string().describe("What is wrong, for people."),
    errors: z.array(fieldErrorAnswer).optional().describe("What doesn't fit, field by field."),
  })
  .meta({ id: "Problem", description: "What is wrong: RFC 9457." });
