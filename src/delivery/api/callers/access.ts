import type { Role } from "#domain/accounts";
import { clientNetwork } from "./client-network.ts";
import { crossSite, isOwnOrigin, isSafe, isUse, refuseOtherSites } from "./own-site.ts";
import { Problem } from "../http/problems.ts";
import { cookieToken, headerToken, requestToken } from "./session-cookie.ts";

/**
 * What a credential allows. `monitor` sees everything in the deployment and changes nothing; `control` also
 * steers it, everybody's tasks included; `admin` includes all others.
 */
export const SCOPES = [
  "tasks:read",
  "tasks:write",
  "orders:read",
  "orders:write",
  "orders:manage",
  "monitor",
  "control",
  "admin",
] as const;
export type Scope = (typeof SCOPES)[number];

/** What the owner of an account's things begins with; no API key may be of such an owner. */
export const PERSON_OWNER = "user:";

/** Owners of what the deployment does by itself, and of open access; no API key may be one of them. */
export const OWN_OWNERS: readonly string[] = ["system", "escrow", "anonymous"];

/** Who makes a request. */
export interface Caller {
  /** Whose tasks and orders they see. */
  readonly owner: string;
  readonly scopes: ReadonlySet<string>;
  /** The account that signed in; null: an API key, or nobody. */
  readonly userId: number | null;
}

/** What comes with a scope besides itself; everything comes with `admin`. */
const INCLUDED: Readonly<Partial<Record<Scope, readonly Scope[]>>> = {
  monitor: ["tasks:read", "orders:read"],
  control: ["monitor", "tasks:read", "orders:read"],
};

/** What accounts may do besides what all may. */
const SCOPES_OF_ROLES: Readonly<Record<Role, readonly Scope[]>> = {
  user: [],
  viewer: ["monitor"],
  operator: ["control", "tasks:write"],
  admin: ["admin"],
};

/** Somebody who signed in with an account. */
export function personCaller(userId: number, role: Role): Caller {
  return {
    owner: `${PERSON_OWNER}${userId}`,
    scopes: new Set(["tasks:read", "orders:read", "orders:write", ...SCOPES_OF_ROLES[role]]),
    userId,
  };
}

/** How credentials are checked. */
export interface Access {
  /** True: a request without a credential may do everything. For development only. */
  readonly isOpen: boolean;
  /** The deployment's origin, for browsers, besides the one that they ask. */
  readonly publicUrl: string;
  /**
   * Null: the token is unknown, over or revoked.
   * @param isUse false: a page asks by itself, which keeps no session alive
   */
  authenticate(token: string, isUse: boolean): Promise<Caller | null>;
  /** Counts a wrong token against the network it came from; false when there were too many. */
  mayFailAgain(network: string): Promise<boolean>;
}

/** Whoever comes without a credential where access is open. */
export const ANONYMOUS: Caller = { owner: "anonymous", scopes: new Set(["admin"]), userId: null };

/**
 * Who may use a route: who holds the scope. `person`: whoever signed in with an account, even where access is
 * open. `person or shop`: also who holds orders:manage, and may act for people.
 */
export type Policy = Scope | "person" | "person or shop";

/**
 * Lets a caller pass or throws.
 * @throws Problem 403 without the scope; 401 where it takes an account, and nobody signed in
 */
export function admit(caller: Caller, policy: Policy, request: Request): void {
  if (policy === "person or shop" && caller.userId !== null) return;
  const scope = policy === "person or shop" ? "orders:manage" : policy;
  if (scope === "person") {
    if (caller.userId === null) throw unauthorized(request, "Sign in with an account's token.");
  } else if (!may(caller, scope)) {
    throw new Problem(403, "forbidden", `This needs the scope ${scope}.`);
  }
}

export function may({ scopes }: Pick<Caller, "scopes">, scope: Scope): boolean {
  if (scopes.has(scope) || scopes.has("admin")) return true;
  return SCOPES.some((held) => scopes.has(held) && INCLUDED[held]?.includes(scope) === true);
}

/** Whether it is a person for whom the dashboard is. */
export function isStaff(caller: Caller): boolean {
  return caller.userId !== null && may(caller, "monitor");
}

/** Whether it is a person who doesn't belong to the shop's own side. */
export function isCustomer(caller: Caller): boolean {
  return caller.userId !== null && !may(caller, "orders:manage");
}

/**
 * For what is only the shop's to say (prices, addresses) although it takes no scope beyond those of people.
 * @throws Problem 403 for people who are not the shop's own
 */
export function refusePeople(caller: Caller, detail: string): void {
  if (isCustomer(caller)) throw new Problem(403, "forbidden", detail);
}

/** Whether something of `owner` is the caller's to use. */
export function owns(caller: Caller, owner: string): boolean {
  return caller.owner === owner || caller.scopes.has("admin");
}

/** Whether something of `owner` may be seen by the caller. */
export function sees(caller: Caller, owner: string): boolean {
  return caller.owner === owner || may(caller, "monitor");
}

/** Whether a task of `owner` may be changed by the caller. */
export function commands(caller: Caller, owner: string): boolean {
  return caller.owner === owner || may(caller, "control");
}

/** @throws Problem 429 when too many wrong keys came from one address */
async function countFailure(access: Access, request: Request): Promise<void> {
  if (await access.mayFailAgain(clientNetwork(request))) return;
  throw new Problem(429, "too_many_failures", "Too many wrong API keys; try again later.", {
    headers: { "Retry-After": "60" },
  });
}

/**
 * Who makes a request: whom its header says; without one whom a browser's cookie says, if the request is for a page
 * of ours.
 * @throws Problem 401, 403 `cross_site`, 429
 */
export async function identify(access: Access, request: Request): Promise<Caller> {
  const said = headerToken(request);
  if (said === null) {
    const caller = await visitor(access, request);
    if (caller !== null) return caller;
    throw unauthorized(request, "Send an API key or a token.");
  }
  const caller = said === undefined ? null : await access.authenticate(said, true);
  if (caller !== null) return caller;
  await countFailure(access, request);
  throw unauthorized(request, "The API key or token is not valid.");
}

/**
 * Who comes without a header: whoever signed in with this browser; where access is open, anybody; null: nobody. A
 * cookie that is over is counted against nobody, a page that is left open goes on sending it.
 * @throws Problem 403 `cross_site`
 */
async function visitor(access: Access, request: Request): Promise<Caller | null> {
  const token = cookieToken(request);
  if (token !== null) {
    refuseOtherSites(request, access.publicUrl);
    const caller = await access.authenticate(token, isUse(request));
    if (caller !== null) return caller;
  }
  if (!access.isOpen) return null;
  // Any page in a developer's browser could change things by a form or a plain fetch; old browsers name its origin only.
  const isElsewhere =
    request.headers.get("Sec-Fetch-Site") === "cross-site" ||
    isOwnOrigin(request, access.publicUrl) === false;
  if (!isSafe(request) && isElsewhere) throw crossSite();
  return ANONYMOUS;
}

/**
 * Whether the credential that a request came with still says the same: it was not revoked, it is not over, and
 * its account has the role that it had. A check of its own is no use of a session. While nobody can tell, it does.
 */
export async function isUnchanged(
  access: Access,
  request: Request,
  caller: Caller,
): Promise<boolean> {
  const token = requestToken(request);
  // Nothing to take away: access is open.
  if (token === null || caller === ANONYMOUS) return true;
  try {
    const now = await access.authenticate(token, false);
    const { owner, scopes } = caller;
    return (
      now?.owner === owner &&
      now.scopes.size === scopes.size &&
      [...scopes].every((scope) => now.scopes.has(scope))
    );
  } catch {
    return true;
  }
}

function unauthorized(request: Request, detail: string): Problem {
  const hasHeader = request.headers.has("Authorization");
  const challenge = `Bearer realm="lovage"${hasHeader ? ', error="invalid_token"' : ""}`;
  return new Problem(401, "unauthorized", detail, { headers: { "WWW-Authenticate": challenge } });
}
