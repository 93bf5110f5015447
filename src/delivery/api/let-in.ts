import type { ApiCall } from "./route.ts";

/** What goes on is asked so often whether its caller still may: it ends so much too late at most. */
const ASKED_EVERY_MS = 60_000;

/**
 * Ends what goes on when its caller signed out, or lost the role or the key.
 * @returns stops asking
 */
export function whileLetIn(
  { isStillLetIn }: Pick<ApiCall, "isStillLetIn">,
  end: () => void,
): () => void {
  const asking = setInterval(() => {
    void isStillLetIn().then((isIn) => {
      if (isIn) return;
      clearInterval(asking);
      end();
    });
  }, ASKED_EVERY_MS);
  return () => {
    clearInterval(asking);
  };
}
