import { expect, it } from "vitest";
import { answerAudited } from "../../../src/delivery/api/callers/auditing.ts";
import type { ApiCall, ApiParts, Route } from "../../../src/delivery/api/route.ts";

/** What the log keeps of a form. */
async function detailOf(form: string): Promise<unknown> {
  const request = new Request("http://lovage/api/control/shutdown/", {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: form,
  });
  const caller = { owner: "operator", scopes: new Set(["control"]), userId: null };
  const details: (string | null)[] = [];
  const parts = {
    trace: { current: () => null },
    audit: {
      begin: ({ detail }: { detail: string | null }) => {
        details.push(detail);
        return Promise.resolve({ at: 0, id: "" });
      },
      end: () => Promise.resolve(),
    },
  } as unknown as ApiParts;
  const route = { method: "POST", path: "/api/control/shutdown", scope: "control" } as Route;
  const call = { request, caller, params: {}, query: new URLSearchParams() } as unknown as ApiCall;
  await answerAudited(parts, route, call, () => new Response());
  return JSON.parse(details[0] ?? "null");
}

it("of a form the log keeps each field once, and what was given more than once as a list", async () => {
  expect(await detailOf("queue=mail&name=report&queue=files")).toEqual({
    queue: ["mail", "files"],
    name: "report",
  });
});
