import { expect, it } from "vitest";
import {
  isStop,
  providerIdOf,
  sortSendError,
} from "../../../src/integrations/mail/smtp-answers.ts";

/** As nodemailer reports an answer. */
const answered = (command: string, response: string) =>
  Object.assign(new Error(`Failed: ${response}`), {
    command,
    response,
    responseCode: Number(response.slice(0, 3)),
  });

it.each([
  ["250 2.0.0 Ok: queued as 4F2A1B", "4F2A1B"],
  ["250 OK id=1tAbCd-000000001Xy-2zQp", "1tAbCd-000000001Xy-2zQp"],
  ["250 2.0.0 5f3a8ee9 Message accepted for delivery", "5f3a8ee9"],
  [
    "250 Ok 0100018b5c3c0a4f-aaaa-bbbb-cccc-ddddeeee-000000",
    "0100018b5c3c0a4f-aaaa-bbbb-cccc-ddddeeee-000000",
  ],
  ["250 Thank you", null],
])("%s: the server's name for it is %s", (answer, id) => {
  expect(providerIdOf(answer)).toBe(id);
});

it("a server's name for a message is kept up to 200 characters", () => {
  expect(providerIdOf(`250 queued as ${"a".repeat(999)}`)).toHaveLength(200);
});

it.each([
  "550 5.1.1 <a@b.ru>: Recipient address rejected: User unknown",
  "550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 Please try",
  "550 5.1.2 Domain not found",
  "550 5.1.6 Mailbox has moved",
  "556 5.1.10 Recipient address has null MX",
  "550 5.2.1 Mailbox disabled",
  "550 sorry, no mailbox here by that name (#5.1.1)",
  "550 No such user here",
  "550 Unknown user",
  "550 mailbox a@b.ru does not exist",
])("%s: the mailbox is gone", (response) => {
  expect(sortSendError(answered("RCPT TO", response), false)).toEqual({
    scope: "message",
    outcome: { status: "failed", isPermanent: true, reason: response, isBounce: true },
  });
});

it.each([
  "550 5.7.1 Blocked by policy",
  "554 5.7.1 Relay access denied",
  "552 5.2.2 Mailbox full",
  "550 Mailbox unavailable",
  "550 No such user here, or blocked for spam",
  "551 User not local",
  "553 No such user",
  "550 5.7.1 User unknown",
])("%s: refused for good, and no bounce", (response) => {
  expect(sortSendError(answered("RCPT TO", response), false)).toEqual({
    scope: "message",
    outcome: { status: "failed", isPermanent: true, reason: response },
  });
});

it.each([
  ["DATA", "550 5.1.1 No such user", false],
  ["DATA", "554 5.6.0 Refused", true],
  ["DATA", "552 5.3.4 Too large", true],
  ["MAIL FROM", "552 5.3.4 Too large", false],
  ["MAIL FROM", "552 Too large", false],
])("%s: %s ends this message, and is no bounce", (command, response, isHandedOver) => {
  expect(sortSendError(answered(command, response), isHandedOver)).toEqual({
    scope: "message",
    outcome: { status: "failed", isPermanent: true, reason: response },
  });
});

it.each([
  ["RCPT TO", "450 4.2.0 Busy"],
  ["RCPT TO", "451 4.7.1 Greylisted"],
  ["RCPT TO", "452 4.2.2 Mailbox full"],
  ["MAIL FROM", "451 4.3.0 Later"],
  ["DATA", "451 4.3.0 Later"],
])("%s: %s is for later, and the connection goes on", (command, response) => {
  expect(sortSendError(answered(command, response), true)).toEqual({
    scope: "message",
    outcome: { status: "failed", isPermanent: false, reason: response },
  });
});

it.each([
  ["RCPT TO", "452 Too many recipients"],
  ["MAIL FROM", "452 4.3.1 Insufficient storage"],
  ["DATA", "550 5.4.5 Daily sending quota exceeded"],
])("%s: %s asks for patience", (command, response) => {
  expect(sortSendError(answered(command, response), false)).toEqual({
    scope: "message",
    outcome: { status: "failed", isPermanent: false, reason: response, retryAfterSeconds: 300 },
  });
});

it.each([
  ["MAIL FROM", "550 5.7.1 Sender refused"],
  ["MAIL FROM", "530 5.7.0 Authentication required"],
  ["RCPT TO", "530 5.7.0 Authentication required"],
  ["RCPT TO", "535 5.7.8 Bad login"],
])("%s: %s stops all mail", (command, response) => {
  expect(sortSendError(answered(command, response), false).scope).toBe("account");
});

it.each([
  ["RCPT TO", "421 4.7.0 Closing"],
  ["DATA", "421 4.3.2 Closing"],
  ["RCPT TO", "503 5.5.1 Bad sequence"],
])("%s: %s ends the connection, and says that nothing was sent", (command, response) => {
  expect(sortSendError(answered(command, response), true)).toEqual({
    scope: "connection",
    outcome: { status: "failed", isPermanent: false, reason: response },
  });
});

it("a connection that breaks leaves a message unknown once it was handed over, and only then", () => {
  const broken = Object.assign(new Error("Timeout"), { code: "ETIMEDOUT", command: "CONN" });
  expect(sortSendError(broken, true)).toMatchObject({
    scope: "connection",
    outcome: { isPermanent: false, isUnknown: true },
  });
  expect(sortSendError(broken, false).outcome).not.toHaveProperty("isUnknown");
});

it("an answer that is none to a message leaves it unknown", () => {
  expect(sortSendError(answered("DATA", "354 Go on"), true)).toMatchObject({
    scope: "connection",
    outcome: { isUnknown: true },
  });
});

it.each([
  [{ responseCode: 554 }, true],
  [{ responseCode: 535 }, true],
  [{ responseCode: 454 }, false],
  [{ responseCode: 421 }, false],
  [{ code: "ERR_TLS_CERT_ALTNAME_INVALID" }, true],
  [{ code: "ESOCKET", originalCode: "DEPTH_ZERO_SELF_SIGNED_CERT" }, true],
  [{ code: "CERT_HAS_EXPIRED" }, true],
  [{ code: "ECONNREFUSED" }, false],
  [{ code: "ESOCKET", originalCode: "ECONNRESET" }, false],
  [{ code: "ETIMEDOUT" }, false],
  [{}, false],
])("%j before the first message stops all mail: %s", (fields, expected) => {
  expect(isStop(Object.assign(new Error("x"), fields))).toBe(expected);
});
