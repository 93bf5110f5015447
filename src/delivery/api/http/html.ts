import type { HtmlEscapedString } from "hono/utils/html";
import { toBase64 } from "#engine";

/** A page of ours: rendered here, with nothing in it that runs. */
export interface Page {
  readonly html: HtmlEscapedString;
  /** What stands in its one style element, to the letter. */
  readonly style: string;
  readonly status?: number;
}

/** Answers a page under a policy that allows its own style, its own forms, and frames of ours. */
export async function pageAnswer({ html, style, status = 200 }: Page): Promise<Response> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  const hash = toBase64(new Uint8Array(digest));
  return new Response(`<!doctype html>${html}`, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": [
        "default-src 'none'",
        `style-src 'sha256-${hash}'`,
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
    },
  });
}
