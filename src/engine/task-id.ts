import { toHex } from "./bytes.ts";
import { LovageError } from "./errors.ts";

/**
 * Task ids are UUIDv8 (RFC 9562 §5.8):
 *
 * ```
 *   tttttttt-tttt-8sss-vrrr-rrrrrrrrrrrr
 *   48 bits time (ms)  12 bits shard  62 bits random (v holds the variant's two bits)
 * ```
 * So an id routes to its shard without a look-up, sorts by the time it was made, and can't be guessed.
 * It is still no secret: whoever reads or revokes a task is checked.
 */
export const MAX_SHARDS = 4_096;

const TASK_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Makes a task id.
 * @param nowMs time for the id's first 48 bits
 * @param shard 0 … MAX_SHARDS − 1
 * @param random eight random bytes
 */
export function mintTaskId(nowMs: number, shard: number, random: Uint8Array): string {
  return format(nowMs.toString(16).padStart(12, "0"), shard, random);
}

/** The shard an id belongs to, or null if the text is no task id of ours. */
export function shardOf(taskId: string): number | null {
  return TASK_ID.test(taskId) ? Number.parseInt(taskId.slice(15, 18), 16) : null;
}

/** When the id was made, epoch ms. Meaningless for derived ids. */
export function mintedAt(taskId: string): number {
  return Number.parseInt(taskId.slice(0, 8) + taskId.slice(9, 13), 16);
}

/**
 * The id for a call that brought its own key: the same caller, route and key always give the same id,
 * and without the secret nobody can compute, squat on or find another caller's.
 * All bits but the shard come from HMAC-SHA256, so its time part says nothing: it begins with `f`, so
 * that these ids stand after all that were minted (until the year 10500), in no order of time.
 */
export async function deriveTaskId(
  secret: CryptoKey,
  shards: number,
  scope: { caller: string; route: string; key: string },
): Promise<string> {
  const input = JSON.stringify([scope.caller, scope.route, scope.key]);
  const digest = new Uint8Array(
    await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(input)),
  );
  const shard = ((digest[30] ?? 0) * 256 + (digest[31] ?? 0)) % shards;
  const time = `f${toHex(digest.subarray(0, 6)).slice(1)}`;
  return format(time, shard, digest.subarray(8, 16));
}

/** The first id of those that are derived from keys. */
export const FIRST_DERIVED_ID = "f";

/** The lowest id that may be minted at a time, epoch ms. */
export function lowestIdAt(ms: number): string {
  const time = Math.max(0, Math.min(ms, 0xefff_ffff_ffff)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

/**
 * The unique key that stands for what two calls have in common, and the shard that decides over it. Of
 * HMAC-SHA256, so that a key says nothing of the arguments it may come from.
 */
export async function deriveUniqueKey(
  secret: CryptoKey,
  shards: number,
  scope: string,
): Promise<{ key: string; shard: number }> {
  const input = new TextEncoder().encode(scope);
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", secret, input));
  const shard = ((digest[30] ?? 0) * 256 + (digest[31] ?? 0)) % shards;
  return { key: toHex(digest.subarray(0, 16)), shard };
}

/** The same id in another shard. */
export function withShard(taskId: string, shard: number): string {
  return taskId.slice(0, 15) + shard.toString(16).padStart(3, "0") + taskId.slice(18);
}

/** Imports the secret that caller-given ids are derived with. At least 32 characters. */
export async function importIdSecret(secret: string): Promise<CryptoKey> {
  if (secret.length < 32) {
    throw new LovageError("weak_secret", "ID_SECRET must have at least 32 characters.");
  }
  return crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
}

function format(time: string, shard: number, random: Uint8Array): string {
  const tail = toHex(random.subarray(2, 8));
  const variant = (0x80 | ((random[0] ?? 0) & 0x3f)) * 256 + (random[1] ?? 0);
  const shardHex = shard.toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-8${shardHex}-${variant.toString(16)}-${tail}`;
}
