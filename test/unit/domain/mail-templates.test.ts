import { expect, it } from "vitest";
import { shopMails } from "../../../src/domain/index.ts";
import { defineMail } from "../../../src/domain/mail/index.ts";
import type { Block } from "../../../src/domain/mail/template.ts";

const FRAME = {
  publicUrl: "https://shop.example.com",
  unsubscribeLink: "https://shop.example.com/api/mail/unsubscribe/x/",
};
const LOCALES = ["en", "ru"] as const;
const every = shopMails.flatMap((mail) =>
  LOCALES.map((locale) => [mail.name, locale, mail] as const),
);

/** A mail with this and nothing else in it. */
function mailWith(body: readonly Block[]) {
  const words = () => ({ subject: "Subject", body });
  return defineMail({ name: "one", sample: {}, en: words, ru: words }).preview("en", {
    ...FRAME,
    unsubscribeLink: null,
  });
}

it("names are told apart", () => {
  const names = shopMails.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z_]*$/);
});

it.each(every)("%s in %s has words, and no holes in them", (_name, locale, mail) => {
  const { subject, text, html } = mail.preview(locale, FRAME);
  for (const part of [subject, text, html]) {
    expect(part.trim()).not.toBe("");
    expect(part).not.toMatch(/\b(undefined|null|NaN)\b|\[object|Invalid Date|\{\{|\$\{/);
  }
  expect(subject).not.toMatch(/[\r\n]/);
  expect(html).toMatch(new RegExp(`^<!doctype html><html lang="${locale}">`));
  expect(html).not.toMatch(/<(script|img|link|iframe)\b|\son\w+=|url\(/);
});

it.each(every)("%s in %s: what the text says, the HTML says", (_name, locale, mail) => {
  const { text, html } = mail.preview(locale, FRAME);
  const said = html.replaceAll(/<style>.*?<\/style>/gs, "").replaceAll(/<[^>]+>/g, " ");
  const plain = (part: string) =>
    part
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&amp;", "&")
      .replaceAll(/\s+/g, " ");
  for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
    for (const piece of line.replace(/^- /, "").split(/: (?=\S)/)) {
      if (!piece.startsWith("http")) expect(plain(said)).toContain(plain(piece).trim());
    }
  }
});

it.each(shopMails.map((mail) => [mail.name, mail] as const))(
  "%s: Russian is in Russian, unless the words are the deployment's own",
  (_name, mail) => {
    const [english, russian] = LOCALES.map((locale) => mail.preview(locale));
    if (english?.text !== russian?.text) expect(russian?.text).toMatch(/[а-яё]{3}/i);
    if (english?.text !== russian?.text) expect(russian?.subject).toMatch(/[а-яё]{3}/i);
  },
);

it.each(every)(
  "%s in %s has a way out if it is bulk mail, and only then",
  (_name, locale, mail) => {
    const bare = mail.preview(locale);
    const framed = mail.preview(locale, FRAME);
    const link = mail.isBulk ? FRAME.unsubscribeLink : null;
    const whole = mail.preview(locale, { ...FRAME, unsubscribeLink: link });
    expect(bare.text).not.toContain(FRAME.unsubscribeLink);
    expect(framed.text).toContain(FRAME.unsubscribeLink);
    expect(whole.html.includes(FRAME.unsubscribeLink)).toBe(mail.isBulk);
  },
);

it.each([
  "javascript:alert(1)",
  "http://elsewhere.example.com/",
  "//elsewhere.example.com/",
  "/orders/1",
  "https://user:pass@shop.example.com/",
  "",
])("a mail can't link to %s", (link) => {
  expect(() => mailWith([{ link, label: "x" }])).toThrow("link");
});

it.each([
  "https://shop.example.com/a?b=c&d",
  "https://pay.example.com/",
  "http://localhost:8787/a",
])("a mail may link to %s", (link) => {
  expect(mailWith([{ link, label: "Open" }]).text).toBe(`Open: ${link}`);
});

it("nothing that is put into a mail is markup", () => {
  const evil = `<b onclick="x()">&"'</b>`;
  const { html } = mailWith([evil, { facts: [[evil, evil]] }, { list: [evil] }]);
  expect(html).not.toContain("<b ");
  expect(html.split("&lt;b onclick=").length - 1).toBe(5);
});

it("a subject is one line", () => {
  const mail = defineMail<object>({
    name: "one",
    sample: {},
    en: () => ({ subject: " a\r\nBcc: b\n", body: ["x"] }),
    ru: () => ({ subject: "x", body: [] }),
  });
  expect(mail.preview("en").subject).toBe("a Bcc: b");
  expect(mail.preview("ru").text).toBe("x");
});

it("each block has its form in the text", () => {
  const { text } = mailWith([
    "One.\nTwo.",
    {
      facts: [
        ["Sum", "1"],
        ["Day", "2"],
      ],
    },
    { list: ["a", "b"] },
  ]);
  expect(text).toBe("One.\nTwo.\n\nSum: 1\nDay: 2\n\n- a\n- b");
});
