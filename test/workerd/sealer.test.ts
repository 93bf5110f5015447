import { expect, it } from "vitest";
import { createSealer } from "#platform/secrets/aes-sealer.ts";

it("secrets are sealed and opened in Cloudflare's runtime", () => {
  const sealer = createSealer([btoa("k".repeat(32))]);
  const sealed = sealer.seal('"пароль"', "login.password");
  expect(sealed).toMatch(/^aes\.[0-9a-f]{8}\./);
  expect(sealer.seal('"пароль"', "login.password")).not.toBe(sealed);
  expect(sealer.open(sealed, "login.password")).toBe('"пароль"');
  expect(() => sealer.open(sealed, "login.other")).toThrow("can't be opened");
});
