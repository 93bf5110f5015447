import {
  array,
  assert,
  constant,
  constantFrom,
  dictionary,
  double,
  letrec,
  oneof,
  property,
  string,
} from "fast-check";
import { expect, it } from "vitest";
import { MAX_DETAIL_BYTES, shownDetail } from "../../../src/domain/audit/index.ts";

const shown = (asked: Record<string, unknown>) =>
  JSON.parse(shownDetail(asked) ?? "null") as unknown;

it("nothing that was asked for is nothing", () => {
  expect(shownDetail({})).toBeNull();
});

it("what operators choose is shown", () => {
  const asked = { queue: "emails", role: "viewer", limit: 5, terminate: true, eta: null };
  expect(shown(asked)).toEqual(asked);
});

it.each(["kwargs", "args", "password", "token", "html", "payload", "email", "callback_url", "new"])(
  "the value of %s is left out, whatever it is",
  (name) => {
    for (const value of ["x", ["x"], { queue: "x" }, [["x"]]]) {
      expect(shown({ [name]: value })).toEqual({ [name]: "[left out]" });
    }
  },
);

it("calls within calls show their tasks and not their arguments", () => {
  const call = { task: "t", kwargs: { secret: "x" } };
  expect(shown({ chain: [call, { group: [call] }] })).toEqual({
    chain: [{ task: "t", kwargs: "[left out]" }, { group: [{ task: "t", kwargs: "[left out]" }] }],
  });
});

it("of a long list the beginning is shown, and how many more there are", () => {
  const ids = Array.from({ length: 30 }, (_, n) => `id-${n}`);
  expect(shown({ ids })).toEqual({ ids: [...ids.slice(0, 20), "and 10 more"] });
});

it("is never longer than it may be, and always JSON", () => {
  const names = constantFrom("ids", "tasks", "filter", "name", "task", "kwargs", "queue");
  const { tree } = letrec((tie) => ({
    tree: oneof(
      string({ unit: "binary", maxLength: 400 }),
      double(),
      array(tie("tree"), { maxLength: 30 }),
      dictionary(names, tie("tree")),
    ),
  }));
  assert(
    property(dictionary(oneof(names, string({ maxLength: 400 })), tree), (asked) => {
      const text = shownDetail(asked);
      if (text === null) return;
      expect(new TextEncoder().encode(text).byteLength).toBeLessThanOrEqual(MAX_DETAIL_BYTES);
      JSON.parse(text);
    }),
  );
});

it("no text under a name that it doesn't know is ever in it", () => {
  const hidden = "s3cr3t";
  const { tree } = letrec((tie) => ({
    tree: oneof(
      constant(hidden),
      array(tie("tree"), { maxLength: 3 }),
      dictionary(string({ maxLength: 8 }), tie("tree"), { maxKeys: 3 }),
    ),
  }));
  assert(
    property(constantFrom("kwargs", "data", "x", "password"), tree, (name, value) => {
      expect(shownDetail({ [name]: value, tasks: [{ [name]: value }] })).not.toContain(hidden);
    }),
  );
});
