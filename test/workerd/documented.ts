import * as z from "zod";
import { isDocumented } from "../../src/delivery/api/openapi/document.ts";
import {
  refusableOf,
  type DocumentedRoute,
} from "../../src/delivery/api/openapi/operation-object.ts";
import { problemCodes } from "../../src/delivery/api/openapi/problem-responses.ts";
import type { RawContent } from "../../src/delivery/api/route.ts";
import { problemAnswer } from "../../src/delivery/api/http/problem-answer.ts";
import { declaredRoutes } from "../../scripts/openapi/declared-routes.ts";

/** Routes with fixed words first, as the router takes them. */
const routes = declaredRoutes()
  .filter(isDocumented)
  .toSorted((a, b) => Number(a.path.includes(":")) - Number(b.path.includes(":")))
  .map((route) => ({ route, form: formOf(route.path) }));

function formOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replace(/:\w+(\{[^}]*\})?/g, "[^/]+")}/?$`);
}

/**
 * The answer, as it came.
 * @throws Error when the document says nothing of such an answer, or something else
 */
export async function documented(method: string, url: string, answer: Response): Promise<Response> {
  const { pathname } = new URL(url);
  const found = routes.find(({ route, form }) => route.method === method && form.test(pathname));
  // Of a path that other routes have, with other methods.
  if (found === undefined || answer.status === 405) return answer;
  const fault =
    answer.status < 400
      ? await faultOf(found.route, answer)
      : await refusalFault(found.route, answer);
  if (fault === null) return answer;
  throw new Error(`${method} ${found.route.path} answered ${answer.status}: ${fault}`);
}

async function faultOf({ doc }: DocumentedRoute, answer: Response): Promise<string | null> {
  const declared = doc.answers[answer.status];
  if (declared === undefined) return "its document doesn't know this status.";
  const type = answer.headers.get("Content-Type")?.split(";")[0];
  if (typeof declared === "string") return null;
  if ("types" in declared) return contentFault(declared, answer);
  if (type !== "application/json") return `${type} is no JSON.`;
  return misfit(declared, answer);
}

async function contentFault(declared: RawContent, answer: Response): Promise<string | null> {
  const type = answer.headers.get("Content-Type")?.split(";")[0];
  if (type === "application/json" && declared.json !== undefined) {
    return misfit(declared.json, answer);
  }
  const isKnown = declared.types.includes(type ?? "") || declared.types.includes("*/*");
  return isKnown ? null : `its document doesn't know ${type}.`;
}

async function refusalFault(route: DocumentedRoute, answer: Response): Promise<string | null> {
  if (route.doc.answers[answer.status] !== undefined) return faultOf(route, answer);
  const isProblem = answer.headers.get("Content-Type") === "application/problem+json";
  const { refusals } = route.doc;
  if (refusals !== undefined && !isProblem && answer.status !== 500) {
    return contentFault(refusals, answer);
  }
  const fault = await misfit(problemAnswer, answer);
  if (fault !== null) return fault;
  const { code } = await answer.clone().json<{ code: string }>();
  const codes = problemCodes(refusableOf(route)).get(answer.status);
  return codes?.includes(code) === true ? null : `its document doesn't know the problem ${code}.`;
}

async function misfit(schema: z.ZodType, answer: Response): Promise<string | null> {
  const checked = schema.safeParse(await answer.clone().json());
  return checked.success ? null : z.prettifyError(checked.error);
}
