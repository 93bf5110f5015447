import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Config } from "./config.ts";
import { personCaller, type Access } from "./delivery/api/index.ts";
import { authenticate } from "./domain/accounts/index.ts";
import { AuditLog } from "./domain/audit/index.ts";
import type { ShopServices } from "./domain/index.ts";
import { ApiKeys } from "./platform/access/api-keys.ts";
import type { Env } from "./platform/env.ts";
import { systemRandom } from "./platform/system.ts";

interface Parts extends Pick<ShopServices, "clock" | "keyFor"> {
  readonly db: DrizzleD1Database;
}

/** Who may do what, and what they did. */
export function createAccess(
  env: Env,
  config: Config,
  { db, clock, keyFor }: Parts,
): { readonly access: Access; readonly audit: AuditLog } {
  const apiKeys = new ApiKeys(env.DB);
  return {
    access: {
      isOpen: config.isOpenAccess,
      publicUrl: config.publicUrl,
      authenticate: async (token, isUse) => {
        const now = clock.now();
        const person = await authenticate(db, token, now, isUse);
        if (person !== null) return personCaller(person.userId, person.role);
        return apiKeys.authenticate(token, now);
      },
      mayFailAgain: async (network) => (await env.AUTH_FAILURES.limit({ key: network })).success,
    },
    audit: new AuditLog({ db, clock, random: systemRandom, key: () => keyFor("audit-address") }),
  };
}
