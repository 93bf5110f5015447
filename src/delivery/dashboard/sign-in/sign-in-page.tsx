import type { ApiCall } from "../../api/route.ts";
import { page } from "../shell/index.ts";

/** Why nobody was let in. */
type Refused =
  | { readonly kind: "wait"; readonly retryAfterSeconds: number }
  | { readonly kind: "wrong" }
  | { readonly kind: "no_staff" };

const STATUS = { wait: 429, wrong: 401, no_staff: 403 } as const;

export function signInPage(
  call: ApiCall,
  {
    next,
    username = "",
    refusal,
  }: { readonly next: string; readonly username?: string; readonly refusal?: Refused },
): Response {
  const answer = page(call, {
    title: "Sign in",
    place: "",
    status: refusal === undefined ? 200 : STATUS[refusal.kind],
    children: (
      <form class="card fields tall narrow" method="post" action="/dashboard/sign-in">
        {refusal === undefined ? null : (
          <p class="fault" role="alert" id="fault">
            {wordsOf(refusal)}
          </p>
        )}
        <label>
          User name
          <input
            name="username"
            value={username}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            maxlength={150}
            required
            autofocus={username === ""}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            autofocus={username !== ""}
            aria-describedby={refusal === undefined ? undefined : "fault"}
          />
        </label>
        <input type="hidden" name="next" value={next} />
        <button class="main">Sign in</button>
      </form>
    ),
  });
  if (refusal?.kind === "wait") {
    answer.headers.set("Retry-After", String(refusal.retryAfterSeconds));
  }
  if (refusal?.kind === "wrong") {
    answer.headers.set("WWW-Authenticate", 'Bearer realm="lovage"');
  }
  return answer;
}

function wordsOf(refusal: Refused): string {
  switch (refusal.kind) {
    case "wrong":
      return "The user name or the password is not right.";
    case "no_staff":
      return "The dashboard is for those who run this deployment. Your account has no such role: ask an admin for one.";
    case "wait": {
      const minutes = Math.ceil(refusal.retryAfterSeconds / 60);
      return `Too many tries. Try again in ${minutes === 1 ? "a minute" : `${minutes} minutes`}.`;
    }
  }
}
