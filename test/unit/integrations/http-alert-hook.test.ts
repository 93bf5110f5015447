import { expect, it } from "vitest";
import { createHttpAlertHook } from "../../../src/integrations/alerts/http-alert-hook.ts";

const URL = "https://hooks.example.com/secret-token";
const alert = { subject: "The queue 'emails' is paused", message: "why", at: 1_900_000_000_000 };

it("an alert is posted as JSON, and redirects are not followed", async () => {
  const asked: { url: unknown; init: RequestInit | undefined }[] = [];
  const hook = createHttpAlertHook(URL, (url, init) => {
    asked.push({ url, init });
    return Promise.resolve(new Response("ok"));
  });
  await hook.post(alert);
  expect(asked).toMatchObject([{ url: URL, init: { method: "POST", redirect: "manual" } }]);
  expect(JSON.parse(asked[0]?.init?.body as string)).toEqual({
    type: "alert",
    timestamp: "2030-03-17T17:46:40.000Z",
    data: { subject: alert.subject, message: alert.message },
  });
});

it.each([301, 400, 500])("an answer of %i is an error", async (status) => {
  const hook = createHttpAlertHook(URL, () => Promise.resolve(new Response(null, { status })));
  await expect(hook.post(alert)).rejects.toThrow(`ALERT_URL answered ${status}.`);
});

it("no error has the address in it", async () => {
  const hook = createHttpAlertHook(URL, (url) =>
    Promise.reject(new TypeError(`no ${url as string}`)),
  );
  await expect(hook.post(alert)).rejects.toThrow(/^ALERT_URL gave no answer \(TypeError\)\.$/);
});
