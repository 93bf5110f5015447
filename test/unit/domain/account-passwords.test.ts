import { assert, property, string } from "fast-check";
import { expect, it } from "vitest";
import {
  COSTS,
  NO_PASSWORD,
  Passwords,
  scryptKdf,
  type Kdf,
} from "../../../src/domain/accounts/passwords.ts";
import { MAX_PASSWORD, passwordFault } from "../../../src/domain/accounts/password-rules.ts";
import { deriveKeys } from "../../../src/platform/secrets/derived-keys.ts";

const pepper = deriveKeys("for tests only: 0123456789abcdef0123456789abcdef");
const CHEAP = { ln: 4, r: 8, p: 1 };

/** Passwords at low cost, and how often the slow function ran. */
function cheap(costs = CHEAP, secret = pepper("password-pepper")) {
  const ran = { times: 0 };
  const kdf: Kdf = (...args) => {
    ran.times += 1;
    return scryptKdf(...args);
  };
  return { passwords: new Passwords(secret, kdf, costs), ran };
}

it("a password is kept as the PHC string of scrypt at today's costs", async () => {
  const passwords = new Passwords(pepper("password-pepper"));
  const hash = await passwords.hash("correct horse battery");
  expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await passwords.verify("correct horse battery", hash)).toBe("right");
  expect(await passwords.verify("correct horse Battery", hash)).toBe("wrong");
});

it("costs stay below what workerd allows: N·r·p of 2^20, and 16 MiB", () => {
  const { ln, r, p } = COSTS;
  expect(2 ** ln * r * p).toBeLessThanOrEqual(2 ** 20);
  expect(128 * 2 ** ln * r).toBe(16 * 2 ** 20);
});

it("the same password is never kept the same way twice", async () => {
  const { passwords } = cheap();
  expect(await passwords.hash("correct horse")).not.toBe(await passwords.hash("correct horse"));
});

it("without the deployment's pepper a hash is of no use", async () => {
  const hash = await cheap().passwords.hash("correct horse");
  const other = cheap(CHEAP, pepper("another purpose")).passwords;
  expect(await other.verify("correct horse", hash)).toBe("wrong");
});

it("a hash of other costs is right, and outdated", async () => {
  const hash = await cheap().passwords.hash("correct horse");
  const { passwords } = cheap({ ...CHEAP, p: 2 });
  expect(await passwords.verify("correct horse", hash)).toBe("right-outdated");
  expect(await passwords.verify("wrong horse", hash)).toBe("wrong");
});

it.each([
  ["no account", null],
  ["an account without a password", NO_PASSWORD],
  ["a broken hash", "$scrypt$ln=4,r=8,p=1$x$y"],
])("%s: nothing fits, and it takes as long as ever", async (_what, stored) => {
  const { passwords, ran } = cheap();
  expect(await passwords.verify("", stored)).toBe("wrong");
  expect(ran.times).toBe(1);
});

it("two ways to write the same letter are two passwords", async () => {
  const { passwords } = cheap();
  const hash = await passwords.hash("caf\u00e9 au lait");
  expect(await passwords.verify("cafe\u0301 au lait", hash)).toBe("wrong");
});

it.each([
  "",
  "short",
  "1234567",
  "a".repeat(MAX_PASSWORD + 1),
  "password",
  "PASSWORD",
  "Password1!",
  "P@ssw0rd",
  "qwerty12345",
  "2024welcome!",
  "iloveyou",
  "пароль123",
  "ЙЦУКЕНГШ",
  "ghbdtn123",
  "00000000",
  "abcabcabc",
  "12341234",
  "12345678",
  "87654321",
  "asdfghjkl",
  "1qaz2wsx",
  "lovage2026",
  "Ada.Lovelace",
  "lovelace1815",
  "mail.ada99",
])("%j is refused", (password) => {
  expect(passwordFault(password, ["Ada.Lovelace", "Lovelace", "mail.ada"])).not.toBeNull();
});

it.each([
  "correct horse battery staple",
  "tr0ub4dor&3",
  "жук летел над рекой",
  "        8 spaces",
  "🐎🔋🖇️🐎🔋🖇️🦀🪢",
  "password of my grandmother",
  "lovage tastes of celery",
  "a1".repeat(4) + "b",
  "x".repeat(MAX_PASSWORD - 1) + "y",
])("%j is taken as it is", (password) => {
  expect(passwordFault(password, ["al", "ada"])).toBeNull();
});

it("whatever is given, there is an answer, and none too short is taken", () => {
  assert(
    property(string({ unit: "binary", maxLength: 400 }), (password) => {
      const { length } = Array.from(password);
      const fault = passwordFault(password, ["someone"]);
      if (length < 8 || length > MAX_PASSWORD) expect(fault).not.toBeNull();
    }),
  );
});
