import { readBytes } from "../http/body.ts";
import type { ApiCall } from "../route.ts";
import { FlowerRefusal } from "./refusals.ts";

/** For the routes' documents. */
export const AS_FORM =
  "What stands in the query may be a form in the body instead (`application/x-www-form-urlencoded`).";

const MAX_FORM_BYTES = 64 * 1_024;

/**
 * Parameters of a request to Flower: in its query, or as a form in its body, which counts more. An empty one is
 * not given; of several the last counts; those that nobody asked for don't matter.
 */
export class FlowerArguments {
  readonly #given: ReadonlyMap<string, string>;

  constructor(...sources: readonly URLSearchParams[]) {
    this.#given = new Map(
      sources.flatMap((source) => [...source]).filter(([, text]) => text !== ""),
    );
  }

  /** Of a request that may have a form. @throws Problem 413 */
  static async of({
    request,
    query,
  }: Pick<ApiCall, "request" | "query">): Promise<FlowerArguments> {
    const type = request.headers.get("Content-Type") ?? "";
    if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return new FlowerArguments(query);
    const form = new TextDecoder().decode(await readBytes(request, MAX_FORM_BYTES));
    return new FlowerArguments(query, new URLSearchParams(form));
  }

  text(name: string): string | null {
    return this.#given.get(name) ?? null;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === null) throw new FlowerRefusal(400, `Missing argument ${name}`);
    return value;
  }

  /** A filter for which `All` stands for none. */
  filter(name: string): string | null {
    const value = this.text(name);
    return value === "All" ? null : value;
  }

  integer(name: string): number | null {
    const value = this.text(name);
    if (value === null) return null;
    if (!/^-?\d{1,15}$/.test(value.trim()))
      throw new FlowerRefusal(400, `Invalid argument ${name}`);
    return Number(value);
  }

  /** Seconds; null: not given. */
  seconds(name: string): number | null {
    const value = this.text(name);
    if (value === null) return null;
    const seconds = Number(value);
    if (value.trim() === "" || !Number.isFinite(seconds)) {
      throw new FlowerRefusal(400, `Invalid argument ${name}`);
    }
    return seconds;
  }

  flag(name: string): boolean {
    const value = (this.text(name) ?? "false").toLowerCase();
    if (["1", "true", "yes", "on", "t", "y"].includes(value)) return true;
    if (["0", "false", "no", "off", "f", "n", "none"].includes(value)) return false;
    throw new FlowerRefusal(400, `Invalid argument ${name}`);
  }
}
