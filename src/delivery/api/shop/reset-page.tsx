import type { HtmlEscapedString } from "hono/utils/html";
import type { Locale } from "#domain/mail";

const WORDS = {
  en: {
    title: "Set a new password",
    label: "New password, at least 8 characters",
    button: "Set it",
    done: "The new password is set. You can log in with it.",
    failed: "That did not work. Ask for a new link and try again.",
  },
  ru: {
    title: "Новый пароль",
    label: "Новый пароль, не менее 8 символов",
    button: "Сохранить",
    done: "Новый пароль сохранён. Теперь с ним можно войти.",
    failed: "Не получилось. Запросите новую ссылку и попробуйте ещё раз.",
  },
};

/** The token stands behind the #, which browsers send nowhere; it leaves the address bar at once. */
const SCRIPT = `
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);
const form = document.querySelector("form");
const answer = document.querySelector("output");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch("/api/password-reset/confirm/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, new_password: form.elements.password.value }),
  }).catch(() => null);
  const problem = response?.ok ? null : await response?.json().catch(() => null);
  const weak = problem?.errors?.find(({ field }) => field === "new_password");
  answer.textContent = response?.ok ? form.dataset.done : (weak?.message ?? form.dataset.failed);
  if (response?.ok) form.elements.password.value = "";
});`;

/** The page that a mailed link leads to. */
export function resetPage(locale: Locale): Response {
  const nonce = crypto.randomUUID();
  const words = WORDS[locale];
  const html = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{words.title}</title>
      </head>
      <body>
        <h1>{words.title}</h1>
        <form data-done={words.done} data-failed={words.failed}>
          <label>
            {words.label}
            <br />
            <input name="password" type="password" autocomplete="new-password" required />
          </label>
          <p>
            <button>{words.button}</button>
          </p>
        </form>
        <output aria-live="polite"></output>
        {/* Ours, word for word. */}
        <script nonce={nonce} dangerouslySetInnerHTML={{ __html: SCRIPT }} />
      </body>
    </html>
  );
  // Rendered at once: no component here waits for anything.
  return new Response(`<!doctype html>${html as HtmlEscapedString}`, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": `default-src 'none'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
  });
}
