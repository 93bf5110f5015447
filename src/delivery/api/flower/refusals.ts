import type * as z from "zod";
import { problemOf } from "../http/problems.ts";
import type { Route } from "../route.ts";

/** A refusal with Flower's words, where these differ from what is said elsewhere. */
export class FlowerRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/**
 * How Flower says that something is wrong: about tasks with the status alone, about workers and limits in plain
 * text.
 */
export type RefusalStyle = "silent" | "plain";

/**
 * A route that refuses as Flower does. Who may not use it is told as everywhere (401, 403), before it is asked;
 * so is what is wrong on our side (500).
 * @param json what its handler refuses with instead, for some reasons
 */
export function flowerRoute(style: RefusalStyle, route: Route, json?: z.ZodType): Route {
  const raw =
    style === "silent"
      ? { types: ["text/html"], words: "Refused, as the status says; without a word." }
      : { types: ["text/plain"], words: "Refused: why." };
  const refusals = { ...raw, ...(json !== undefined && { json }) };
  return {
    ...route,
    ...(route.doc !== undefined && { doc: { ...route.doc, refusals } }),
    handle: async (call) => {
      try {
        return await route.handle(call);
      } catch (error) {
        return refused(style, error);
      }
    },
  };
}

function refused(style: RefusalStyle, error: unknown): Response {
  if (error instanceof FlowerRefusal) return answer(style, error.status, error.message, {});
  const { status, message, errors, headers } = problemOf(error);
  if (status === 500) throw error;
  const text =
    errors.length > 0 ? errors.map((one) => `${one.field}: ${one.message}`).join(" ") : message;
  // What doesn't fit is a 400 there.
  return answer(style, status === 422 || status === 415 ? 400 : status, text, headers);
}

function answer(
  style: RefusalStyle,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): Response {
  const type = { "Content-Type": "text/html; charset=UTF-8" };
  if (style === "silent") return new Response(null, { status, headers: { ...headers, ...type } });
  const plain = { "Content-Type": "text/plain; charset=UTF-8" };
  return new Response(text, { status, headers: { ...headers, ...plain } });
}
