import { Problem } from "../http/problems.ts";

/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export function isSafe({ method }: Pick<Request, "method">): boolean {
  return SAFE.has(method);
}

/**
 * Lets a request pass that a browser made for a page of this deployment, whatever it carries: a cookie comes with
 * any. What browsers say of where a request is from no page can change.
 *
 * What changes something, and what goes on (WebSockets, event streams), has to say that it is from here. What only
 * reads may also be a link that somebody follows, from wherever; a page elsewhere that would embed or fetch it
 * gets nothing.
 * @param publicUrl the deployment's origin besides the one that was asked
 * @throws Problem 403 `cross_site`
 */
export function refuseOtherSites(request: Request, publicUrl: string): void {
  const { headers } = request;
  const site = headers.get("Sec-Fetch-Site");
  const isOwn = isOwnOrigin(request, publicUrl);
  if (isOwn === false) throw crossSite();
  if (isOwn) return;
  const isSocket = headers.has("Upgrade");
  const isStream = headers.get("Accept")?.includes("text/event-stream") === true;
  if (!isSafe(request) || isStream) {
    if (site !== "same-origin") throw crossSite();
    return;
  }
  const isLink = headers.get("Sec-Fetch-Mode") === "navigate";
  const isOpened = headers.get("Sec-Fetch-Dest") === "document";
  const isFromHere = site === null || site === "same-origin" || site === "none";
  if (isSocket || !(isFromHere || (isLink && isOpened))) throw crossSite();
}

/** Whether the page that a request is from is of this deployment; null: its browser names none. */
export function isOwnOrigin({ headers, url }: Request, publicUrl: string): boolean | null {
  const origin = headers.get("Origin");
  return origin === null ? null : origin === new URL(url).origin || origin === publicUrl;
}

/** Whether it is somebody who asks, and not a page that asks by itself, as live ones do (and say). */
export function isUse(request: Request): boolean {
  if (isSafe(request) && request.headers.has("X-Live")) return false;
  const mode = request.headers.get("Sec-Fetch-Mode");
  return !isSafe(request) || mode === null || mode === "navigate";
}

export function crossSite(): Problem {
  return new Problem(403, "cross_site", "Pages of other sites can't do this.");
}
