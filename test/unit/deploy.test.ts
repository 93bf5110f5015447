import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

// Each starts a process or more, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const ROOT = join(import.meta.dirname, "../..");

/** What the stand-in for wrangler answers to commands that begin so; others end with 0 and say nothing. */
type Answers = Readonly<Record<string, { code?: number; out?: string; err?: string }>>;

const SECRETS = { "secret list": { out: '[{"name":"ID_SECRET","type":"secret_text"}]' } };

const STAND_IN = `#!${process.execPath}
const { appendFileSync, readFileSync } = require("node:fs");
const command = process.argv.slice(2).join(" ");
appendFileSync(process.env.CALLS, command + "\\n");
const answers = Object.entries(JSON.parse(readFileSync(process.env.ANSWERS, "utf8")));
const [, answer = {}] = answers.find(([begin]) => command.startsWith(begin)) ?? [];
process.stdout.write(answer.out ?? "");
process.stderr.write(answer.err ?? "");
process.exit(answer.code ?? 0);
`;

let folder = "";
let server: Server;
let url = "";
/** What /readyz answers, one after the other, the last again and again. */
let ready: [status: number, body: string][] = [];
let asked = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const [status, body] = ready[Math.min(asked, ready.length - 1)] ?? [500, ""];
    asked += 1;
    response.writeHead(request.url === "/readyz" ? status : 404).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deploy-"));
  ready = [[200, '{"status":"ok"}']];
  asked = 0;
  writeFileSync(join(folder, "wrangler"), STAND_IN);
  chmodSync(join(folder, "wrangler"), 0o755);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** wrangler.toml as somebody has it who deploys, with these changes. */
function configure(changes: Readonly<Record<string, string>> = {}): string {
  let text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const all = { "https://shop.example.com": "https://shop.lovage.test", ...changes };
  for (const [from, to] of Object.entries(all)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  const path = join(folder, "wrangler.toml");
  writeFileSync(path, text);
  if (!existsSync(join(folder, "src"))) symlinkSync(join(ROOT, "src"), join(folder, "src"));
  return path;
}

async function deploy(
  answers: Answers,
  args: readonly string[] = ["--env", "production"],
  config = configure(),
) {
  writeFileSync(join(folder, "answers"), JSON.stringify(answers));
  writeFileSync(join(folder, "calls"), "");
  const script = join(ROOT, "scripts/deploy.ts");
  const given = ["--config", config, "--url", url, "--timeout", "2", ...args];
  const env = {
    ...process.env,
    PATH: [folder, process.env["PATH"]].join(delimiter),
    CALLS: join(folder, "calls"),
    ANSWERS: join(folder, "answers"),
    NO_COLOR: "1",
  };
  return new Promise<{ code: number; text: string; calls: string[] }>((resolve) => {
    execFile(process.execPath, [script, ...given], { env, cwd: ROOT }, (error, stdout, stderr) => {
      const calls = readFileSync(join(folder, "calls"), "utf8").trim();
      resolve({
        code: typeof error?.code === "number" ? error.code : 0,
        text: stdout + stderr,
        calls: calls === "" ? [] : calls.split("\n").map((call) => call.replaceAll(config, "C")),
      });
    });
  });
}

const PLACE = "--env production --config C";
const isChange = (call: string) => /create|apply|^deploy/.test(call);

it("checks, migrates, deploys and asks whether it is ready, in this order", async () => {
  const { code, text, calls } = await deploy(SECRETS);
  expect(text).toContain(`production is ready: ${url}`);
  expect(code).toBe(0);
  expect(calls[0]).toBe(`secret list --format json ${PLACE}`);
  expect(calls).toEqual(
    expect.arrayContaining([
      "d1 info lovage-production",
      "r2 bucket info lovage-production-files",
      "queues info lovage-production-doorbells-dead",
    ]),
  );
  expect(calls.slice(-2)).toEqual([`d1 migrations apply DB --remote ${PLACE}`, `deploy ${PLACE}`]);
  expect(asked).toBe(1);
});

it("a missing secret is named with the line that puts it there, and nothing is changed", async () => {
  const { code, text, calls } = await deploy({ "secret list": { out: "[]" } });
  expect(code).toBe(1);
  expect(text).toContain("npx wrangler secret put ID_SECRET --env production");
  expect(calls.filter(isChange)).toEqual([]);
});

it("what the settings choose calls for its secrets; all that are missing are named at once", async () => {
  const config = configure({
    'LEDGER_SHARDS = "16"': [
      ...['LEDGER_SHARDS = "16"', 'MAIL_TRANSPORT = "http"', 'MAIL_FROM = "shop@lovage.test"'],
      'PAYMENT_GATEWAY = "stripe"',
    ].join("\n"),
  });
  const { code, text } = await deploy(SECRETS, ["--env", "production"], config);
  expect(code).toBe(1);
  for (const name of ["RESEND_API_KEY", "STRIPE_SECRET_KEY", "WEBHOOK_SECRET"]) {
    expect(text).toContain(`secret put ${name} `);
  }
});

it("an environment that was never deployed has no secrets, which is no failure of its own", async () => {
  const err = "A request to the Cloudflare API failed. This Worker does not exist [code: 10007]";
  const { code, text } = await deploy({ "secret list": { code: 1, err } });
  expect(code).toBe(1);
  expect(text).toContain("secret put ID_SECRET");
});

it("what wrangler can't say is not taken for a no", async () => {
  const err = "You are not logged in.";
  const first = await deploy({ "secret list": { code: 1, err } });
  expect([first.code, first.text]).toEqual([1, expect.stringContaining(err)]);
  const second = await deploy({
    ...SECRETS,
    "queues info": { code: 1, err: "Too many requests." },
  });
  expect([second.code, second.text]).toEqual([1, expect.stringContaining("Too many requests.")]);
  expect(second.calls.filter(isChange)).toEqual([]);
});

const NO_BUCKET = {
  ...SECRETS,
  "r2 bucket info lovage-production-files": {
    code: 1,
    err: "The specified bucket does not exist.",
  },
};

it("what the account doesn't have is named, and nothing is changed", async () => {
  const { code, text, calls } = await deploy(NO_BUCKET);
  expect(code).toBe(1);
  expect(text).toContain("npx wrangler r2 bucket create lovage-production-files");
  expect(calls.filter(isChange)).toEqual([]);
});

it("with --create it is created first, and nothing else is", async () => {
  const { code, calls } = await deploy(NO_BUCKET, ["--env", "production", "--create"]);
  expect(code).toBe(0);
  expect(calls.filter(isChange)).toEqual([
    "r2 bucket create lovage-production-files",
    `d1 migrations apply DB --remote ${PLACE}`,
    `deploy ${PLACE}`,
  ]);
});

it("after a migration that fails nothing is deployed", async () => {
  const { code, text, calls } = await deploy({
    ...SECRETS,
    "d1 migrations apply": { code: 1, err: "no such column: x" },
  });
  expect(code).toBe(3);
  expect(text).toContain("no such column: x");
  expect(calls.at(-1)).toContain("d1 migrations apply");
  expect(asked).toBe(0);
});

it("a deploy that fails says how to go back", async () => {
  const { code, text } = await deploy({ ...SECRETS, "deploy --env": { code: 1, err: "boom" } });
  expect(code).toBe(3);
  expect(text).toContain("npx wrangler rollback --env production");
});

it("waits for a deployment that gets well", async () => {
  ready = [
    [503, '{"status":"unavailable","failing":["watchdog"]}'],
    [200, '{"status":"ok"}'],
  ];
  const { code } = await deploy(SECRETS, ["--env", "production", "--timeout", "30"]);
  expect(code).toBe(0);
  expect(asked).toBe(2);
});

it("one that doesn't ends with what fails and how to go back", async () => {
  ready = [[503, '{"status":"unavailable","failing":["database"]}']];
  const { code, text } = await deploy(SECRETS);
  expect(code).toBe(4);
  expect(text).toContain('"failing":["database"]');
  expect(text).toContain("npx wrangler rollback --env production");
});

it("settings that are wrong are all named before anything is asked", async () => {
  const config = configure({
    'OPEN_ACCESS = "false"\nRATE_LIMITS = "on"\nLEDGER_SHARDS = "16"':
      'OPEN_ACCESS = "true"\nRATE_LIMITS = "many"\nLEDGER_SHARDS = "many"',
    'LOG_SAMPLING = "0.01"': 'SMTP_PASSWORD = "x"',
    'ENVIRONMENT = "production"': 'ENVIRONMENT = "staging"',
  });
  const { code, text, calls } = await deploy(SECRETS, ["--env", "production"], config);
  expect(code).toBe(1);
  for (const name of [
    "OPEN_ACCESS",
    "RATE_LIMITS",
    "LEDGER_SHARDS",
    "SMTP_PASSWORD",
    "ENVIRONMENT",
  ]) {
    expect(text).toContain(name);
  }
  expect(calls).toEqual([]);
});

it("the example's address is refused", async () => {
  const config = configure({ "https://shop.lovage.test": "https://shop.example.org" });
  const { code, text, calls } = await deploy(SECRETS, ["--env", "production"], config);
  expect([code, calls]).toEqual([1, []]);
  expect(text).toContain("PUBLIC_URL");
});

it.each([[["--env", "moon"]], [[]], [["--env", "staging", "--timeout", "soon"]]])(
  "options that make no sense end with 2: %s",
  async (args) => {
    const { code, calls } = await deploy(SECRETS, args);
    expect([code, calls]).toEqual([2, []]);
  },
);

it("a dry run needs no account: it checks both environments and builds them", async () => {
  const { code, text, calls } = await deploy({}, ["--dry-run"]);
  expect(code).toBe(0);
  expect(text).toContain("0000_init.sql");
  expect(text).toContain("secret put ID_SECRET --env staging");
  expect(calls).toEqual(
    ["staging", "production"].map(
      (env) => `deploy --dry-run --env ${env} --config C --outdir dist/${env}`,
    ),
  );
});

it("a dry run fails with a Worker that can't be built", async () => {
  const { code, text } = await deploy({ "deploy --dry-run": { code: 1, err: "No such module" } }, [
    ...["--dry-run", "--env", "staging"],
  ]);
  expect([code, text]).toEqual([1, expect.stringContaining("No such module")]);
});
