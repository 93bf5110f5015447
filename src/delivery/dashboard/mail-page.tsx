import type { HtmlEscapedString } from "hono/utils/html";
import {
  LOCALES,
  type AnyMail,
  type Locale,
  type MailContent,
  type StoredEmail,
} from "#domain/mail";
import type { Page } from "../api/html.ts";
import { STYLE } from "./style.ts";

/** One message in one language, with a sample. */
export interface Sample {
  readonly mail: AnyMail;
  readonly locale: Locale;
  readonly content: MailContent;
}

const LANGUAGE = { en: "English", ru: "Русский" } as const;

/** Every message of the shop as its readers see it, and the newest mails. */
export function mailPage({
  samples,
  shown,
  emails,
}: {
  readonly samples: readonly Sample[];
  /** Null: the shop has no messages. */
  readonly shown: Sample | null;
  readonly emails: readonly StoredEmail[];
}): Page {
  const html = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Mail · Lovage</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <header>
          <strong>Lovage</strong>
          <h1>Mail</h1>
        </header>
        <main>
          <div class="columns">
            <Templates samples={samples} shown={shown} />
            {shown === null ? null : <Preview sample={shown} />}
          </div>
          <Emails emails={emails} />
        </main>
      </body>
    </html>
  );
  return { html: html as HtmlEscapedString, style: STYLE };
}

function Templates({ samples, shown }: { samples: readonly Sample[]; shown: Sample | null }) {
  const byName = [...Map.groupBy(samples, ({ mail }) => mail.name)];
  return (
    <nav aria-label="Messages">
      {byName.map(([name, versions]) => (
        <section class={name === shown?.mail.name ? "open" : ""}>
          <h2>
            {name}
            {versions[0]?.mail.isBulk === true ? <span class="tag">bulk</span> : null}
          </h2>
          {versions.map((version) => (
            <a
              href={`?template=${name}&locale=${version.locale}`}
              aria-current={version === shown ? "page" : undefined}
              lang={version.locale}
            >
              <span class="tag">{version.locale}</span>
              {version.content.subject}
            </a>
          ))}
        </section>
      ))}
    </nav>
  );
}

function Preview({ sample: { mail, locale, content } }: { sample: Sample }) {
  const source = (format: string) =>
    `/api/mail/templates/${mail.name}/?locale=${locale}&format=${format}`;
  return (
    <article>
      <div class="title">
        <h2 lang={locale}>{content.subject}</h2>
        <p class="tabs">
          {LOCALES.map((one) => (
            <a
              href={`?template=${mail.name}&locale=${one}`}
              aria-current={one === locale ? "page" : undefined}
            >
              {LANGUAGE[one]}
            </a>
          ))}
        </p>
      </div>
      <div class="twins">
        <figure>
          <figcaption>
            HTML <a href={source("html")}>alone</a>
          </figcaption>
          <iframe src={source("html")} title={`${mail.name} as HTML`} sandbox="" />
        </figure>
        <figure>
          <figcaption>
            Text <a href={source("text")}>alone</a>
          </figcaption>
          <pre lang={locale}>{content.text}</pre>
        </figure>
      </div>
    </article>
  );
}

function Emails({ emails }: { emails: readonly StoredEmail[] }) {
  return (
    <section class="emails">
      <h2>Newest mails</h2>
      {emails.length === 0 ? (
        <p class="quiet">No mail was sent yet.</p>
      ) : (
        <ul>
          {emails.map((email) => (
            <li>
              <span class={`tag ${email.state}`}>{email.state}</span>
              <a href={pathOf(email)}>{email.subject}</a>
              <span class="quiet">{email.toAddress}</span>
              <span class="quiet">{email.template}</span>
              <time class="quiet" datetime={new Date(email.createdAt).toISOString()}>
                {new Date(email.createdAt).toISOString().slice(0, 16).replace("T", " ")} UTC
              </time>
              {email.reason === null ? null : <span class="reason">{email.reason}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function pathOf({ taskId, toAddress, template, textBody }: StoredEmail): string {
  const key = [taskId, toAddress, template].map((part) => encodeURIComponent(part)).join("/");
  // A mail whose text isn't kept has only its data to show.
  return `/api/emails/${key}/${textBody === "" ? "" : "?format=html"}`;
}
