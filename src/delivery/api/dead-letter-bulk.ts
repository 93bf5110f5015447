import type { DeadLetterBox, DeadLetterFilter } from "#engine";

/** Dead letters that one request deals with. */
export const MAX_BULK = 500;

/** The ids of those that fit now, those that failed last first. @param limit MAX_BULK at most */
export async function lettersThatFit(
  deadLetters: Pick<DeadLetterBox, "list">,
  filter: DeadLetterFilter,
  limit: number,
): Promise<string[]> {
  const { tasks } = await deadLetters.list(filter, limit, null);
  return tasks.map(({ id }) => id);
}
