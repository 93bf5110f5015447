import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { checkSignature } from "../../../src/domain/payments/webhook-signature.ts";

const NOW = 1_900_000_000_000;
const T = NOW / 1_000;
const BODY = '{"id":"evt_1","name":"Заказ"}';
const SECRET = "whsec_0123456789abcdef";

function sign(time: number | string = T, body = BODY, secret = SECRET): string {
  return createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
}

function check(header: string, body: string | Uint8Array = BODY, secrets = [SECRET]) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return checkSignature(header, bytes, secrets, NOW);
}

it("what was signed with the secret is valid", async () => {
  expect(await check(`t=${T},v1=${sign()}`)).toBe("valid");
});

it("spaces, other versions and the order of the parts don't matter", async () => {
  expect(await check(`v0=abc, v1=${sign()} , t=${T}`)).toBe("valid");
});

it("of several signatures and secrets one pair is enough", async () => {
  const header = `t=${T},v1=${"0".repeat(64)},v1=${sign(T, BODY, "the secret before this")}`;
  expect(await check(header, BODY, [SECRET, "the secret before this"])).toBe("valid");
  expect(await check(header, BODY, [SECRET])).toBe("forged");
});

it.each([
  ["of another body", `t=${T},v1=${sign(T, "{}")}`],
  ["of another time", `t=${T},v1=${sign(T - 1)}`],
  ["with another secret", `t=${T},v1=${sign(T, BODY, "guessed")}`],
  ["with one digit changed", `t=${T},v1=${sign().replace(/.$/, (d) => (d === "0" ? "1" : "0"))}`],
])("a signature %s is forged", async (_what, header) => {
  expect(await check(header)).toBe("forged");
});

it("only a v0 signature is none", async () => {
  expect(await check(`t=${T},v0=${sign()}`)).toBe("malformed");
});

it.each(["", "t=", "nonsense", `v1=${"0".repeat(64)}`, `t=${T}`, `t=x,v1=${"0".repeat(64)}`])(
  "the header '%s' is malformed",
  async (header) => {
    expect(await check(header)).toBe("malformed");
  },
);

it("two times are malformed: one of them was not signed", async () => {
  expect(await check(`t=${T},t=${T - 5},v1=${sign()}`)).toBe("malformed");
});

it.each([
  [-301, "stale"],
  [-300, "valid"],
  [300, "valid"],
  [301, "stale"],
])("signed %i seconds from now is %s", async (seconds, expected) => {
  expect(await check(`t=${T + seconds},v1=${sign(T + seconds)}`)).toBe(expected);
});

it("only ten signatures are looked at", async () => {
  const wrong = Array.from({ length: 10 }, () => `v1=${"0".repeat(64)}`).join(",");
  expect(await check(`t=${T},${wrong},v1=${sign()}`)).toBe("forged");
  expect(await check(`t=${T},${wrong.slice(68)},v1=${sign()}`)).toBe("valid");
});

it("the bytes are signed as they came, whatever they are", async () => {
  const bytes = new Uint8Array([0xff, 0x00, 0xfe]);
  const hmac = createHmac("sha256", SECRET).update(`${T}.`).update(bytes).digest("hex");
  expect(await check(`t=${T},v1=${hmac}`, bytes)).toBe("valid");
});

it("without a secret nothing is valid", async () => {
  expect(await check(`t=${T},v1=${sign(T, BODY, "")}`, BODY, [])).toBe("forged");
});
