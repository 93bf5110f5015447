import { LOCALES } from "#domain/mail";
import { notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiParts, Route } from "../route.ts";
import { pageAnswer } from "../html.ts";
import { FORMATS, renderedMail, sampleOf } from "./email-views.ts";
import { emailRoutes } from "./email-routes.ts";
import { suppressionRoutes } from "./suppression-routes.ts";
import { languageFor, unsubscribePage } from "./unsubscribe-page.tsx";

/** Mail: what was sent, what messages look like, who wants none. */
export function mailRoutes(parts: ApiParts): Route[] {
  return [
    ...emailRoutes(parts),
    ...templateRoutes(parts),
    ...suppressionRoutes(parts),
    ...unsubscribeRoutes(parts),
  ];
}

function templateRoutes({ mails, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/mail/templates",
      scope: "monitor",
      handle: ({ query }) => {
        new QueryReader(query).check();
        return Response.json({
          templates: mails.map((mail) => ({
            name: mail.name,
            bulk: mail.isBulk,
            subjects: Object.fromEntries(
              LOCALES.map((locale) => [locale, sampleOf(mail, locale, shop.publicUrl).subject]),
            ),
          })),
        });
      },
    },
    {
      method: "GET",
      path: "/api/mail/templates/:name",
      scope: "monitor",
      handle: ({ params, query }) => {
        const reader = new QueryReader(query);
        const locale = reader.oneOf("locale", LOCALES) ?? shop.locale;
        const format = reader.oneOf("format", FORMATS) ?? "html";
        reader.check();
        const mail = mails.find(({ name }) => name === params["name"]);
        if (mail === undefined) throw notFound();
        return renderedMail(sampleOf(mail, locale, shop.publicUrl), format);
      },
    },
  ];
}

/**
 * Ends bulk mail for an address, by the link in it and nothing else. Opening the link changes nothing:
 * scanners open links. Sending its form does, and so does a mail program's own button (RFC 8058), whatever
 * the body. Safe to repeat.
 */
function unsubscribeRoutes({ shop }: ApiParts): Route[] {
  const addressOf = async (token: string | undefined) => {
    const address = await shop.mail.readerOf(token ?? "");
    if (address === null) throw notFound();
    return address;
  };
  const answer = (request: Request, address: string, isDone: boolean) =>
    pageAnswer(unsubscribePage(languageFor(request, shop.locale), address, isDone));
  return [
    {
      method: "GET",
      path: "/api/mail/unsubscribe/:token",
      scope: "public",
      handle: async ({ request, params }) =>
        answer(request, await addressOf(params["token"]), false),
    },
    {
      method: "POST",
      path: "/api/mail/unsubscribe/:token",
      scope: "public",
      handle: async ({ request, params }) => {
        const address = await addressOf(params["token"]);
        await shop.mail.unsubscribe(address);
        return answer(request, address, true);
      },
    },
  ];
}
