/**
 * Where a browser keeps the token of its session. By the prefix it takes it from this host alone, over TLS
 * (or on the machine itself), and sends it to no other.
 */
const NAME = "__Host-session";

/** Lax: a link in a mail leads into the dashboard, and nothing but links comes with it from other sites. */
const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";

/** A token's characters; anything else was never set by us. */
const VALUE = /^[\w-]{1,200}$/;

/** The header that has a browser keep a token until it is closed. @param token as `mintSession` made it */
export function keepToken(token: string): string {
  return `${NAME}=${token}; ${ATTRIBUTES}`;
}

/** The header that has a browser forget its token. */
export function forgetToken(): string {
  return `${NAME}=; ${ATTRIBUTES}; Max-Age=0`;
}

/** The token that a browser sent by itself; null: none, or two, of which one is somebody else's. */
export function cookieToken({ headers }: Request): string | null {
  const pairs = (headers.get("Cookie") ?? "").split(";").map((pair) => pair.trim());
  const [value, ...others] = pairs
    .filter((pair) => pair.startsWith(`${NAME}=`))
    .map((pair) => pair.slice(NAME.length + 1));
  return value !== undefined && others.length === 0 && VALUE.test(value) ? value : null;
}

/** What a client says in its Authorization header; null: there is none, undefined: it is no token. */
export function headerToken({ headers }: Request): string | undefined | null {
  const header = headers.get("Authorization");
  if (header === null) return null;
  return /^(?:Bearer|Token) +([!-~]{1,200})$/i.exec(header)?.[1];
}

/** What a request comes with, the header first: whoever sends one means it. */
export function requestToken(request: Request): string | null {
  const said = headerToken(request);
  return said === null ? cookieToken(request) : (said ?? null);
}
