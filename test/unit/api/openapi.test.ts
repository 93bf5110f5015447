import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import * as z from "zod";
import { operation } from "../../../src/delivery/api/http/operation.ts";
import { openApiDocument, VERSION } from "../../../src/delivery/api/openapi/document.ts";
import { operationIdOf, templateOf } from "../../../src/delivery/api/openapi/operation-object.ts";
import { limit } from "../../../src/delivery/api/http/query-params.ts";
import type { Route } from "../../../src/delivery/api/route.ts";
import { shownAs } from "../../../src/delivery/api/http/shown-as.ts";
import { TAGS } from "../../../src/delivery/api/http/tags.ts";
import { declaredRoutes } from "../../../scripts/openapi/declared-routes.ts";

/** Pages that stand among the API's paths: links in mails lead to them. */
const PAGES = ["GET /api/mail/unsubscribe/:token"];

const routes = declaredRoutes();
const document = openApiDocument(routes, "http://localhost:8787");
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

const echo = (over: Partial<Parameters<typeof operation>[0]> = {}): Route =>
  operation({
    method: "POST",
    path: "/api/echo/:id",
    scope: "control",
    rate: "control",
    tag: "tasks",
    summary: "Say it again",
    answers: { 200: z.strictObject({ said: z.string() }) },
    handle: () => new Response(),
    ...over,
  });

function operationOf(route: Route): Record<string, unknown> {
  const { paths } = openApiDocument([route], "http://localhost");
  return paths[templateOf(route.path)]?.[route.method.toLowerCase()] as Record<string, unknown>;
}

it("every route that is no page says what it is", () => {
  const silent = routes.filter(
    (route) =>
      route.doc === undefined &&
      (route.path.startsWith("/api/") || !/^\/($|dashboard|password-reset|docs)/.test(route.path)),
  );
  expect(
    silent.map(nameOf).filter((name) => !PAGES.includes(name)),
    "declare these with operation(), or give them a doc",
  ).toEqual([]);
});

it("every tag is one that the document explains", () => {
  const tags = routes.flatMap(({ doc }) => doc?.tag.toLowerCase() ?? []);
  expect(
    tags.filter((tag) => !(tag in TAGS)),
    "add these to src/delivery/api/http/tags.ts",
  ).toEqual([]);
});

it("operations have names of their own", () => {
  const names = routes.filter(({ doc }) => doc !== undefined).map(operationIdOf);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it("an operation's name comes of its method and path", () => {
  const name = (method: Route["method"], path: string) => operationIdOf({ method, path });
  expect(name("GET", "/api/tasks/:id/result")).toBe("getTasksByIdResult");
  expect(name("POST", "/api/create-order")).toBe("postCreateOrder");
  expect(name("GET", "/openapi.json")).toBe("getOpenapiJson");
});

it("the version is the package's", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(VERSION).toBe(version);
});

it("names for one path's parameter differ nowhere", () => {
  const shapes = Map.groupBy(Object.keys(document.paths), (path) => path.replace(/\{\w+\}/g, "{}"));
  const twice = [...shapes.values()].filter((paths) => paths.length > 1);
  expect(twice).toEqual([]);
});

it("a body is documented by the schema that reads it", () => {
  const body = z.strictObject({ text: z.string().min(1), times: z.int().default(1) });
  expect(operationOf(echo({ body }))).toMatchObject({
    requestBody: {
      content: {
        "application/json": {
          schema: {
            type: "object",
            properties: { text: { type: "string", minLength: 1 }, times: { default: 1 } },
            required: ["text"],
            additionalProperties: false,
          },
        },
      },
    },
  });
});

it("a parameter is documented by the declaration that reads it", async () => {
  const route = echo({
    query: { limit: limit(20, 100) },
    handle: ({ query }) => Response.json(query),
  });
  expect(operationOf(route)["parameters"]).toContainEqual({
    name: "limit",
    in: "query",
    description: "How many at most.",
    schema: { type: "integer", minimum: 1, maximum: 100, default: 20 },
  });
  const call = { query: new URLSearchParams("limit=7") } as Parameters<Route["handle"]>[0];
  expect(await (await route.handle(call)).json()).toEqual({ limit: 7 });
});

it("a route says who may use it", () => {
  expect(operationOf(echo())).toMatchObject({
    "x-required-scope": "control",
    security: [{ token: ["control"] }, { session: ["control"] }],
    description: "Needs the scope `control`.",
  });
  expect(operationOf(echo({ scope: "public" }))).toMatchObject({ security: [] });
});

it("problems with codes of their own are said at the route, the others once", () => {
  const { responses } = operationOf(echo({ problems: { 409: ["too_loud"] } })) as {
    responses: Record<string, { $ref?: string; description?: string }>;
  };
  expect(responses["404"]).toEqual({ $ref: "#/components/responses/NotFound" });
  expect(responses["409"]?.description).toBe("Codes: `too_loud`.");
});

it("a schema with an id stands in the document once", () => {
  const said = z.strictObject({ text: z.string() }).meta({ id: "Said" });
  const answers = { 200: z.strictObject({ one: said, all: z.array(said) }) };
  const { components } = openApiDocument([echo({ answers })], "http://localhost") as unknown as {
    components: { schemas: object };
  };
  expect(components.schemas).toMatchObject({ Said: { type: "object" } });
  expect(JSON.stringify(operationOf(echo({ answers })))).toContain("#/components/schemas/Said");
});

it("two schemas with one id are refused", () => {
  const one = z.strictObject({ a: z.string().meta({ id: "Same" }) });
  const two = z.strictObject({ a: z.int().meta({ id: "Same" }) });
  const both = [
    echo({ answers: { 200: one } }),
    echo({ path: "/api/other", answers: { 200: two } }),
  ];
  expect(() => openApiDocument(both, "http://localhost")).toThrow("Same");
});

it("what takes anything is shown as what is taken", () => {
  const body = z.strictObject({ call: shownAs(z.unknown(), () => z.strictObject({ a: z.int() })) });
  expect(JSON.stringify(operationOf(echo({ body })))).toContain('"a":{"type":"integer"}');
});

it("every example of a body is taken by its schema", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "doc", components: document["components"] });
  const bodies = Object.values(document.paths).flatMap((item) =>
    Object.values(item).flatMap((each) => {
      const { operationId, requestBody } = each as {
        operationId: string;
        requestBody?: { content: { "application/json"?: { schema: object; example?: unknown } } };
      };
      const json = requestBody?.content["application/json"];
      return json?.example === undefined ? [] : [{ operationId, ...json }];
    }),
  );
  expect(bodies.length).toBeGreaterThan(20);
  for (const { operationId, schema, example } of bodies) {
    const text = JSON.stringify(schema).replaceAll('"#/', '"doc#/');
    expect({ operationId, fits: ajv.validate(JSON.parse(text) as object, example) }).toEqual({
      operationId,
      fits: true,
    });
  }
});
