/**
 * `npm run admin`: who runs a deployment.
 *
 *   npm run admin -- create --username ada --email ada@example.com [--url https://shop.example.com]
 *   npm run admin -- link <username> [--url …]      another link to set a password, for 30 minutes
 *   npm run admin -- role <username> <role>         user, viewer, operator or admin
 *   npm run admin -- list                           everybody who is more than a user
 *
 * There is no default password: `create` prints a link that sets one, once. Add --env staging or
 * --env production for the database of a deployment; without it the local one is meant
 * (--persist-to <folder>: that of another `wrangler dev`).
 */
import { NO_PASSWORD } from "../src/domain/accounts/passwords.ts";
import { LINK_MS, resetToken } from "../src/domain/accounts/reset-links.ts";
import {
  digestOf,
  mintSecret,
  randomLetters,
  randomUserId,
} from "../src/domain/accounts/secrets.ts";
import { ROLES } from "../src/domain/accounts/tables.ts";
import { execute, sql } from "./database.ts";
import { optionsOf } from "./options.ts";

const { values, positionals } = optionsOf({
  allowPositionals: true,
  options: {
    username: { type: "string" },
    email: { type: "string" },
    url: { type: "string", default: "http://localhost:8787" },
    env: { type: "string" },
    "persist-to": { type: "string" },
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
  const { username = "", email = "" } = values;
  if (!/^[\w.@+-]{1,150}$/.test(username))
    fail("create needs --username: letters, digits, _ . @ + -");
  if (!/^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}$/.test(email))
    fail("create needs --email: one address.");
  // One statement that either writes or finds that name or address are taken.
  const rows = await run(
    `INSERT INTO users (id, username, email, first_name, last_name, password_hash, role, created_at, owns_email)
     SELECT ${randomUserId()}, ${sql(username)}, ${sql(email)}, '', '', '${NO_PASSWORD}', 'admin',
       ${Date.now()}, 1
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE lower(username) = lower(${sql(username)})
       OR (lower(email) = lower(${sql(email)}) AND owns_email = 1))
     RETURNING id`,
  );
  if (rows.length === 0) fail("Somebody has this user name or address already: see role.");
  console.error(`Made the admin ${username}.`);
  await link(username);
}

/** Prints a link that sets a password, once; all older ones are void then. */
async function link(username: string): Promise<void> {
  const [user] = await run(`SELECT id FROM users WHERE lower(username) = lower(${sql(username)})`);
  if (user === undefined) fail(`There is no user ${username}.`);
  const id = Number(user["id"]);
  const secret = mintSecret();
  const now = Date.now();
  const row = [id, `admin:${randomLetters(12)}`, digestOf(secret), now + LINK_MS];
  await run(
    `UPDATE password_resets SET closed_at = ${now} WHERE user_id = ${id} AND closed_at IS NULL`,
  );
  await run(
    `INSERT INTO password_resets (user_id, task_id, secret_hash, expires_at) VALUES (${row.map(sql).join(", ")})`,
  );
  console.log(`${values.url}/password-reset/#${resetToken(id, secret)}`);
  console.error("This link sets the password, once, within 30 minutes; it is not shown again.");
}

/** What the account may do changes with its next request. */
async function setRole(username: string, role: string | undefined): Promise<void> {
  const known = ROLES.find((one) => one === role) ?? fail(`Roles are ${ROLES.join(", ")}.`);
  const rows = await run(
    `UPDATE users SET role = ${sql(known)} WHERE lower(username) = lower(${sql(username)}) RETURNING id`,
  );
  if (rows.length === 0) fail(`There is no user ${username}.`);
  console.log(`${username} is ${known} now.`);
}

async function list(): Promise<void> {
  console.table(
    await run(
      "SELECT id, username, email, role, created_at FROM users WHERE role <> 'user' ORDER BY id",
    ),
  );
}

const [command, username, role] = positionals;
const named = () => username ?? fail(`${command} needs the user name.`);
if (command === "create") await create();
else if (command === "link") await link(named());
else if (command === "role") await setRole(named(), role);
else if (command === "list") await list();
else fail("Say create, link, role or list.");
