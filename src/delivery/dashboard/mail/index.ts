import { findEmails, LOCALES } from "#domain/mail";
import { notFound } from "../../api/problems.ts";
import { QueryReader } from "../../api/query.ts";
import type { ApiParts, Route } from "../../api/route.ts";
import { sampleOf } from "../../api/shop/email-views.ts";
import { mailPage } from "./mail-page.tsx";

const NEWEST = 30;

export function mailPages({ mails, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: "/dashboard/mail",
      scope: "monitor",
      handle: async (call) => {
        const reader = new QueryReader(call.query);
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
        return mailPage(call, { samples, shown: shown ?? null, emails });
      },
    },
  ];
}
