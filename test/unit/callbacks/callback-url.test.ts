import { expect, it } from "vitest";
import { readCallbackUrl, type CallbackRules } from "#domain/callbacks";

const RULES: CallbackRules = {
  hosts: ["hooks.example.com", "*.partner.example", "xn--e1afmkfd.xn--p1ai"],
  isLocalAllowed: false,
  publicUrl: "https://shop.example.com",
};
/** Addresses and private names on the list of a careless operator. */
const CARELESS: CallbackRules = {
  ...RULES,
  hosts: [
    ...["127.0.0.1", "10.0.0.1", "169.254.169.254", "localhost", "intranet", "0.0.0.0"],
    ...["*.local", "*.internal", "*.localhost", "*.home.arpa", "shop.example.com"],
  ],
};
const LOCAL: CallbackRules = {
  hosts: ["localhost", "127.0.0.1", "10.0.0.1", "hooks.example.com", "box.example.com"],
  isLocalAllowed: true,
  publicUrl: "http://localhost:8787",
};

function faultOf(url: string, rules = RULES): string {
  try {
    return `called as ${readCallbackUrl(url, rules).href}`;
  } catch (error) {
    return (error as Error).message;
  }
}

it.each([
  ["https://hooks.example.com/a/b?c=d", "https://hooks.example.com/a/b?c=d"],
  ["https://hooks.example.com", "https://hooks.example.com/"],
  ["https://hooks.example.com:443/a", "https://hooks.example.com/a"],
  ["HTTPS://HOOKS.EXAMPLE.COM/A", "https://hooks.example.com/A"],
  ["https://a.partner.example/", "https://a.partner.example/"],
  ["https://a.b.partner.example/", "https://a.b.partner.example/"],
  ["https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"],
  ["https://hooks。example．com/", "https://hooks.example.com/"],
  ["https://ｈooks.example.com/", "https://hooks.example.com/"],
  ["https://hooks.example.com/%2e%2e/a", "https://hooks.example.com/a"],
  ["https://hooks.example.com/заказ", "https://hooks.example.com/%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7"],
])("%s may be called, as %s", (url, href) => {
  expect(readCallbackUrl(url, RULES).href).toBe(href);
});

it.each([
  ["", "must be a URL"],
  ["hooks.example.com", "must be a URL"],
  ["//hooks.example.com/", "must be a URL"],
  ["https:hooks.example.com", "must be a URL"],
  ["https:/hooks.example.com", "must be a URL"],
  ["https://", "must be a URL"],
  ["ftp://hooks.example.com/", "must be a URL"],
  ["javascript:alert(1)", "must be a URL"],
  ["data:text/plain,x", "must be a URL"],
  [" https://hooks.example.com/", "must be a URL"],
  ["https://hooks.example.com/\n", "must be a URL"],
  ["https://hooks.exa\tmple.com/", "must be a URL"],
  ["https://hooks.example.com/\0", "must be a URL"],
  ["https://hooks.example.com\\@evil.example/", "must be a URL"],
  ["https:\\\\hooks.example.com/", "must be a URL"],
  ["https://hooks\u00ad.example.com/", "must be a URL"],
  ["https://hooks\u200b.example.com/", "must be a URL"],
  ["https://hooks.example.com\u2028/", "must be a URL"],
  ["https://hooks.example.com:99999/", "must be a URL"],
  ["https://%zz/", "must be a URL"],
  ["http://hooks.example.com/", "must be an https URL"],
  ["https://hooks.example.com:8443/", "must be at port 443"],
  ["https://hooks.example.com:80/", "must be at port 443"],
  ["https://user@hooks.example.com/", "must have no user or password"],
  ["https://user:password@hooks.example.com/", "must have no user or password"],
  ["https://:password@hooks.example.com/", "must have no user or password"],
  ["https://hooks.example.com@evil.example/", "must have no user or password"],
  ["https://hooks.example.com%40evil.example/", "must be a URL"],
  ["https://hooks.example.com/#a", "must have no fragment"],
  ["https://hooks.example.com/#", "must have no fragment"],
  ["https://example.com/", "one of the hosts"],
  ["https://evilhooks.example.com/", "one of the hosts"],
  ["https://hooks.example.com.evil.example/", "one of the hosts"],
  ["https://a.hooks.example.com/", "one of the hosts"],
  ["https://partner.example/", "one of the hosts"],
  ["https://evilpartner.example/", "one of the hosts"],
  ["https://hooks.example.co/", "one of the hosts"],
  ["https://hооks.example.com/", "one of the hosts"],
  ["https://127.0.0.1.nip.io/", "one of the hosts"],
  ["https://hooks.example.com./", "public host name"],
  ["https://hooks..example.com/", "public host name"],
  ["https://-a.partner.example/", "public host name"],
  ["https://a_b.partner.example/", "public host name"],
  [`https://${"a".repeat(64)}.partner.example/`, "public host name"],
])("%j is refused: %s", (url, why) => {
  expect(faultOf(url)).toContain(why);
});

it.each([
  "https://127.0.0.1/",
  "https://127.1/",
  "https://127.0.0.1./",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0x7f.0.0.1/",
  "https://0177.0.0.1/",
  "https://017700000001/",
  "https://１２７.０.０.１/",
  "https://127。0。0。1/",
  "https://%31%32%37.0.0.1/",
  "https://0/",
  "https://0.0.0.0/",
  "https://10.0.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://0xa9fea9fe/",
  "https://[::1]/",
  "https://[::]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:7f00:1]/",
  "https://[fe80::1]/",
  "https://[64:ff9b::7f00:1]/",
  "https://localhost/",
  "https://LOCALHOST/",
  "https://localhost./",
  "https://intranet/",
  "https://a.localhost/",
  "https://printer.local/",
  "https://metadata.google.internal/",
  "https://nas.home.arpa/",
])("%s is refused, whatever the list says", (url) => {
  expect(faultOf(url, CARELESS)).toMatch(/must be at a public host name|must be a URL/);
});

it("the deployment itself is not called", () => {
  expect(faultOf("https://shop.example.com/api/tasks/", CARELESS)).toContain("this deployment");
  expect(faultOf("http://localhost:8787/", LOCAL)).toContain("this deployment");
  expect(faultOf("http://127.0.0.1:8787/", LOCAL)).toContain("this deployment");
});

it("this machine may be called where the setting says so and it is on the list", () => {
  expect(faultOf("http://localhost:9000/a", LOCAL)).toBe("called as http://localhost:9000/a");
  expect(faultOf("http://2130706433:9000/", LOCAL)).toBe("called as http://127.0.0.1:9000/");
  expect(faultOf("http://127.0.0.2:9000/", LOCAL)).toContain("one of the hosts");
  expect(faultOf("http://user@localhost:9000/", LOCAL)).toContain("no user");
});

it("the setting for this machine opens nothing else", () => {
  expect(faultOf("https://10.0.0.1/", LOCAL)).toContain("public host name");
  expect(faultOf("http://hooks.example.com/", LOCAL)).toContain("https");
  expect(faultOf("https://hooks.example.com:8443/", LOCAL)).toContain("port 443");
  expect(faultOf("https://hooks.example.com/", LOCAL)).toContain("called as");
});

it("2,000 characters are taken, and no more", () => {
  const url = "https://hooks.example.com/".padEnd(2_000, "a");
  expect(readCallbackUrl(url, RULES).href).toBe(url);
  expect(faultOf(`${url}a`)).toContain("2000 characters");
  expect(faultOf("https://hooks.example.com/".padEnd(1_000, "\u0436"))).toContain("must be a URL");
});

it("nobody is called where no host is configured", () => {
  const fault = faultOf("https://hooks.example.com/", { ...RULES, hosts: [] });
  expect(fault).toBe("callbackUrl: callbacks are not configured.");
});

it("what is wrong is said without the URL", () => {
  expect(faultOf("https://user:hunter2@hooks.example.com/token")).not.toMatch(/hunter2|token/);
});
