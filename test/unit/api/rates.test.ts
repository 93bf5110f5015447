import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig as readConfig, type Unstable_Config } from "wrangler";
import { countRequest, RATES, type Rate } from "../../../src/delivery/api/callers/rates.ts";
import { originOf } from "../../../src/delivery/api/shop/people.ts";
import { Problem } from "../../../src/delivery/api/http/problems.ts";
import { ENVIRONMENTS } from "../../../scripts/environments.ts";

const CONFIG = join(import.meta.dirname, "../../../wrangler.toml");
const RATE_NAMES = Object.keys(RATES) as Rate[];

function requestFrom(address: string | null): Request {
  return new Request("http://lovage/", {
    headers: address === null ? {} : { "CF-Connecting-IP": address },
  });
}

/** What a request is counted as. */
async function keyOf(owner: string, address: string | null): Promise<string> {
  const keys: string[] = [];
  const counter = { admits: async (_rate: Rate, key: string) => keys.push(key) > 0 };
  await countRequest(counter, "read", { owner }, requestFrom(address));
  return keys.join();
}

it.each([undefined, ...ENVIRONMENTS])("%s counts as many requests as the code says", (env) => {
  const { ratelimits }: Unstable_Config = readConfig(
    env === undefined ? { config: CONFIG } : { config: CONFIG, env },
  );
  const counted = ratelimits
    .filter(({ name }) => name.startsWith("RATE_"))
    .map(({ name, simple }) => [name, { requests: simple.limit, seconds: simple.period }]);
  const wanted = RATE_NAMES.map((name) => [`RATE_${name.toUpperCase()}`, RATES[name]]);
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(wanted));
});

it.each(ENVIRONMENTS)("%s counts requests, development does not", (env) => {
  expect(readConfig({ config: CONFIG, env }).vars).toMatchObject({ RATE_LIMITS: "on" });
  expect(readConfig({ config: CONFIG }).vars).toMatchObject({ RATE_LIMITS: "off" });
});

it("whoever is known is counted as themselves, wherever they are", async () => {
  expect(await keyOf("user:1", "192.0.2.1")).toBe(await keyOf("user:1", "192.0.2.2"));
  expect(await keyOf("user:1", "192.0.2.1")).not.toBe(await keyOf("user:2", "192.0.2.1"));
});

it.each([
  ["an address", "192.0.2.1", "192.0.2.2"],
  ["a /64", "2001:db8:1:2::1", "2001:db8:1:3::1"],
  ["no address", null, "192.0.2.1"],
])("who is not known is counted by %s", async (_what, one, other) => {
  for (const nobody of ["", "anonymous"]) {
    expect(await keyOf(nobody, one)).not.toBe(await keyOf(nobody, other));
    expect(await keyOf(nobody, one)).not.toBe(await keyOf("program", one));
  }
});

it.each([
  ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
  ["2001:db8::1", "2001:0DB8:0:0:1234::"],
  ["::1", "0:0:0:0:ffff::"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
])("%s and %s are of one host", async (one, other) => {
  expect(await keyOf("", one)).toBe(await keyOf("", other));
  // Tries of passwords are counted by this.
  expect(originOf(requestFrom(one)).address).toBe(originOf(requestFrom(other)).address);
});

it("nobody has the allowance of a network by calling themselves so", async () => {
  expect(await keyOf("network 192.0.2.1", null)).not.toBe(await keyOf("", "192.0.2.1"));
});

it("one request too many is told when to come again, and how many there may be", async () => {
  const full = { admits: async () => false };
  const refusal: unknown = await countRequest(
    full,
    "submit",
    { owner: "program" },
    requestFrom(null),
  ).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Problem);
  expect(refusal).toMatchObject({
    status: 429,
    code: "too_many_requests",
    headers: {
      "Retry-After": "10",
      RateLimit: '"submit";r=0;t=10',
      "RateLimit-Policy": '"submit";q=2000;w=10',
    },
  });
});
