import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { AuditLog } from "#domain/audit";
import { systemRandom } from "#platform/system.ts";
import { traceScope } from "#platform/trace/trace-scope.ts";
import { createApi, type Access, type ApiParts } from "../../src/delivery/api/index.ts";
import { createShop } from "./domain/shop.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

/** The shop's routes of a closed deployment, where tokens mean what `authenticate` says. */
export function createShopApi(authenticate: Access["authenticate"]) {
  const { services, lovage } = createShop();
  const { clock } = services;
  const parts: Partial<ApiParts> = {
    access: {
      isOpen: false,
      publicUrl: services.publicUrl,
      authenticate,
      mayFailAgain: () => Promise.resolve(true),
    },
    shop: services,
    lovageFor: () => lovage,
    audit: new AuditLog({
      db: drizzle(env.DB),
      ...{ clock, random: systemRandom },
      key: () => services.keyFor("audit-address"),
    }),
    ...{ clock, trace: traceScope, random: systemRandom, logSampling: 0 },
    requestLog: { add: () => undefined },
    rates: { admits: () => Promise.resolve(true) },
    corsOrigins: [],
    mails: [],
    queues: new Set(),
    log: () => undefined,
  };
  const api = createApi(parts as ApiParts);
  return async (token: string, method: string, path: string, body?: unknown) => {
    const ctx = createExecutionContext();
    const request = new Request(`http://lovage${path}`, {
      method,
      headers: { ...JSON_TYPE, Authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await api.fetch(request, env, ctx);
    await waitOnExecutionContext(ctx);
    return answer;
  };
}
