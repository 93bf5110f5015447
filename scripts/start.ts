/**
 * `npm start`: everything on one port, with nothing else to install. Makes the local secret, brings the
 * local database up to date, starts the Worker and says where it is. PORT chooses another port.
 * Access is open here; a deployment is closed.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { styleText } from "node:util";
import { exitCodeOf, isPortTaken, ROOT, runWrangler, startWrangler } from "./wrangler.ts";

const DEFAULT_PORT = 8_787;
const DEFAULT_ADDRESS = `http://localhost:${DEFAULT_PORT}`;
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 4_000;
const SECRETS = join(ROOT, ".dev.vars");

/** Ends with a message, for mistakes that a person can mend. */
function fail(message: string): never {
  console.error(styleText("red", message, { stream: process.stderr }));
  process.exit(1);
}

function readPort(): number {
  const text = process.env["PORT"] || String(DEFAULT_PORT);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) fail(`PORT: '${text}' is no port.`);
  return port;
}

/**
 * Makes the secrets that ids from callers' keys are derived with, and that callbacks are signed with, once;
 * they stay on this machine, and so do callbacks.
 */
function ensureSecrets(): void {
  const text = existsSync(SECRETS) ? readFileSync(SECRETS, "utf8") : "";
  const made: string[] = [];
  if (!/^ID_SECRET=/m.test(text)) made.push(`ID_SECRET="${randomBytes(32).toString("hex")}"`);
  if (!/^CALLBACK_/m.test(text)) {
    made.push(`CALLBACK_SECRET="whsec_${randomBytes(32).toString("base64")}"`);
    made.push('CALLBACK_HOSTS="localhost,127.0.0.1"', 'CALLBACK_LOCAL="true"');
  }
  if (made.length === 0) return;
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  appendFileSync(SECRETS, `${gap}${made.join("\n")}\n`, { mode: 0o600 });
  console.log("Made .dev.vars with random secrets.");
}

/** Waits for the first answer of the Worker. @returns why it can't be used; null: it can */
async function trouble(address: string, signal: AbortSignal): Promise<string | null> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < until && !signal.aborted) {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    const answer = await fetch(`${address}/healthz`, { signal: timeout }).catch(() => null);
    if (answer?.ok === true) return null;
    // The Worker's own answer: no other comes by waiting.
    if (answer?.headers.get("Content-Type") === "application/problem+json") {
      return "The settings are not complete: what it said above names those that are missing or wrong.";
    }
    await pause(200);
  }
  return "The server did not start; what it said is above.";
}

function welcome(address: string): string {
  const title = (text: string) => styleText("bold", text);
  const loud = [
    "ACCESS IS OPEN: whoever reaches this port may do everything, without a token.",
    "That is the setting OPEN_ACCESS=true, for development. A deployment is closed.",
  ].map((line) => styleText(["black", "bgYellow", "bold"], ` ${line.padEnd(80)}`));
  const url = address === DEFAULT_ADDRESS ? "" : `LOVAGE_URL=${address} `;
  return `
${styleText(["green", "bold"], `Lovage is ready: ${address}`)}

${loud.join("\n")}

${title("Create an order; its e-mail and its payment run in the background:")}
curl -X POST ${address}/api/create-order/ -H 'Content-Type: application/json' -d '{"orderId": "123", "userId": 1, "totalAmount": 150.00, "customerEmail": "customer@example.com"}'

${title("See what became of it:")}
curl ${address}/api/orders/123/

${title("Watch everything:")} ${address}/dashboard, or npx lovage ${url === "" ? "" : `--url ${address} `}events

Many at once: ${url}npm run demo. Stop: Ctrl-C.
`;
}

// npm passes signals on, but tells nobody when it is killed.
if (process.env["npm_lifecycle_event"] === "start") await import("./stop-with-parent.ts");

const port = readPort();
const address = `http://localhost:${port}`;
if (await isPortTaken(port)) {
  fail(
    `Port ${port} is in use. Stop what runs there, or choose another: PORT=${port + 1} npm start`,
  );
}
ensureSecrets();

console.log("Bringing the local database up to date …");
const migration = await runWrangler(["d1", "migrations", "apply", "lovage", "--local"]);
if (migration.code !== 0)
  fail(`${migration.text}\nThe local database could not be brought up to date.`);

const server = startWrangler(
  [
    "dev",
    "--port",
    String(port),
    "--var",
    "OPEN_ACCESS:true",
    // Links in mails lead here.
    ...(port === DEFAULT_PORT ? [] : ["--var", `PUBLIC_URL:${address}`]),
    "--show-interactive-dev-session=false",
  ],
  "inherit",
);
const ended = new AbortController();
const exitCode = exitCodeOf(server).finally(() => {
  ended.abort();
});

let isStopping = false;
/** Stops the server with all it started, once; whoever waits for `exitCode` goes on then. */
function stop(): void {
  if (isStopping) return;
  isStopping = true;
  server.kill("SIGTERM");
  setTimeout(() => server.kill("SIGKILL"), STOP_TIMEOUT_MS).unref();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);

const reason = await trouble(address, ended.signal);
if (reason === null) {
  console.log(welcome(address));
} else if (!isStopping) {
  stop();
  await exitCode;
  fail(reason);
}
await exitCode;
if (!isStopping) fail("The server ended by itself; what it said is above.");
process.exit(0);
