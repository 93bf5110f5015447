import {
  LOCALES,
  type AnyMail,
  type Locale,
  type MailContent,
  type StoredEmail,
} from "#domain/mail";
import type { ApiCall } from "../../api/route.ts";
import { Empty, page, Tag, When } from "../shell/index.ts";

/** One message in one language, with a sample. */
export interface Sample {
  readonly mail: AnyMail;
  readonly locale: Locale;
  readonly content: MailContent;
}

const LANGUAGE = { en: "English", ru: "Русский" } as const;

/** Every message of the shop as its readers see it, and the newest mails. */
export function mailPage(
  call: ApiCall,
  {
    samples,
    shown,
    emails,
  }: {
    readonly samples: readonly Sample[];
    /** Null: the shop has no messages. */
    readonly shown: Sample | null;
    readonly emails: readonly StoredEmail[];
  },
): Response {
  return page(call, {
    title: "Mail",
    place: "/dashboard/mail",
    children: (
      <div class="stack">
        <div class="beside">
          <Templates samples={samples} shown={shown} />
          {shown === null ? null : <Preview sample={shown} />}
        </div>
        <Emails emails={emails} />
      </div>
    ),
  });
}

function Templates({ samples, shown }: { samples: readonly Sample[]; shown: Sample | null }) {
  const byName = [...Map.groupBy(samples, ({ mail }) => mail.name)];
  return (
    <nav class="card picker" aria-label="Messages">
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
    <article class="card">
      <div class="head">
        <h2 lang={locale}>{content.subject}</h2>
        <p class="tabs actions">
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
    <section class="card">
      <h2>Newest mails</h2>
      {emails.length === 0 ? (
        <Empty>No mail was sent yet.</Empty>
      ) : (
        <ul class="lines">
          {emails.map((email) => (
            <li>
              <Tag state={email.state} />
              <a href={pathOf(email)}>{email.subject}</a>
              <span class="quiet">{email.toAddress}</span>
              <span class="quiet">{email.template}</span>
              <When at={email.createdAt} />
              {email.reason === null ? null : <span class="fault">{email.reason}</span>}
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
