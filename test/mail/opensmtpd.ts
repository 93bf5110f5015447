import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const SMTPD = "/usr/sbin/smtpd";
/** Where it keeps to, whatever its configuration says: there can be one on a machine. */
const CONTROL = "/run/smtpd.sock";
const NOBODY = 65_534;

/** Why OpenSMTPD can't be tried here; null: it can. */
export async function whyNoOpenSmtpd(): Promise<string | null> {
  if (!existsSync(SMTPD)) return "OpenSMTPD is not installed";
  if (process.getuid?.() !== 0) return "OpenSMTPD wants to be started by root";
  return (await isTaken(CONTROL)) ? "OpenSMTPD runs here already" : null;
}

/**
 * Debian's OpenSMTPD on a port of localhost, which takes mail for everybody and keeps it in a folder. Without TLS: the
 * one of Debian 12 fails in its handshakes, with RSA keys and ECDSA keys alike.
 */
export class OpenSmtpd {
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#process = child;
    this.#folder = folder;
  }

  /** @param folder where its configuration and the mails go */
  static async start(port: number, folder: string): Promise<OpenSmtpd> {
    const mails = join(folder, "mails");
    mkdirSync(mails);
    chmodSync(folder, 0o755);
    chownSync(mails, NOBODY, NOBODY);
    const config = join(folder, "smtpd.conf");
    const lines = [
      `listen on 127.0.0.1 port ${port}`,
      `action "keep" maildir "${mails}" virtual { "@" = "nobody" }`,
      `match from any for any action "keep"`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o644 });
    const child = spawn(SMTPD, ["-d", "-f", config], { stdio: "ignore" });
    const server = new OpenSmtpd(child, mails);
    for (let tries = 0; !(await isTaken(port)); tries += 1) {
      if (tries === 100 || child.exitCode !== null) throw new Error("OpenSMTPD did not start.");
      await pause(100);
    }
    return server;
  }

  /** The mails that it has delivered. */
  delivered(): Buffer[] {
    return globSync(join(this.#folder, "new/*")).map((path) => readFileSync(path));
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.once("exit", () => {
        resolve();
      });
      this.#process.kill("SIGTERM");
    });
  }
}

/** Whether somebody listens at a port of localhost, or at a socket's path. */
function isTaken(at: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof at === "number" ? connect(at, "127.0.0.1") : connect(at);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
