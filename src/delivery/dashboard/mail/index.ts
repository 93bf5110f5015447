import * as z from "zod";
import {
  addSuppression,
  EMAIL_STATES,
  findEmail,
  findEmails,
  isAddress,
  listSuppressions,
  LOCALES,
  removeSuppression,
  SUPPRESSION_REASONS,
  type EmailQuery,
} from "#domain/mail";
import { jsonCursor } from "../../api/http/json-cursor.ts";
import { notFound, type FieldError } from "../../api/http/problems.ts";
import { placeCursor } from "../../api/http/query-params.ts";
import { QueryReader } from "../../api/http/query.ts";
import type { ApiCall, ApiParts, Route } from "../../api/route.ts";
import { mailPlace } from "../../api/shop/email-routes.ts";
import { mailSeenBy, sampleOf } from "../../api/shop/email-views.ts";
import { withoutUndefined } from "../../api/http/without-undefined.ts";
import {
  checked,
  faultsOf,
  filledIn,
  readFields,
  readForm,
  seeOther,
  type Fields,
} from "../shell/index.ts";
import { mailsPage } from "./mails-page.tsx";
import { oneMailPage } from "./one-mail-page.tsx";
import { suppressionsPage } from "./suppressions-page.tsx";
import { templatesPage } from "./templates-page.tsx";

const PLACE = "/dashboard/mail";
const SENT = `${PLACE}/sent`;
const SUPPRESSIONS = `${PLACE}/suppressions`;
const PAGE = 50;

const reasons = z.enum(SUPPRESSION_REASONS);
const entrySchema = z.strictObject({
  address: z.string().trim().refine(isAddress, "Must be one e-mail address."),
  reason: reasons,
  detail: z.string().max(500),
});
const keySchema = z.strictObject({ address: z.string().max(320), reason: reasons });
const suppressionPlace = z
  .tuple([z.string(), reasons])
  .transform(([address, reason]) => ({ address, reason }));

/** Messages as their readers see them, what was sent, and whom nothing is sent to. */
export function mailPages(parts: ApiParts): Route[] {
  return [...templateRoutes(parts), ...sentRoutes(parts), ...suppressionRoutes(parts)];
}

function templateRoutes({ mails, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: PLACE,
      scope: "monitor",
      rate: "read",
      handle: (call) => {
        const reader = new QueryReader(filledIn(call.query));
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
        return templatesPage(call, { samples, shown: shown ?? null });
      },
    },
  ];
}

function sentRoutes({ mails, shop }: ApiParts): Route[] {
  return [
    {
      method: "GET",
      path: SENT,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const reader = new QueryReader(filledIn(call.query));
        const query: EmailQuery = withoutUndefined({
          taskId: reader.text("task_id", 400),
          state: reader.oneOf("state", EMAIL_STATES),
          template: reader.text("template"),
          to: reader.text("to", 320),
        });
        const after = placeCursor(mailPlace).read(reader, "cursor");
        reader.check();
        const { emails, next } = await findEmails(shop.db, query, { limit: PAGE, after });
        const cursor =
          next && jsonCursor([next.createdAt, next.taskId, next.toAddress, next.template]);
        const templates = mails.map(({ name }) => name);
        return mailsPage(call, { query, templates, emails, isFirst: after === null, next: cursor });
      },
    },
    {
      method: "GET",
      path: `${SENT}/:key/:to/:template`,
      scope: "monitor",
      rate: "read",
      handle: async (call) => {
        const { key = "", to = "", template = "" } = call.params;
        const email = await findEmail(shop.db, { taskId: key, toAddress: to, template });
        if (email === null) throw notFound();
        return oneMailPage(call, mailSeenBy(call.caller, email, mails));
      },
    },
  ];
}

function suppressionRoutes({ shop, clock }: ApiParts): Route[] {
  async function show(call: ApiCall, values: Fields, faults: readonly FieldError[]) {
    const reader = new QueryReader(filledIn(call.query));
    const after = placeCursor(suppressionPlace).read(reader, "cursor");
    reader.check();
    const found = await listSuppressions(shop.db, { after, limit: PAGE + 1 });
    const entries = found.slice(0, PAGE);
    const last = found.length > PAGE ? entries.at(-1) : undefined;
    const next = last === undefined ? null : jsonCursor([last.address, last.reason]);
    return suppressionsPage(call, {
      entries,
      isFirst: after === null,
      next,
      form: { values, faults },
    });
  }
  return [
    {
      method: "GET",
      path: SUPPRESSIONS,
      scope: "admin",
      rate: "read",
      handle: (call) => show(call, { reason: "hard_bounce" }, []),
    },
    {
      method: "POST",
      path: SUPPRESSIONS,
      scope: "admin",
      rate: "control",
      handle: async (call) => {
        const values = await readFields(call.request);
        try {
          const { address, reason, detail } = checked(values, entrySchema);
          const entry = { address, reason, detail: detail || null, createdAt: clock.now() };
          const { isNew } = await addSuppression(shop.db, entry);
          const told = isNew ? "is not written to any more" : "was on the list already";
          return seeOther(SUPPRESSIONS, `${address} ${told}.`);
        } catch (error) {
          return show(call, values, faultsOf(error));
        }
      },
    },
    {
      method: "POST",
      path: `${SUPPRESSIONS}/remove`,
      scope: "admin",
      rate: "control",
      handle: async ({ request }) => {
        const { address, reason } = await readForm(request, keySchema);
        if (!(await removeSuppression(shop.db, address, reason))) throw notFound();
        return seeOther(SUPPRESSIONS, `${address} is written to again.`);
      },
    },
  ];
}
