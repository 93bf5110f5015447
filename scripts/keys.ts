/**
 * `npm run keys`: API keys of a deployment.
 *
 *   npm run keys -- create --name shop --owner shop --scopes tasks:write,tasks:read [--expires-days 90]
 *   npm run keys -- list
 *   npm run keys -- revoke <id>
 *
 * Add --env staging or --env production for the database of a deployment; without it the local one is meant
 * (--persist-to <folder>: that of another `wrangler dev`). With --json, list and create print JSON.
 */
import { createHash, randomBytes } from "node:crypto";
import { OWN_OWNERS, PERSON_OWNER, SCOPES } from "../src/delivery/api/callers/access.ts";
import { execute, sql } from "./database.ts";
import { optionsOf } from "./options.ts";

const ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const DAY_MS = 86_400_000;

const { values, positionals } = optionsOf({
  allowPositionals: true,
  options: {
    name: { type: "string" },
    owner: { type: "string" },
    scopes: { type: "string" },
    "expires-days": { type: "string" },
    env: { type: "string" },
    "persist-to": { type: "string" },
    json: { type: "boolean", short: "j", default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const run = (command: string) =>
  execute(command, { env: values.env, state: values["persist-to"] }).catch((error: Error) =>
    fail(error.message),
  );

async function create(): Promise<void> {
  const { name, owner, scopes: scopeList } = values;
  if (name === undefined || owner === undefined || scopeList === undefined) {
    fail("create needs --name, --owner and --scopes.");
  }
  if (name === "" || owner === "") fail("--name and --owner must not be empty.");
  if (owner.startsWith(PERSON_OWNER)) {
    fail(`--owner: what begins with ${PERSON_OWNER} belongs to accounts.`);
  }
  if (OWN_OWNERS.includes(owner)) fail(`--owner: ${owner} is the deployment itself.`);
  const scopes = scopeList.split(",");
  const known: readonly string[] = SCOPES;
  const unknown = scopes.filter((scope) => !known.includes(scope));
  if (unknown.length > 0) {
    fail(`Unknown scopes: ${unknown.join(", ")}. There are: ${SCOPES.join(", ")}.`);
  }
  const days = values["expires-days"] === undefined ? null : Number(values["expires-days"]);
  if (days !== null && !(days > 0)) fail("--expires-days must be a positive number.");
  const id = Array.from(randomBytes(12), (byte) => ID_LETTERS[byte % 36]).join("");
  const secret = randomBytes(32).toString("base64url");
  const hash = createHash("sha256").update(secret).digest("hex");
  const now = Date.now();
  const expiresAt = days === null ? null : Math.round(now + days * DAY_MS);
  const row = [id, name, owner, hash, JSON.stringify(scopes), now, expiresAt, null];
  await run(
    `INSERT INTO api_keys (id, name, owner, secret_hash, scopes, created_at, expires_at, revoked_at)
     VALUES (${row.map(sql).join(", ")})`,
  );
  const key = `lv_${id}_${secret}`;
  console.log(values.json ? JSON.stringify({ id, key }) : key);
  console.error("That is the key; it is not shown again.");
}

async function list(): Promise<void> {
  const rows = await run(
    "SELECT id, name, owner, scopes, created_at, expires_at, revoked_at FROM api_keys ORDER BY created_at",
  );
  if (values.json) console.log(JSON.stringify(rows));
  else console.table(rows);
}

async function revoke(id: string | undefined): Promise<void> {
  if (id === undefined) fail("revoke needs the key's id, the part after lv_.");
  const rows = await run(
    `UPDATE api_keys SET revoked_at = ${Date.now()} WHERE id = ${sql(id)} AND revoked_at IS NULL RETURNING id`,
  );
  if (rows.length === 0) fail(`There is no key ${id} in force.`);
  console.log(`Revoked ${id}.`);
}

const [command, argument] = positionals;
if (command === "create") await create();
else if (command === "list") await list();
else if (command === "revoke") await revoke(argument);
else fail("Say create, list or revoke.");
