import { beforeAll, describe, expect, it } from "vitest";
import { Campaign, type Report, type Target } from "../fuzz/campaign.ts";
import { operationsOf, type OpenApi } from "../fuzz/document.ts";
import type { MadeRequest } from "../fuzz/requests.ts";

const document: OpenApi = {
  paths: {
    "/api/things/{id}": {
      get: {
        operationId: "getThing",
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
        responses: {},
      },
      post: {
        operationId: "changeThing",
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
        requestBody: {
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["label"],
                properties: {
                  label: { type: "string", maxLength: 20 },
                  more: { $ref: "#/components/schemas/Tree" },
                },
              },
            },
          },
        },
        responses: {},
      },
    },
  },
  components: {
    responses: {},
    schemas: {
      Tree: { type: "object", properties: { inner: { $ref: "#/components/schemas/Tree" } } },
    },
  },
};

/** A campaign against something that answers as `answer` says; and what was sent to it. */
async function run(
  answer: (request: MadeRequest) => number,
  seed = 7,
): Promise<{ report: Report; sent: string[] }> {
  const sent: string[] = [];
  const target: Target = {
    send: async (request) => {
      sent.push(JSON.stringify(request));
      return { status: answer(request), type: "application/json", text: "{}" };
    },
    fault: async (_placed, _request, { status }) => (status >= 500 ? `${status}` : null),
    start: async () => undefined,
  };
  const campaign = new Campaign(target, document, operationsOf(document));
  return { report: await campaign.run(200, seed, Infinity), sent };
}

/** Whatever is sent for some seeds. */
const requests: MadeRequest[] = [];

beforeAll(async () => {
  for (let seed = 0; seed < 8; seed += 1) {
    await run((request) => {
      requests.push(request);
      return 200;
    }, seed);
  }
}, 60_000);

describe("a fuzz campaign", () => {
  it("finds nothing where nothing is wrong, and asks every operation as often as another", async () => {
    const { report, sent } = await run(() => 200);
    expect(report.faults).toEqual([]);
    expect(report.byOperation).toEqual({
      "GET /api/things/{id}": 100,
      "POST /api/things/{id}": 100,
    });
    expect(new Set(sent).size).toBeGreaterThan(100);
  });

  it("tells what breaks by its seed and a small request", async () => {
    const isBad = ({ body }: MadeRequest) =>
      typeof body === "string" && /"label":"[^"]{3}/.test(body);
    const { report } = await run((request) => (isBad(request) ? 500 : 200));
    expect(report.faults.length).toBeGreaterThan(0);
    const shortest = report.faults.map((fault) => fault.length).toSorted((a, b) => a - b)[0];
    expect(shortest).toBeLessThan(200);
    expect(report.faults[0]).toMatch(/^seed 7, round \d+: POST \/api\/things\/.*"label".*: 500$/s);
  });

  it("takes no answer for a fault", async () => {
    const { report } = await run(() => {
      throw new Error("timed out");
    });
    expect(report.faults[0]).toContain("no answer: Error: timed out");
  });

  it("sends the same for the same seed, and something else for another", async () => {
    const [one, again, other] = [
      await run(() => 200, 1),
      await run(() => 200, 1),
      await run(() => 200, 2),
    ];
    expect(again.sent.toSorted()).toEqual(one.sent.toSorted());
    expect(other.sent.toSorted()).not.toEqual(one.sent.toSorted());
  });

  it.each([
    ["a body that is no JSON", (request: MadeRequest) => request.body === "{"],
    ["a field of JavaScript's own", ({ body }: MadeRequest) => String(body).includes("__proto__")],
    ["half a surrogate pair", ({ body }: MadeRequest) => String(body).includes("\\ud")],
    ["another type", ({ headers }: MadeRequest) => headers["Content-Type"] === "text/plain"],
    ["bytes", ({ body }: MadeRequest) => body instanceof Uint8Array],
    ["a method in a header", ({ headers }: MadeRequest) => "X-HTTP-Method-Override" in headers],
    ["a path that leads elsewhere", ({ path }: MadeRequest) => path.includes("%2F..%2F")],
    ["a parameter that nobody knows", ({ path }: MadeRequest) => path.includes("?")],
  ])("sends %s", (_what, isIt) => {
    expect(requests.some(isIt)).toBe(true);
  });

  it("fills in the forms of pages that it saw, where these are sent", async () => {
    const page = `<form class="fields" method="post" action="/pages/one/save?b=1&amp;c=2">
      <input type="hidden" name="kept" value="a &quot;b&quot;"/><select name="chosen"></select>
      <button formaction="/pages/one/try">Try</button></form><form method="get" action="/x"></form>`;
    const form = { "application/x-www-form-urlencoded": { schema: {} } };
    const place = (what: string) => ({
      post: { operationId: what, requestBody: { content: form }, responses: {} },
    });
    const pages: OpenApi = {
      paths: {
        "/pages": { get: { operationId: "pages", responses: {} } },
        "/pages/{name}/save": place("save"),
        "/pages/{name}/try": place("try"),
      },
      components: { responses: {}, schemas: {} },
    };
    const sent: MadeRequest[] = [];
    const target: Target = {
      send: async (request) => {
        sent.push(request);
        return { status: 200, type: "text/html", text: page };
      },
      fault: async () => null,
      start: async () => undefined,
    };
    await new Campaign(target, pages, operationsOf(pages)).run(300, 7, Infinity);
    const saved = sent.filter(({ path }) => path === "/pages/one/save?b=1&c=2");
    expect(saved.length).toBeGreaterThan(50);
    expect(saved.map(({ body }) => body)).toContain("kept=a+%22b%22&chosen=");
    expect(new Set(saved.map(({ body }) => body)).size).toBeGreaterThan(20);
    expect(sent.some(({ path }) => path === "/pages/one/try")).toBe(true);
  });
});
