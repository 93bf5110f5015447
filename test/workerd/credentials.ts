import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/worker.ts";

/** A request to a deployment as it is by default: closed. */
export async function request(
  path: string,
  token: string | null,
  init: RequestInit = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  const asked = new Request(`http://lovage${path}`, { ...init, headers });
  const answer = await worker.fetch(asked, { ...env, OPEN_ACCESS: "false" }, ctx);
  const isStream = answer.headers.get("Content-Type") === "text/event-stream";
  if (!isStream && answer.webSocket === null) await waitOnExecutionContext(ctx);
  return answer;
}

/** Stores a key as `npm run keys` does. */
export async function keyFor(owner: string, scopes: readonly string[]): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const secret = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace("=", "");
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  await env.DB.prepare("INSERT INTO api_keys VALUES (?, 'test', ?, ?, ?, 0, NULL, NULL)")
    .bind(id, owner, hash.join(""), JSON.stringify(scopes))
    .run();
  return `lv_${id}_${secret}`;
}
