import * as z from "zod";
import { LOCALES } from "#domain/mail";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problems.ts";
import { oneOf, oneOfOr } from "../http/query-params.ts";
import type { ApiParts, Route } from "../route.ts";
import { pageAnswer } from "../http/html.ts";
import { FORMATS, renderedMail, sampleOf } from "./email-views.ts";
import { emailRoutes } from "./email-routes.ts";
import { suppressionRoutes } from "./suppression-routes.ts";
import { languageFor, unsubscribePage } from "./unsubscribe-page.tsx";

const templatesAnswer = z.strictObject({
  templates: z.array(
    z.strictObject({
      name: z.string(),
      bulk: z.boolean().describe("Its readers may unsubscribe."),
      subjects: z.record(z.string(), z.string()).describe("By language."),
    }),
  ),
});

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
    operation({
      method: "GET",
      path: "/api/mail/templates",
      scope: "monitor",
      rate: "read",
      tag: "mail",
      summary: "List the messages that the shop sends",
      query: {},
      answers: { 200: templatesAnswer },
      handle: () => {
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
    }),
    operation({
      method: "GET",
      path: "/api/mail/templates/:name",
      scope: "monitor",
      rate: "read",
      tag: "mail",
      summary: "Show a message with a sample of what stands in it",
      query: {
        locale: oneOf(LOCALES, "In this language; else in the deployment's."),
        format: oneOfOr(FORMATS, "html", "As its readers see it."),
      },
      answers: { 200: { types: ["text/html", "text/plain"], words: "The message." } },
      handle: ({ params, query }) => {
        const { locale = shop.locale, format } = query;
        const mail = mails.find(({ name }) => name === params["name"]);
        if (mail === undefined) throw notFound();
        return renderedMail(sampleOf(mail, locale, shop.publicUrl), format);
      },
    }),
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
      rate: "public",
      handle: async ({ request, params }) =>
        answer(request, await addressOf(params["token"]), false),
    },
    operation({
      method: "POST",
      path: "/api/mail/unsubscribe/:token",
      scope: "public",
      rate: "webhook",
      tag: "mail",
      summary: "End bulk mail for an address, by the link in it",
      description:
        "Mail programs' own button (RFC 8058) sends this, whatever the body. Safe to repeat.",
      answers: { 200: { types: ["text/html"], words: "A page that says so." } },
      handle: async ({ request, params }) => {
        const address = await addressOf(params["token"]);
        await shop.mail.unsubscribe(address);
        return answer(request, address, true);
      },
    }),
  ];
}
