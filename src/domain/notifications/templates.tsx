import type { HtmlEscapedString } from "hono/utils/html";

/** Languages that mails and results are written in. */
export type Locale = "en" | "ru";

/** What a template makes: HTML and its text twin say the same. */
interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const ORDER_CONFIRMATION = {
  en: {
    subject: (orderId: string) => `Order confirmation #${orderId}`,
    body: (orderId: string) =>
      `Thank you for your order #${orderId}! We have started processing it.`,
  },
  ru: {
    subject: (orderId: string) => `Подтверждение заказа #${orderId}`,
    body: (orderId: string) => `Спасибо за ваш заказ #${orderId}! Мы приступили к его обработке.`,
  },
};

export function renderOrderConfirmation(orderId: string, locale: Locale): RenderedMail {
  const words = ORDER_CONFIRMATION[locale];
  const subject = words.subject(orderId);
  const text = words.body(orderId);
  return { subject, text, html: page(locale, subject, <p>{text}</p>) };
}

/** A text of the deployment's own, line by line. */
export function renderAdminNotification(
  subject: string,
  message: string,
  locale: Locale,
): RenderedMail {
  const lines = message.split("\n");
  const body = (
    <>
      {lines.map((line) => (
        <p>{line}</p>
      ))}
    </>
  );
  return { subject, text: message, html: page(locale, subject, body) };
}

function page(locale: Locale, title: string, body: unknown): string {
  const html = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <title>{title}</title>
      </head>
      <body>
        <h1>{title}</h1>
        {body}
      </body>
    </html>
  );
  // Rendered at once: no component here waits for anything.
  return `<!doctype html>${html as HtmlEscapedString}`;
}
