import type { HtmlEscapedString } from "hono/utils/html";

/** Languages that mails and results are written in. */
export type Locale = "en" | "ru";

/** What a template makes: HTML and its text twin say the same, since both are made from the same blocks. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A piece of a mail; a text is a paragraph. */
export type Block =
  | string
  /** Label and value, one a line. */
  | { readonly facts: readonly (readonly [label: string, value: string])[] }
  | { readonly list: readonly string[] }
  /** An absolute URL, made from the setting PUBLIC_URL. */
  | { readonly link: string; readonly label: string };

/** What a mail says in one language. */
export interface Words {
  readonly subject: string;
  readonly body: readonly Block[];
}

/** One message of the shop, in all its languages. */
export interface MailTemplate<Props> {
  /** Part of the identity of a mail: one per key, recipient and template. */
  readonly name: string;
  /** True: a newsletter and the like, which carries a way to unsubscribe. */
  readonly isBulk: boolean;
  /** True: it says something that nobody may read later (a link that logs in): it is not stored. */
  readonly isSecret: boolean;
  render(props: Props, locale: Locale): MailContent;
  /** With a sample of its props. */
  preview(locale: Locale): MailContent;
}

/** Any message, whatever it is about. */
export type AnyMail = Pick<MailTemplate<never>, "name" | "isBulk" | "isSecret" | "preview">;

/** Declares a message: its words in every language; the page around them is everybody's. */
export function defineMail<Props>(
  declaration: {
    readonly name: string;
    readonly isBulk?: boolean;
    readonly isSecret?: boolean;
    /** For previews. */
    readonly sample: Props;
  } & Readonly<Record<Locale, (props: Props) => Words>>,
): MailTemplate<Props> {
  return {
    name: declaration.name,
    isBulk: declaration.isBulk ?? false,
    isSecret: declaration.isSecret ?? false,
    render: (props, locale) => contentOf(declaration[locale](props), locale),
    preview: (locale) => contentOf(declaration[locale](declaration.sample), locale),
  };
}

function contentOf({ subject, body }: Words, locale: Locale): MailContent {
  const line = subject.replaceAll(/\s+/g, " ").trim();
  return { subject: line, text: textOf(body), html: htmlOf(locale, line, body) };
}

function textOf(body: readonly Block[]): string {
  return body.map(blockText).join("\n\n");
}

function blockText(block: Block): string {
  if (typeof block === "string") return block;
  if ("facts" in block) return block.facts.map(([label, value]) => `${label}: ${value}`).join("\n");
  if ("list" in block) return block.list.map((item) => `- ${item}`).join("\n");
  return `${block.label}: ${block.link}`;
}

function htmlOf(locale: Locale, title: string, body: readonly Block[]): string {
  const html = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <title>{title}</title>
      </head>
      <body>
        <h1>{title}</h1>
        {body.map(blockHtml)}
      </body>
    </html>
  );
  // Rendered at once: no component here waits for anything.
  return `<!doctype html>${html as HtmlEscapedString}`;
}

function blockHtml(block: Block) {
  if (typeof block === "string") {
    return block.split("\n").map((line) => <p>{line}</p>);
  }
  if ("facts" in block) {
    return (
      <table>
        {block.facts.map(([label, value]) => (
          <tr>
            <th scope="row">{label}</th>
            <td>{value}</td>
          </tr>
        ))}
      </table>
    );
  }
  if ("list" in block) {
    return (
      <ul>
        {block.list.map((item) => (
          <li>{item}</li>
        ))}
      </ul>
    );
  }
  return (
    <p>
      <a href={block.link}>{block.label}</a>
    </p>
  );
}
