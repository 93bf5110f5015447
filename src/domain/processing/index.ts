import * as z from "zod";
import { defineShopTask } from "../services/index.ts";

/** The generic task of the guides: answers its text in capitals. */
export const processData = defineShopTask({
  name: "process_data",
  params: z.object({ data: z.string() }),
  timeLimitSeconds: 20,
  handler: ({ data }) => ({ processed_data: data.toUpperCase() }),
});
