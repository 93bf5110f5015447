import type { ApiCall } from "../../api/route.ts";
import { cookie, cookieOf } from "./cookies.ts";

/** What the next page says about what was just done. In a cookie, so that no link can make a page say it. */
export interface Notice {
  readonly text: string;
  readonly hasFailed: boolean;
}

const NAME = "lovage_notice";
const LIFETIME_SECONDS = 30;
const MAX_LENGTH = 500;

/** Sends the browser to a page after a form was carried out, and has that page say so. */
export function seeOther(path: string, text: string, { hasFailed = false } = {}): Response {
  const value = `${hasFailed ? "-" : "+"}${text.slice(0, MAX_LENGTH)}`;
  const headers = { Location: path, "Set-Cookie": cookie(NAME, value, LIFETIME_SECONDS) };
  return new Response(null, { status: 303, headers });
}

export function noticeOf({ request }: Pick<ApiCall, "request">): Notice | null {
  const value = cookieOf(request, NAME);
  if (value === null || value.length < 2) return null;
  return { text: value.slice(1), hasFailed: value.startsWith("-") };
}

/** It has been said. */
export const NOTICE_SAID = cookie(NAME, "", 0);
