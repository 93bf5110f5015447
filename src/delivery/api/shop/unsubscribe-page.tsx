import type { HtmlEscapedString } from "hono/utils/html";
import { LOCALES, type Locale } from "#domain/mail";
import type { Page } from "../http/html.ts";

const WORDS = {
  en: {
    title: "Newsletters",
    question: (address: string) => `Send no more newsletters to ${address}?`,
    note: "Mail about your orders and your account still comes.",
    button: "Unsubscribe",
    done: (address: string) => `Done: no more newsletters go to ${address}.`,
  },
  ru: {
    title: "Рассылки",
    question: (address: string) => `Больше не присылать рассылки на ${address}?`,
    note: "Письма о ваших заказах и вашем аккаунте будут приходить по-прежнему.",
    button: "Отписаться",
    done: (address: string) => `Готово: рассылки на ${address} больше не придут.`,
  },
} as const;

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px; box-sizing: border-box;
  font: 16px/1.6 system-ui, sans-serif; background: light-dark(#f3f5f4, #12161a); color: light-dark(#1c2420, #e6eaee); }
main { max-width: 440px; padding: 32px; border-radius: 12px; background: light-dark(#fff, #1b2127); overflow-wrap: anywhere; }
h1 { margin: 0 0 12px; font-size: 20px; line-height: 1.35; }
p { margin: 0 0 20px; color: light-dark(#66736c, #9aa5b1); }
p:last-child { margin: 0; }
button { font: inherit; font-weight: 600; padding: 10px 22px; border: 0; border-radius: 8px; cursor: pointer;
  background: light-dark(#22794c, #4cae7c); color: light-dark(#fff, #08130d); }
`;

/** What a link to unsubscribe shows: a question with a button, or that it is done. */
export function unsubscribePage(locale: Locale, address: string, isDone: boolean): Page {
  const words = WORDS[locale];
  const html = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{words.title}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <main>
          <h1>{isDone ? words.done(address) : words.question(address)}</h1>
          <p>{words.note}</p>
          {isDone ? null : (
            <form method="post">
              <button>{words.button}</button>
            </form>
          )}
        </main>
      </body>
    </html>
  );
  return { html: html as HtmlEscapedString, style: STYLE };
}

/** The language that a browser asks for most, of those there are. */
export function languageFor(request: Request, fallback: Locale): Locale {
  const asked = (request.headers.get("Accept-Language") ?? "").split(",").flatMap((part) => {
    const [tag = "", ...more] = part.trim().toLowerCase().split(";");
    const quality = Number(/^\s*q=([\d.]+)$/.exec(more.at(-1) ?? "")?.[1] ?? 1);
    const locale = LOCALES.find((one) => one === tag.split("-")[0]);
    return locale !== undefined && quality > 0 ? [{ locale, quality }] : [];
  });
  const [best] = asked.sort((a, b) => b.quality - a.quality);
  return best?.locale ?? fallback;
}
