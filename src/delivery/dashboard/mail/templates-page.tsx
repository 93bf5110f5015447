import { LOCALES, type AnyMail, type Locale, type MailContent } from "#domain/mail";
import type { ApiCall } from "../../api/route.ts";
import { page } from "../shell/index.ts";
import { MailTabs } from "./mail-tabs.tsx";

/** One message in one language, with a sample. */
export interface Sample {
  readonly mail: AnyMail;
  readonly locale: Locale;
  readonly content: MailContent;
}

const LANGUAGE = { en: "English", ru: "Русский" } as const;

/** Every message of the shop as its readers see it. */
export function templatesPage(
  call: ApiCall,
  {
    samples,
    shown,
  }: {
    readonly samples: readonly Sample[];
    /** Null: the shop has no messages. */
    readonly shown: Sample | null;
  },
): Response {
  return page(call, {
    title: "Mail",
    place: "/dashboard/mail",
    actions: <MailTabs caller={call.caller} at="/dashboard/mail" />,
    children: (
      <div class="stack">
        <div class="beside">
          <Templates samples={samples} shown={shown} />
          {shown === null ? null : <Preview sample={shown} />}
        </div>
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
