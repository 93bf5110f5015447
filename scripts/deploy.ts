/**
 * `npm run deploy`: brings an environment of wrangler.toml to the state of this checkout.
 *
 *   npm run deploy -- --env production             check, migrate, deploy, wait until it is ready
 *   npm run deploy -- --env production --create    and create what the account doesn't have yet
 *   npm run deploy -- --dry-run [--env staging]    everything that needs no account
 *
 * --url says where to ask whether it is ready (default: the environment's PUBLIC_URL), --timeout for how many
 * seconds (120), --config for another wrangler.toml.
 *
 * Ends with 0 when all went well, 1 when something was refused before anything was changed, 2 for options that
 * make no sense, 3 when a step failed on the way, 4 when what is deployed doesn't get ready.
 */
import { styleText } from "node:util";
import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from "wrangler";
import { wrangler } from "./deploy/command.ts";
import { checkMigrations } from "./deploy/migrations.ts";
import { waitUntilReady } from "./deploy/ready.ts";
import { isThere, resourcesOf, secretsOf } from "./deploy/resources.ts";
import { checkSettings, SECRETS } from "./deploy/settings.ts";
import { ENVIRONMENTS, isEnvironment, type Environment } from "./environments.ts";
import { ROOT } from "./wrangler.ts";
import { optionsOf } from "./options.ts";

const REFUSED = 1;
const USAGE = 2;
const BROKEN = 3;
const NOT_READY = 4;
/** What stands in wrangler.toml until somebody puts their own there. */
const EXAMPLE_URL = /^https:\/\/([\w-]+\.)*example\.(com|org|net)$/;

const { values } = optionsOf({
  options: {
    env: { type: "string" },
    "dry-run": { type: "boolean", default: false },
    create: { type: "boolean", default: false },
    url: { type: "string" },
    timeout: { type: "string", default: "120" },
    config: { type: "string", default: "wrangler.toml" },
  },
});

function fail(code: number, ...lines: string[]): never {
  for (const line of lines) console.error(styleText("red", line, { stream: process.stderr }));
  process.exit(code);
}

function step(text: string): void {
  console.log(styleText("bold", `\n${text}`));
}

function warn(text: string): void {
  console.warn(styleText("yellow", `! ${text}`, { stream: process.stderr }));
}

/** Runs a step that changes something. */
async function change(args: readonly string[], hint: string): Promise<void> {
  const { code, text } = await wrangler(args);
  console.log(text.trim());
  if (code !== 0) fail(BROKEN, `wrangler ${args.join(" ")} ended with ${code}.`, hint);
}

/** @param secrets see `checkSettings` */
function settle(environment: Environment, config: Unstable_Config, secrets: string[] | null): void {
  const { errors, warnings, missing } = checkSettings(environment, config.vars, secrets);
  if (errors.length > 0) fail(REFUSED, `The settings of ${environment} are not right:`, ...errors);
  const puts = missing.map(
    (name) => `npx wrangler secret put ${name} --env ${environment}    # ${SECRETS[name]?.make}`,
  );
  if (secrets === null) {
    for (const line of puts) console.log(`It needs: ${line}`);
    for (const line of warnings) warn(line);
    return;
  }
  if (puts.length > 0)
    fail(REFUSED, `Secrets of ${environment} are missing. Put them there:`, ...puts);
  for (const line of warnings) warn(line);
}

/** Where people reach the environment. */
function urlOf({ vars }: Unstable_Config): string {
  const url = vars["PUBLIC_URL"];
  return typeof url === "string" ? url : "";
}

function checkUrl(url: string): void {
  if (url !== "" && !EXAMPLE_URL.test(url)) return;
  const message = `PUBLIC_URL is '${url}': put the address of your deployment into wrangler.toml.`;
  if (values["dry-run"]) warn(message);
  else fail(REFUSED, message);
}

/** All that is done without an account. @returns the environment's part of wrangler.toml */
function check(environment: Environment): Unstable_Config {
  step(`${environment}: settings`);
  const config = readWranglerConfig({ config: values.config, env: environment });
  settle(environment, config, null);
  checkUrl(urlOf(config));
  return config;
}

async function dryRun(environment: Environment): Promise<void> {
  check(environment);
  step(`${environment}: build`);
  const args = ["deploy", "--dry-run", "--env", environment, "--config", values.config];
  const { code, text } = await wrangler([...args, "--outdir", `dist/${environment}`]);
  console.log(text.trim());
  if (code !== 0) fail(REFUSED, `The Worker of ${environment} can't be built.`);
}

async function ensureResources(environment: Environment, config: Unstable_Config): Promise<void> {
  const found = await Promise.all(
    resourcesOf(config).map(async (resource) => ({ resource, isFound: await isThere(resource) })),
  ).catch((error: Error) => fail(REFUSED, error.message));
  for (const { resource, isFound } of found) {
    console.log(`${isFound ? "there" : "missing"}: ${resource.what}`);
  }
  const missing = found.flatMap(({ resource, isFound }) => (isFound ? [] : [resource]));
  if (missing.length === 0) return;
  if (!values.create) {
    const lines = missing.map(({ create }) => `npx wrangler ${create.join(" ")}`);
    fail(
      REFUSED,
      `${environment} needs what the account doesn't have. Add --create, or:`,
      ...lines,
    );
  }
  for (const { create } of missing) await change(create, "Nothing was deployed; run it again.");
}

async function deploy(environment: Environment): Promise<void> {
  const config = check(environment);
  const place = ["--env", environment, "--config", values.config];
  step(`${environment}: secrets`);
  settle(
    environment,
    config,
    await secretsOf(place).catch((error: Error) => fail(REFUSED, error.message)),
  );
  step(`${environment}: databases, buckets, queues`);
  await ensureResources(environment, config);
  step(`${environment}: migrations`);
  // Before the code: the version that runs works with what they add, and the next one needs it.
  await change(
    ["d1", "migrations", "apply", "DB", "--remote", ...place],
    "Nothing was deployed: the version that ran goes on. Mend the migration, and run it again.",
  );
  step(`${environment}: deploy`);
  const rollback = `Back to the version before: npx wrangler rollback --env ${environment}`;
  await change(["deploy", ...place], `If it answers worse than before: ${rollback}`);
  step(`${environment}: ready?`);
  const url = values.url ?? urlOf(config);
  const trouble = await waitUntilReady(url, Number(values.timeout) * 1_000);
  if (trouble !== null) {
    fail(
      NOT_READY,
      `${url}/readyz does not get well: ${trouble}`,
      `What goes on: npx wrangler tail --env ${environment}`,
      rollback,
    );
  }
  console.log(styleText("green", `${environment} is ready: ${url}`));
}

const { env } = values;
if (env !== undefined && !isEnvironment(env))
  fail(USAGE, `--env must be ${ENVIRONMENTS.join(" or ")}.`);
if (env === undefined && !values["dry-run"])
  fail(USAGE, `Give --env ${ENVIRONMENTS.join(" or --env ")}.`);
if (!(Number(values.timeout) >= 0)) fail(USAGE, "--timeout must be a number of seconds.");

step("Migrations of this checkout");
try {
  for (const file of checkMigrations(ROOT)) console.log(file);
} catch (error) {
  fail(REFUSED, error instanceof Error ? error.message : String(error));
}
if (values["dry-run"]) {
  for (const name of env === undefined ? ENVIRONMENTS : [env]) await dryRun(name);
} else if (env !== undefined) {
  await deploy(env);
}
