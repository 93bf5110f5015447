import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { ReadAnswer } from "./campaign.ts";
import type { DeclaredAnswer, OpenApi, Placed } from "./document.ts";

/** Holds answers against the document. */
export class Judge {
  readonly #document: OpenApi;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.#document = document;
    this.#ajv.addSchema(document, "document");
  }

  /** What is wrong with an answer; null: nothing. */
  fault({ method, path, operation }: Placed, answer: ReadAnswer): string | null {
    const { status, type, text } = answer;
    const word = `${status} ${type}`;
    if (status >= 500 && status !== 503) return `${word}: ${text.slice(0, 300)}`;
    const isProblem = type === "application/problem+json";
    // Problems say more than a range of statuses does.
    const key =
      [String(status), `${Math.floor(status / 100)}XX`].find((one) => one in operation.responses) ??
      null;
    if (key === null) return `${word} is not declared: ${text.slice(0, 300)}`;
    const declared = operation.responses[key] ?? {};
    const { pointer, found } = this.#resolved(declared, [
      ...["paths", path, method.toLowerCase(), "responses", key],
    ]);
    const content = found.content ?? {};
    if (Object.keys(content).length === 0) return null;
    if (content[type] === undefined && content["*/*"] === undefined) {
      return `${word} has a type that is not declared: ${text.slice(0, 300)}`;
    }
    if (!type.endsWith("json")) return null;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return `${word} is no JSON: ${text.slice(0, 300)}`;
    }
    const misfit = this.#misfit([...pointer, "content", type, "schema"], value);
    if (misfit !== null) return `${word} ${misfit}: ${text.slice(0, 600)}`;
    const { code } = value as { code?: string };
    if (isProblem && !(found.description ?? "").includes(`\`${code}\``)) {
      return `${word} has the code ${code}, which is not declared: ${text.slice(0, 300)}`;
    }
    return null;
  }

  #resolved(declared: DeclaredAnswer, pointer: readonly string[]) {
    if (declared.$ref === undefined) return { pointer, found: declared };
    const name = declared.$ref.split("/").at(-1) ?? "";
    const found = this.#document.components.responses[name] ?? {};
    return { pointer: ["components", "responses", name], found };
  }

  #misfit(pointer: readonly string[], value: unknown): string | null {
    const ref = `document#/${pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
    const check = this.#checks.get(ref) ?? this.#ajv.compile({ $ref: ref });
    this.#checks.set(ref, check);
    return check(value) ? null : this.#ajv.errorsText(check.errors);
  }
}
