import type { JsonSchema } from "#engine";
import type { RouteDoc } from "../route.ts";

/** A refusal that many routes have: its name in the document, its words, its code. */
interface SharedProblem {
  readonly name: string;
  readonly words: string;
  readonly codes: readonly string[];
}

const SHARED: Readonly<Record<number, SharedProblem>> = {
  400: { name: "Malformed", words: "The body is no JSON.", codes: ["malformed_body"] },
  401: {
    name: "Unauthorized",
    words: "There is no API key or token, or it is not valid.",
    codes: ["unauthorized"],
  },
  403: {
    name: "Forbidden",
    words: "The key or account may not do this.",
    codes: ["forbidden", "cross_site"],
  },
  404: {
    name: "NotFound",
    words: "There is nothing here, or it isn't yours.",
    codes: ["not_found"],
  },
  413: { name: "TooLarge", words: "The body is too large.", codes: ["body_too_large"] },
  415: {
    name: "UnsupportedMediaType",
    words: "The body is of another type.",
    codes: ["unsupported_media_type"],
  },
  422: {
    name: "Invalid",
    words: "The request doesn't fit; `errors` says where.",
    codes: ["invalid_request"],
  },
  429: {
    name: "TooManyRequests",
    words:
      "Too many requests, or wrong keys from this address; `Retry-After` says when to try again.",
    codes: ["too_many_requests", "too_many_failures"],
  },
  500: { name: "InternalError", words: "Something went wrong here.", codes: ["internal_error"] },
  503: {
    name: "Unavailable",
    words: "This can't be done just now; `Retry-After` says when to try again.",
    codes: [
      "ledger_unavailable",
      "database_unavailable",
      "storage_unavailable",
      "not_configured",
      "too_many_watchers",
    ],
  },
};

/** What a route's requests may be refused for. */
export interface Refusable {
  readonly isPublic: boolean;
  readonly hasParams: boolean;
  /** Of a query, headers or a body. */
  readonly hasInput: boolean;
  readonly hasJsonBody: boolean;
  readonly more: NonNullable<RouteDoc["problems"]>;
}

/** The codes of a route's problems by status, the lowest first. */
export function problemCodes(route: Refusable): ReadonlyMap<number, readonly string[]> {
  const usual = [
    ...(route.hasJsonBody ? [400, 413, 415] : []),
    ...(route.isPublic ? [] : [401, 403]),
    ...(route.hasParams ? [404] : []),
    ...(route.hasInput || route.hasParams ? [422] : []),
    ...[429, 500, 503],
  ];
  const codes = new Map(usual.map((status) => [status, SHARED[status]?.codes ?? []]));
  // Nobody who is not asked for a key sends a wrong one.
  if (route.isPublic) codes.set(429, ["too_many_requests"]);
  for (const [status, more] of Object.entries(route.more)) {
    const known = codes.get(Number(status)) ?? [];
    codes.set(Number(status), [...new Set([...known, ...more])]);
  }
  return new Map([...codes].sort(([a], [b]) => a - b));
}

/** What a handler refuses with, besides what is refused before it is asked. */
const BY_HANDLER: readonly number[] = [403, 503];

/**
 * The responses of a route's problems: shared ones where they have no code of their own.
 * @param raw what its handler refuses with instead of a problem
 */
export function problemResponses(
  route: Refusable,
  raw?: Readonly<Record<string, unknown>>,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Array.from(problemCodes(route), ([status, codes]) => {
      const shared = SHARED[status];
      if (raw !== undefined && BY_HANDLER.includes(status)) {
        return [String(status), response(shared?.words ?? "", codes, raw)];
      }
      return [
        String(status),
        shared !== undefined && shared.codes.join() === codes.join()
          ? { $ref: `#/components/responses/${shared.name}` }
          : response(shared?.codes.join() === codes.join() ? shared.words : "", codes),
      ];
    }),
  );
}

/** What many routes refuse with. */
export function sharedResponses(): Record<string, unknown> {
  return Object.fromEntries(
    Object.values(SHARED).map(({ name, words, codes }) => [name, response(words, codes)]),
  );
}

function response(
  words: string,
  codes: readonly string[],
  raw: Readonly<Record<string, unknown>> = {},
) {
  const list = `Codes: ${codes.map((code) => `\`${code}\``).join(", ")}.`;
  return {
    description: words === "" ? list : `${words} ${list}`,
    content: {
      "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      ...raw,
    },
  };
}
