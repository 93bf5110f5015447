import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { signatureOf } from "../../../src/integrations/callbacks/standard-webhook.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";

it("the specification's own example is signed as there", async () => {
  const content = { id: ID, timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
  const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  expect(await signatureOf(content, [SECRET])).toBe(signature);
});

it("every secret signs, the current one first; a body is signed as UTF-8", async () => {
  const other = `whsec_${Buffer.from("another secret of 32 bytes. ok!!").toString("base64")}`;
  const content = { id: ID, timestamp: 1, body: '{"name":"Заказ 🎉"}' };
  const expected = [SECRET, other].map((secret) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const mac = createHmac("sha256", key).update(`${ID}.1.${content.body}`).digest("base64");
    return `v1,${mac}`;
  });
  expect(await signatureOf(content, [SECRET, other])).toBe(expected.join(" "));
});
