import { htmlOf } from "./layout.tsx";
import type { Locale } from "./locale.ts";

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

/** What stands around the words of every mail. */
export interface MailFrame {
  /** The origin of the shop; null: the mail doesn't say whose it is. */
  readonly publicUrl: string | null;
  /** Where its reader ends bulk mail; null: it is none. */
  readonly unsubscribeLink: string | null;
}

const BARE: MailFrame = { publicUrl: null, unsubscribeLink: null };
const UNSUBSCRIBE = { en: "Unsubscribe", ru: "Отписаться от рассылки" } as const;

/** One message of the shop, in all its languages. */
export interface MailTemplate<Props> {
  /** Part of the identity of a mail: one per key, recipient and template. */
  readonly name: string;
  /** True: a newsletter and the like, which carries a way to unsubscribe. */
  readonly isBulk: boolean;
  /** True: it says something that nobody may read later (a link that logs in): it is not stored. */
  readonly isSecret: boolean;
  /** @throws TypeError for a link that leads out of the shop without https */
  render(props: Props, locale: Locale, frame?: MailFrame): MailContent;
  /** With a sample of its props. */
  preview(locale: Locale, frame?: MailFrame): MailContent;
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
    render: (props, locale, frame) => contentOf(declaration[locale](props), locale, frame),
    preview: (locale, frame) => contentOf(declaration[locale](declaration.sample), locale, frame),
  };
}

function contentOf({ subject, body }: Words, locale: Locale, frame = BARE): MailContent {
  const line = subject.replaceAll(/\s+/g, " ").trim();
  const { publicUrl, unsubscribeLink: link } = frame;
  const footer = link === null ? null : { link, label: UNSUBSCRIBE[locale] };
  const whole = footer === null ? body : [...body, footer];
  for (const block of whole) {
    if (typeof block === "object" && "link" in block) checkLink(block.link, publicUrl);
  }
  return {
    subject: line,
    // Never empty: without its text a stored mail is one with a secret.
    text: whole.map(blockText).join("\n\n").trim() || line || "-",
    html: htmlOf({ locale, title: line, body, footer, publicUrl }),
  };
}

function blockText(block: Block): string {
  if (typeof block === "string") return block;
  if ("facts" in block) return block.facts.map(([label, value]) => `${label}: ${value}`).join("\n");
  if ("list" in block) return block.list.map((item) => `- ${item}`).join("\n");
  return `${block.label}: ${block.link}`;
}

/** Mails lead to https; without it only to the shop itself, and to this machine, in development. */
function checkLink(link: string, publicUrl: string | null): void {
  const url = URL.canParse(link) ? new URL(link) : null;
  const isHome = url?.origin === publicUrl || url?.hostname === "localhost";
  if (url?.username === "" && (url.protocol === "https:" || (url.protocol === "http:" && isHome))) {
    return;
  }
  throw new TypeError("A mail may only link to https, or to the shop itself.");
}
