import { InvalidOptionError } from "#engine";

/** Whom callbacks may go to. */
export interface CallbackRules {
  /** Host names in lower case and ASCII, `*.example.com` for all below one; none: nobody may be called. */
  readonly hosts: readonly string[];
  /** True: this machine may be called too, where it is on the list; for development. */
  readonly isLocalAllowed: boolean;
  /** The deployment's own origin, which is never called. */
  readonly publicUrl: string;
}

const MAX_LENGTH = 2_000;
/** No white space, no backslash, nothing invisible: parsers drop or turn these, each in its own way. */
const FORM = /^https?:\/\/[^\s\\\p{C}]+$/iu;
/** A name with a dot whose last part is no number: not an address, whatever it was written as. */
const NAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
/** Names that lead into private networks. */
const PRIVATE_NAME = /\.(?:local|localhost|internal|home\.arpa)$/;
const THIS_MACHINE = /^(?:localhost|127(?:\.\d{1,3}){3})$/;

/**
 * A URL that may be called, as it will be called: what is checked is what is sent to. A Worker can't see
 * or pin the addresses behind a name, so the list of hosts is the guard against names that lead astray.
 * @throws InvalidOptionError `callbackUrl`, which does not quote the URL
 */
export function readCallbackUrl(text: string, rules: CallbackRules): URL {
  if (rules.hosts.length === 0) throw refused("callbacks are not configured.");
  if (text.length > MAX_LENGTH) throw refused(`may have ${MAX_LENGTH} characters.`);
  const url = FORM.test(text) ? URL.parse(text) : null;
  if (url === null || url.href.length > MAX_LENGTH) throw refused("must be a URL.");
  const { hostname } = url;
  if (!isThisMachine(url) || !rules.isLocalAllowed) {
    if (url.protocol !== "https:") throw refused("must be an https URL.");
    if (url.port !== "") throw refused("must be at port 443.");
    if (!NAME.test(hostname) || PRIVATE_NAME.test(hostname)) {
      throw refused("must be at a public host name.");
    }
  }
  if (url.username !== "" || url.password !== "") throw refused("must have no user or password.");
  if (url.href.includes("#")) throw refused("must have no fragment.");
  if (isOwn(url, rules)) throw refused("must not be this deployment.");
  if (!isListed(hostname, rules)) throw refused("must be at one of the hosts in CALLBACK_HOSTS.");
  return url;
}

function isListed(hostname: string, { hosts }: CallbackRules): boolean {
  return hosts.some((host) =>
    host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host,
  );
}

function isOwn(url: URL, { publicUrl }: CallbackRules): boolean {
  const own = new URL(publicUrl);
  if (isThisMachine(url) && isThisMachine(own)) return url.port === own.port;
  return url.hostname === own.hostname;
}

function isThisMachine({ hostname }: URL): boolean {
  return THIS_MACHINE.test(hostname);
}

function refused(message: string): InvalidOptionError {
  return new InvalidOptionError("callbackUrl", message);
}
