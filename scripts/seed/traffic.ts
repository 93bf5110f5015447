import type { Chance } from "./chance.ts";
import { countUsers, FIRST_USER, type Rows, type SeedOptions } from "./people.ts";

const DAY_MS = 86_400_000;
/** Requests for each order: most people look more often than they buy. */
const REQUESTS_PER_ORDER = 8;
/** As the request log puts them together. */
const REQUESTS_PER_ROW = 100;
const SPAN_MS = 10_000;
const ROWS_AT_ONCE = 200;

/** Method, route and usual time in ms, with its share. */
const ROUTES: Parameters<typeof Chance.prototype.weighted<readonly [string, string, number]>>[0] = [
  [["GET", "/api/products/", 12], 30],
  [["GET", "/api/protected/", 15], 20],
  [["GET", "/api/public/", 4], 18],
  [["POST", "/api/login/", 160], 8],
  [["POST", "/api/create-order/", 40], 6],
  [["GET", "/api/orders/:id/", 18], 14],
  [["GET", "/api/tasks/:id/", 9], 4],
];

/** The log of the API's requests over all the days. */
export function* traffic(options: SeedOptions, chance: Chance): Generator<Rows> {
  const { orders, days, now } = options;
  const users = countUsers(options);
  const total = Math.ceil((orders * REQUESTS_PER_ORDER) / REQUESTS_PER_ROW);
  const columns = ["first_at", "id", "entries"];
  for (let from = 0; from < total; from += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, total - from);
    const rows = Array.from({ length: count }, (_, index) => {
      const n = from + index;
      const firstAt = now - Math.floor(((total - n) / total) * days * DAY_MS);
      const entries = Array.from({ length: REQUESTS_PER_ROW }, (_each, entry) => {
        const [method, route, usual] = chance.weighted(ROUTES);
        const status = chance.weighted([
          [method === "POST" ? 201 : 200, 91],
          [404, 4],
          [422, 3],
          [401, 1.5],
          [503, 0.5],
        ]);
        const user = chance.float() < 0.6 ? `user:${FIRST_USER + chance.popular(users)}` : null;
        const ip = (chance.popular(users * 2) * 2_654_435_761)
          .toString(16)
          .padStart(12, "0")
          .slice(-12);
        const ms = Math.round(
          usual * (0.4 + chance.float() * 1.2) * (chance.float() < 0.02 ? 20 : 1),
        );
        return [
          Math.floor((entry * SPAN_MS) / REQUESTS_PER_ROW),
          method,
          route,
          status,
          ms,
          user,
          ip,
        ];
      });
      return [firstAt, `seed${String(n).padStart(12, "0")}`, JSON.stringify(entries)];
    });
    yield { table: "api_log", columns, rows };
  }
}
