import type { AddressInfo, Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";
import type { Certificate } from "./certificate.ts";

/** A mail that the server took: whatever the client got to know, it is delivered. */
export interface Taken {
  /** Domains with other letters are shown as such, although they came as punycode. */
  readonly from: string;
  readonly to: string;
  /** Whether an address came with other letters than ASCII's. */
  readonly isUtf8: boolean;
  readonly raw: Buffer;
  /** Number of the connection it came over, from 1. */
  readonly connection: number;
}

/** Where a server may misbehave; `dot`: when it has all of a message. */
export type Stage = "connect" | "mail" | "rcpt" | "data" | "dot";

/**
 * - a number: it waits for so many ms
 * - `hang`: it says nothing any more
 * - `drop`: it breaks the connection; `take-and-drop`: after it has taken the message
 * - `twice`: it takes the message, and says so twice
 * - a text: it answers this, code first
 */
export type Fault = number | "hang" | "drop" | "take-and-drop" | "twice" | `${number} ${string}`;

export interface MailServerOptions {
  readonly port?: number;
  /** With one it offers STARTTLS, or speaks TLS at once. */
  readonly certificate?: Certificate;
  readonly isTls?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  /** What goes wrong now; null: nothing. `to`: the recipient, where there is one. */
  readonly faultAt?: (stage: Stage, to: string) => Fault | null;
  /** What it says when it has taken a message. */
  readonly receipt?: (to: string) => string;
  readonly options?: SMTPServerOptions;
}

type Done = (error?: Error | null, message?: string) => void;

/** A mail server with faults, and a book of what it took. */
export class MailServer {
  readonly book: Taken[] = [];
  /** Users that tried to log in. */
  readonly logins: string[] = [];
  /** Connections so far, and at once at most. */
  readonly connections = { total: 0, open: 0, most: 0 };
  readonly #server: SMTPServer;
  /** Numbers of the open connections by the client's port. */
  readonly #numbers = new Map<number, number>();
  readonly #options: MailServerOptions;

  private constructor(options: MailServerOptions) {
    const { certificate, login, isTls = false } = options;
    this.#options = options;
    this.#server = new SMTPServer({
      ...(certificate !== undefined && certificate),
      secure: isTls,
      disabledCommands: certificate === undefined || isTls ? ["STARTTLS"] : [],
      disableReverseLookup: true,
      authOptional: login === undefined,
      allowInsecureAuth: true,
      closeTimeout: 100,
      onAuth: ({ username = "", password }, _session, done) => {
        this.logins.push(username);
        const isRight = username === login?.user && password === login.password;
        if (isRight) done(null, { user: username });
        else done(Object.assign(new Error(`5.7.8 Bad login: ${password}`), { responseCode: 535 }));
      },
      onConnect: (session, done) => {
        this.#at("connect", session, "", done);
      },
      onMailFrom: (_address, session, done) => {
        this.#at("mail", session, "", done);
      },
      onRcptTo: ({ address }, session, done) => {
        this.#at("rcpt", session, address, done);
      },
      onData: (stream, session, done) => {
        const to = session.envelope.rcptTo[0]?.address ?? "";
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => {
          parts.push(part);
        });
        stream.on("end", () => {
          this.#takeAtDot(session, { to, raw: Buffer.concat(parts) }, done);
        });
        this.#at("data", session, to, () => {});
      },
      ...options.options,
    });
    this.#server.on("error", () => {});
    this.#server.server.on("connection", (socket: Socket) => {
      const { connections } = this;
      connections.total += 1;
      connections.open += 1;
      connections.most = Math.max(connections.most, connections.open);
      const { remotePort = 0 } = socket;
      this.#numbers.set(remotePort, connections.total);
      socket.on("error", () => {});
      socket.once("close", () => {
        connections.open -= 1;
        this.#numbers.delete(remotePort);
      });
    });
  }

  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const server = new MailServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(options.port ?? 0, "127.0.0.1", () => {
        resolve();
      });
    });
    return server;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** Does what is to go wrong at this stage, or goes on. */
  #at(stage: Stage, session: SMTPServerSession, to: string, done: Done): void {
    const fault = this.#options.faultAt?.(stage, to) ?? null;
    if (fault === null) done();
    else if (typeof fault === "number") setTimeout(done, fault);
    else if (fault === "drop") this.#drop(session);
    else if (fault !== "hang") done(answer(fault));
  }

  #takeAtDot(session: SMTPServerSession, mail: Pick<Taken, "to" | "raw">, done: Done): void {
    const { to } = mail;
    const fault = this.#options.faultAt?.("dot", to) ?? null;
    if (fault === "hang") return;
    if (fault === "drop") {
      this.#drop(session);
      return;
    }
    const isRefused = typeof fault === "string" && /^\d/.test(fault);
    if (isRefused) {
      done(answer(fault));
      return;
    }
    const { mailFrom } = session.envelope;
    const from = mailFrom === false ? "" : mailFrom.address;
    // False, whatever its type says, when there are none.
    const args = (mailFrom === false ? false : mailFrom.args) as object | false;
    const isUtf8 = args !== false && "SMTPUTF8" in args;
    this.book.push({
      ...mail,
      from,
      isUtf8,
      connection: this.#numbers.get(session.remotePort) ?? 0,
    });
    if (fault === "take-and-drop") {
      this.#drop(session);
      return;
    }
    const receipt = () => {
      done(null, this.#options.receipt?.(to) ?? "2.0.0 Ok: queued as 4F00BA7");
      if (fault === "twice") this.#socketOf(session)?.write("250 2.0.0 Ok\r\n");
    };
    if (typeof fault === "number") setTimeout(receipt, fault);
    else receipt();
  }

  /** What smtp-server speaks over: the one above TLS, as Node dies of destroying the one below. */
  #socketOf({ id }: SMTPServerSession): Socket | undefined {
    const connections = [...this.#server.connections] as { id: string; _socket: Socket }[];
    return connections.find((connection) => connection.id === id)?._socket;
  }

  #drop(session: SMTPServerSession): void {
    this.#socketOf(session)?.destroy();
  }
}

/** smtp-server puts the code before the text. */
function answer(text: string): Error {
  return Object.assign(new Error(text.slice(4)), { responseCode: Number(text.slice(0, 3)) });
}
