import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig as readConfig, type Unstable_Config } from "wrangler";
import { DEAD_DOORBELLS, ownName, QUEUES } from "#platform/doorbell.ts";
import { ENVIRONMENTS } from "../../scripts/environments.ts";

const CONFIG = join(import.meta.dirname, "../../wrangler.toml");

function configOf(env?: string): Unstable_Config {
  return readConfig(env === undefined ? { config: CONFIG } : { config: CONFIG, env });
}

const development = configOf();

/** All that an environment binds, without the names that are its own. */
function shapeOf(config: Unstable_Config) {
  const { queues, durable_objects: objects } = config;
  return {
    main: config.main,
    compatibility: [config.compatibility_date, config.compatibility_flags],
    d1: config.d1_databases.map(({ binding, migrations_dir: dir }) => [binding, dir]),
    r2: config.r2_buckets.map(({ binding }) => binding),
    objects: objects.bindings.map(({ name, class_name: kind }) => [name, kind]),
    migrations: config.migrations,
    mail: config.send_email.map(({ name }) => name),
    producers: queues.producers?.map(({ binding, queue }) => [binding, ownName(queue ?? "")]),
    consumers: queues.consumers?.map(({ queue, dead_letter_queue: dead, ...rest }) => ({
      ...rest,
      queue: ownName(queue ?? ""),
      dead: dead && ownName(dead),
    })),
    limits: config.ratelimits.map(({ name, simple }) => [name, simple]),
    triggers: config.triggers,
    assets: config.assets,
    isRedacted: config.observability?.redact_query_string,
  };
}

/** The names that must be an environment's own. */
function namesOf(config: Unstable_Config): string[] {
  const { queues } = config;
  return [
    config.name ?? "",
    ...config.d1_databases.map(({ database_name: name }) => `d1 ${name ?? ""}`),
    ...config.r2_buckets.map(({ bucket_name: name }) => `r2 ${name ?? ""}`),
    ...(queues.consumers ?? []).map(({ queue }) => `queue ${queue ?? ""}`),
    ...config.ratelimits.map(({ namespace_id: id }) => `limit ${id}`),
  ];
}

it.each(ENVIRONMENTS)("%s has every binding that development has", (env) => {
  expect(shapeOf(configOf(env))).toEqual(shapeOf(development));
});

it("no environment shares anything with another", () => {
  const names = [development, ...ENVIRONMENTS.map((env) => configOf(env))].map(namesOf).flat();
  expect(new Set(names).size).toBe(names.length);
});

it.each(ENVIRONMENTS)("%s says what it is, is closed, and has no secret among its vars", (env) => {
  const { vars } = configOf(env);
  expect(vars).toMatchObject({ ENVIRONMENT: env, OPEN_ACCESS: "false" });
  expect(Object.keys(vars).filter((name) => /SECRET|PASSWORD|_KEY/.test(name))).toEqual([]);
  // Whatever development sets, an environment decides too.
  expect(Object.keys(vars)).toEqual(expect.arrayContaining(Object.keys(development.vars)));
});

it("every queue of the code has a consumer, whatever its environment calls it", () => {
  for (const env of [undefined, ...ENVIRONMENTS]) {
    const { queues } = configOf(env);
    const consumed = (queues.consumers ?? []).map((consumer) => ownName(consumer.queue ?? ""));
    expect(new Set(consumed)).toEqual(new Set([...QUEUES, DEAD_DOORBELLS]));
  }
});

it("no environment is mentioned that is none", () => {
  const mentioned = [...readFileSync(CONFIG, "utf8").matchAll(/^\[+env\.([\w-]+)/gm)];
  expect(new Set(mentioned.map(([, name]) => name))).toEqual(new Set(ENVIRONMENTS));
});
