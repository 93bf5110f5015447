import type { AlertHook } from "#domain/notifications";

const TIMEOUT_MS = 10_000;

/**
 * Posts alerts as JSON: `{"type": "alert", "timestamp", "data": {"subject", "message"}}`. Redirects are not followed,
 * and the address, which may have a secret in it, is in no error.
 */
export function createHttpAlertHook(url: string, request: typeof fetch = fetch): AlertHook {
  async function answerTo(body: string): Promise<number> {
    try {
      const response = await request(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      const name = error instanceof Error ? error.name : "Error";
      // oxlint-disable-next-line preserve-caught-error -- it may name the address
      throw new Error(`ALERT_URL gave no answer (${name}).`);
    }
  }

  return {
    async post({ subject, message, at }) {
      const timestamp = new Date(at).toISOString();
      const status = await answerTo(
        JSON.stringify({ type: "alert", timestamp, data: { subject, message } }),
      );
      if (status < 200 || status > 299) throw new Error(`ALERT_URL answered ${status}.`);
    },
  };
}
