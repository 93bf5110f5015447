import type { Problem } from "../../api/problems.ts";
import type { ApiCall } from "../../api/route.ts";
import { page } from "./page.tsx";

const TITLES: Readonly<Record<number, string>> = {
  401: "Not signed in",
  403: "Not allowed",
  404: "Not here",
  409: "Not possible now",
  422: "Something does not fit",
  429: "Too many",
};

/** What went wrong, for people. */
export function problemPage(call: Pick<ApiCall, "request" | "caller">, problem: Problem): Response {
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
        <p class="quiet">
          Nothing was changed. Go back with your browser to change what you entered.
        </p>
      </section>
    ),
  });
  for (const [name, value] of Object.entries(problem.headers)) answer.headers.set(name, value);
  return answer;
}
