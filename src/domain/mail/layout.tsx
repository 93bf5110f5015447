import type { HtmlEscapedString } from "hono/utils/html";
import type { Locale } from "./locale.ts";
import type { Block } from "./template.ts";

/** What a mail's HTML is made of. */
interface Page {
  readonly locale: Locale;
  readonly title: string;
  readonly body: readonly Block[];
  readonly footer: { readonly link: string; readonly label: string } | null;
  /** Null: nothing says whose mail it is. */
  readonly publicUrl: string | null;
}

const FONT =
  "font-family:-apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif";

/*
 * Inline styles are for readers that know no others, and light. What they can't say (dark, narrow) stands
 * here; it has no character that HTML would escape.
 */
const STYLE = `
@media (max-width: 620px) {
  .margin { padding: 0 !important; }
  .card { border-radius: 0 !important; }
  .words { padding: 24px 20px !important; }
}
@media (prefers-color-scheme: dark) {
  .page { background: #12161a !important; }
  .card { background: #1b2127 !important; }
  .words, .words h1, .words td { color: #e6eaee !important; }
  .words th, .quiet, .quiet a { color: #9aa5b1 !important; }
  .words th, .words td { border-color: #303840 !important; }
  .button { background: #4cae7c !important; color: #08130d !important; }
}`;

/** The HTML of a mail: one column of 600 px, narrower on phones. Nothing is loaded from anywhere. */
export function htmlOf({ locale, title, body, footer, publicUrl }: Page): string {
  const html = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <style>{STYLE}</style>
      </head>
      <body class="page" style="margin:0;padding:0;background:#f3f5f4">
        <Preheader body={body} />
        <table
          class="page"
          role="presentation"
          width="100%"
          cellpadding="0"
          cellspacing="0"
          style="background:#f3f5f4"
        >
          <tr>
            <td class="margin" align="center" style="padding:24px 12px">
              <table
                class="card"
                role="presentation"
                width="100%"
                cellpadding="0"
                cellspacing="0"
                style="max-width:600px;background:#ffffff;border-radius:12px"
              >
                <tr>
                  <td
                    class="words"
                    style={`padding:32px 36px;${FONT};font-size:16px;line-height:1.6;color:#1c2420`}
                  >
                    <h1 style="margin:0 0 20px;font-size:22px;line-height:1.3;color:#1c2420">
                      {title}
                    </h1>
                    {body.map(blockHtml)}
                  </td>
                </tr>
              </table>
              <Foot footer={footer} publicUrl={publicUrl} />
            </td>
          </tr>
        </table>
      </body>
    </html>
  );
  // Rendered at once: no component here waits for anything.
  return `<!doctype html>${html as HtmlEscapedString}`;
}

/** What lists of mails show behind the subject; not to be seen in the mail. */
function Preheader({ body }: Pick<Page, "body">) {
  const first = body.find((block) => typeof block === "string");
  if (first === undefined) return null;
  return (
    <div style="display:none;max-height:0;overflow:hidden">
      {first.slice(0, 140).toWellFormed()}
    </div>
  );
}

/** Whose mail it is, and how to get no more of its kind. */
function Foot({ footer, publicUrl }: Pick<Page, "footer" | "publicUrl">) {
  const style = `margin:0;padding:16px 20px;${FONT};font-size:13px;line-height:1.6;color:#66736c`;
  if (footer === null && publicUrl === null) return null;
  return (
    <div class="quiet" style={style}>
      {publicUrl === null ? null : new URL(publicUrl).host}
      {footer !== null && publicUrl !== null ? " · " : null}
      {footer === null ? null : (
        <a href={footer.link} style="color:#66736c">
          {footer.label}
        </a>
      )}
    </div>
  );
}

function blockHtml(block: Block) {
  if (typeof block === "string") {
    const lines = block.split("\n").filter((line) => line.trim() !== "");
    return lines.map((line) => <p>{line}</p>);
  }
  if ("facts" in block) return <Facts facts={block.facts} />;
  if ("list" in block) {
    return (
      <ul style="padding-left:20px">
        {block.list.map((item) => (
          <li>{item}</li>
        ))}
      </ul>
    );
  }
  const style =
    "display:inline-block;padding:11px 22px;border-radius:8px;background:#22794c;color:#ffffff;font-weight:600;text-decoration:none";
  return (
    <p style="margin:24px 0">
      <a class="button" href={block.link} style={style}>
        {block.label}
      </a>
    </p>
  );
}

function Facts({ facts }: { facts: readonly (readonly [label: string, value: string])[] }) {
  const cell = "padding:8px 0;border-bottom:1px solid #e4e8e6;vertical-align:top;";
  return (
    <table width="100%" cellpadding="0" cellspacing="0" style="margin:16px 0;font-size:15px">
      {facts.map(([label, value]) => (
        <tr>
          <th
            scope="row"
            style={`${cell}padding-right:16px;text-align:left;font-weight:400;color:#66736c`}
          >
            {label}
          </th>
          <td style={`${cell}text-align:right;color:#1c2420;overflow-wrap:anywhere`}>{value}</td>
        </tr>
      ))}
    </table>
  );
}
