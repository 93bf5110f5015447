import type * as z from "zod";
import { readBody, type BodyLimits } from "./body.ts";
import { readQuery, type QueryOf, type QueryShape } from "./query-params.ts";
import type { ApiCall, Route, RouteDoc } from "../route.ts";

type NoQuery = Readonly<Record<string, never>>;

/** One request as the handler of an operation gets it: what it takes was read, by what the document says. */
export interface OperationCall<Query extends QueryShape, Body> extends Omit<ApiCall, "query"> {
  readonly query: QueryOf<Query>;
  /** Undefined: it takes none, or reads it by itself. */
  readonly body: Body extends z.ZodType ? z.output<Body> : undefined;
}

interface Operation<Query extends QueryShape, Body> extends Omit<RouteDoc, "query" | "body"> {
  readonly method: Route["method"];
  readonly path: string;
  readonly scope: Route["scope"];
  readonly rate: Route["rate"];
  /** Absent: whatever stands in the query means nothing. */
  readonly query?: Query;
  readonly body?: Body;
  readonly bodyLimits?: BodyLimits;
  readonly handle: (call: OperationCall<Query, Body>) => Response | Promise<Response>;
}

/**
 * A route with its documentation: query and body are read by the same declarations that the OpenAPI document
 * is made of, before its handler sees the request.
 */
export function operation<
  Query extends QueryShape = NoQuery,
  Body extends NonNullable<RouteDoc["body"]> | undefined = undefined,
>(declared: Operation<Query, Body>): Route {
  const { method, path, scope, rate, handle, query, body, bodyLimits, ...doc } = declared;
  const params = Object.entries(query ?? {}).map(([name, param]) => [name, param.schema]);
  return {
    method,
    path,
    scope,
    rate,
    doc: {
      ...doc,
      ...(query !== undefined && {
        query: Object.fromEntries(params) as Record<string, z.ZodType>,
      }),
      ...(body !== undefined && { body }),
    },
    handle: async (call) => {
      const asked = query === undefined ? {} : readQuery(query, call.query);
      const isJson = body !== undefined && !("types" in body);
      const given = isJson ? await readBody(call.request, body, bodyLimits) : undefined;
      return handle({ ...call, query: asked, body: given } as OperationCall<Query, Body>);
    },
  };
}
