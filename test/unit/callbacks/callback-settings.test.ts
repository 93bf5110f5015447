import { expect, it } from "vitest";
import { callbackSettings, providerSettings } from "../../../src/config-providers.ts";

const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 255).toString("base64")}`;

/** The settings that are wrong. */
function wrong(given: Record<string, string>): string[] {
  const checked = providerSettings.safeParse(given);
  return checked.success ? [] : checked.error.issues.map(({ path }) => String(path[0]));
}

it("without settings nobody is called", () => {
  expect(callbackSettings(providerSettings.parse({}))).toEqual({
    hosts: [],
    secrets: [],
    isLocalAllowed: false,
  });
});

it("hosts are separated by commas, in any case; the current secret comes first", () => {
  const given = {
    CALLBACK_HOSTS: " Hooks.Example.com, *.partner.example ,",
    CALLBACK_SECRET: secretOf(32),
    CALLBACK_SECRET_PREVIOUS: secretOf(24),
  };
  expect(callbackSettings(providerSettings.parse(given))).toEqual({
    hosts: ["hooks.example.com", "*.partner.example"],
    secrets: [secretOf(32), secretOf(24)],
    isLocalAllowed: false,
  });
});

it("hosts without a secret are half a configuration", () => {
  expect(wrong({ CALLBACK_HOSTS: "hooks.example.com" })).toEqual(["CALLBACK_SECRET"]);
});

it.each([24, 25, 26, 32, 63, 64])("a secret may have %i bytes", (bytes) => {
  expect(wrong({ CALLBACK_SECRET: secretOf(bytes) })).toEqual([]);
});

it.each([
  secretOf(23),
  secretOf(66),
  secretOf(32).slice(6),
  `${secretOf(24)}a`,
  secretOf(24).replace("/", "_"),
])("%s is no secret: it could not sign", (secret) => {
  expect(wrong({ CALLBACK_SECRET: secret })).toEqual(["CALLBACK_SECRET"]);
});

it.each(["*", "*.", "https://hooks.example.com", "hooks.example.com:443", "a b", "a.*.b", "[::1]"])(
  "%s is no host",
  (host) => {
    const given = { CALLBACK_HOSTS: host, CALLBACK_SECRET: secretOf(32) };
    expect(wrong(given)).toEqual(["CALLBACK_HOSTS"]);
  },
);
