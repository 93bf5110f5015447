import { findEmails, LOCALES } from "#domain/mail";
import { pageAnswer } from "../api/html.ts";
import { notFound } from "../api/problems.ts";
import { QueryReader } from "../api/query.ts";
import type { ApiParts, Route } from "../api/route.ts";
import { sampleOf } from "../api/shop/email-views.ts";
import { mailPage } from "./mail-page.tsx";

const NEWEST = 30;

/** The pages of the dashboard: rendered here, with no script in them. */
export function dashboardRoutes({ mails, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/mail",
      scope: "monitor",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const name = reader.text("template") ?? mails[0]?.name;
        const locale = reader.oneOf("locale", LOCALES) ?? shop.locale;
        reader.check();
        const samples = mails.flatMap((mail) =>
          LOCALES.map((one) => ({
            mail,
            locale: one,
            content: sampleOf(mail, one, shop.publicUrl),
          })),
        );
        const shown = samples.find((one) => one.mail.name === name && one.locale === locale);
        if (shown === undefined && name !== undefined) throw notFound();
        const { emails } = await findEmails(shop.db, {}, { limit: NEWEST, after: null });
        return pageAnswer(mailPage({ samples, shown: shown ?? null, emails }));
      },
    },
  ];
}
