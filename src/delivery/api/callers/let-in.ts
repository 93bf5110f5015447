import type { ApiCall } from "../route.ts";

/** What goes on is asked so often whether its caller still may: it ends so much too late at most. */
const ASKED_EVERY_MS = 60_000;
/**
 * After half a day it ends in any case, and who still may comes again: D1 answers one invocation a thousand queries,
 * and while nobody can tell, a caller may.
 */
const MAX_ASKED = 720;

/**
 * Ends what goes on when its caller signed out, or lost the role or the key.
 * @returns stops asking
 */
export function whileLetIn(
  { isStillLetIn }: Pick<ApiCall, "isStillLetIn">,
  end: () => void,
): () => void {
  let asked = 0;
  const asking = setInterval(() => {
    asked += 1;
    const answer = asked > MAX_ASKED ? Promise.resolve(false) : isStillLetIn();
    void answer.then((isIn) => {
      if (isIn) return;
      clearInterval(asking);
      end();
    });
  }, ASKED_EVERY_MS);
  return () => {
    clearInterval(asking);
  };
}
