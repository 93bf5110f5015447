import type { Problem } from "../../api/http/problems.ts";
import type { ApiCall } from "../../api/route.ts";
import { page } from "./page.tsx";

const TITLES: Readonly<Record<number, string>> = {
  401: "Not signed in",
  403: "Not allowed",
  404: "Not here",
  409: "Not possible now",
  422: "Something does not fit",
  429: "Too many",
  503: "Not possible just now",
};
const TRY_AGAIN_SECONDS = 5;

/** What went wrong, for people. */
export function problemPage(call: Pick<ApiCall, "request" | "caller">, problem: Problem): Response {
  const isForm = call.request.method === "POST";
  const isTriedAgain = !isForm && problem.status === 503;
  const answer = page(call, {
    title: TITLES[problem.status] ?? "That did not work",
    place: "",
    status: problem.status,
    children: (
      <section class="card stack">
        <p>{problem.message}</p>
        {problem.errors.length === 0 ? null : (
          <ul>
            {problem.errors.map(({ field, message }) => (
              <li>
                <strong>{field}</strong>: {message}
              </li>
            ))}
          </ul>
        )}
        {isForm && problem.status < 500 ? (
          <p class="quiet">
            Nothing was changed. Go back with your browser to change what you entered.
          </p>
        ) : null}
        {isTriedAgain ? <p class="quiet">The page is tried again by itself.</p> : null}
      </section>
    ),
  });
  if (isTriedAgain) answer.headers.set("Refresh", String(TRY_AGAIN_SECONDS));
  for (const [name, value] of Object.entries(problem.headers)) answer.headers.set(name, value);
  return answer;
}
