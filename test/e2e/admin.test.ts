import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runWrangler } from "../../scripts/wrangler.ts";

const state = mkdtempSync(join(tmpdir(), "lovage-admin-"));

beforeAll(async () => {
  const apply = ["d1", "migrations", "apply", "lovage", "--local", "--persist-to", state];
  const { code, text } = await runWrangler(apply);
  expect(code, text).toBe(0);
});

afterAll(() => {
  rmSync(state, { recursive: true, force: true });
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs one of the project's scripts on a database of the test's own. */
function script(name: string, ...args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const all = [`scripts/${name}.ts`, ...args, "--persist-to", state];
    execFile(process.execPath, all, (failed, out, error) => {
      resolve({ code: failed === null ? 0 : Number(failed.code), out, error });
    });
  });
}

it("makes the first admin, with a link that sets the password", async () => {
  const url = ["--url", "https://shop.example.com"];
  const who = ["--username", "ada", "--email", "ada@example.com"];
  const made = await script("admin", "create", ...who, ...url);
  expect(made.error).toContain("Made the admin ada.");
  expect(made.out).toMatch(/^https:\/\/shop\.example\.com\/password-reset\/#lvr_\S+\n$/);
  const again = await script("admin", "create", ...who);
  expect(again).toMatchObject({ code: 1, out: "" });
  expect(again.error).toContain("see role");
});

it.each(["operator", "user"])("gives the role %s, whatever the name's case", async (role) => {
  expect(await script("admin", "role", "ADA", role)).toMatchObject({
    code: 0,
    out: `ADA is ${role} now.\n`,
  });
  const { out } = await script("admin", "list");
  expect(out.includes("'ada'")).toBe(role !== "user");
  expect(out.includes(`'${role}'`)).toBe(role !== "user");
});

it.each([
  ["a role that there is not", ["role", "ada", "root"], "Roles are user, viewer, operator, admin."],
  ["no role", ["role", "ada"], "Roles are user, viewer, operator, admin."],
  ["a name that nobody has", ["role", "a' OR '1'='1", "admin"], "There is no user a' OR '1'='1."],
  ["no name", ["role"], "role needs the user name."],
  ["another command", ["promote", "ada"], "Say create, link, role or list."],
])("refuses %s", async (_what, args, message) => {
  expect(await script("admin", ...args)).toMatchObject({ code: 1, out: "", error: `${message}\n` });
});

it("makes keys that monitor", async () => {
  const key = ["create", "--name", "watch", "--owner", "watch", "--scopes"];
  const made = await script("keys", ...key, "monitor,tasks:read");
  expect(made.out).toMatch(/^lv_[0-9a-z]{12}_[\w-]{43}\n$/);
  const { out } = await script("keys", "list");
  expect(out).toContain('["monitor","tasks:read"]');
  const wrong = await script("keys", ...key, "all");
  expect(wrong.code).toBe(1);
  expect(wrong.error).toContain("Unknown scopes: all. There are: tasks:read,");
  const nobody = await script("keys", ...key, "monitor", "--owner", "");
  expect(nobody).toMatchObject({ code: 1, out: "" });
  expect(nobody.error).toContain("--name and --owner must not be empty.");
});

it("takes back a key that is in force, and says so where there is none", async () => {
  const key = ["create", "--name", "old", "--owner", "old", "--scopes", "tasks:read"];
  const id = (await script("keys", ...key)).out.split("_")[1] ?? "";
  expect(await script("keys", "revoke", id)).toMatchObject({ code: 0, out: `Revoked ${id}.\n` });
  for (const none of [id, "lv_typo"]) {
    const error = `There is no key ${none} in force.\n`;
    expect(await script("keys", "revoke", none)).toEqual({ code: 1, out: "", error });
  }
});
