#!/usr/bin/env node
/*
 * Starts the command line, which is TypeScript: with whatever this Node has to take the types off. Plain
 * JavaScript itself, so that every Node can at least say that it is too old.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

const MAIN = new URL("main.ts", import.meta.url);
const CACHE = new URL("../../../node_modules/.cache/lovage", import.meta.url);
/** Node takes no types off below such a folder, and older ones nowhere by themselves. */
const isInstalled = MAIN.pathname.includes("/node_modules/");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(`lovage needs Node 22.12 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else if (process.features.typescript && !isInstalled) {
  silenceNode();
  // Without types and compiled it is kept for the next time, which then starts in a fifth of the time.
  nodeModule.enableCompileCache?.(fileURLToPath(CACHE));
  await import(MAIN.href);
} else if (nodeModule.registerHooks !== undefined) {
  silenceNode();
  nodeModule.registerHooks({ load });
  await import(MAIN.href);
} else {
  startAgain();
}

/** That stripping types is new to this Node is nothing to tell whoever uses a command. */
function silenceNode() {
  process.removeAllListeners("warning");
}

/** Loads a module as Node does, and TypeScript without its types. */
function load(url, context, nextLoad) {
  if (!/^file:.*\.ts$/.test(url)) return nextLoad(url, context);
  const source = nodeModule.stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
  return { format: "module", source, shortCircuit: true };
}

/** Node 22.12 to 22.14 need to be told at their start, as do the processes that they start. */
function startAgain() {
  const options = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];
  const inherited = process.env.NODE_OPTIONS ?? "";
  const child = spawn(process.execPath, [fileURLToPath(MAIN), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, NODE_OPTIONS: [inherited, ...options].join(" ").trim() },
  });
  // A terminal's Ctrl-C reaches both; this one stays until the other has restored the terminal.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.once("close", (code) => {
    process.exitCode = code ?? 1;
  });
}
