/** The value of a cookie; null: the request has none of that name, or it isn't text. */
export function cookieOf(request: Request, name: string): string | null {
  const all = (request.headers.get("Cookie") ?? "").split(/; */);
  const found = all.find((one) => one.startsWith(`${name}=`));
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found.slice(name.length + 1));
  } catch {
    return null;
  }
}

/**
 * A `Set-Cookie` of the dashboard's own: never read by script, never sent for other sites' forms.
 * @param maxAgeSeconds 0 takes it back
 */
export function cookie(name: string, value: string, maxAgeSeconds: number): string {
  const text = encodeURIComponent(value);
  return `${name}=${text}; Path=/dashboard; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;
}
