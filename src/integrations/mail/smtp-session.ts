import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { NodemailerError } from "nodemailer/lib/errors";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { providerIdOf, sortSendError, type SmtpVerdict } from "./smtp-answers.ts";

/** Where mail is handed in. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` before anything else is said. */
  readonly security: "tls" | "starttls" | "none";
  /** Null: the server wants none. */
  readonly login: { readonly user: string; readonly password: string } | null;
}

/** How long what may take, ms. */
export interface SmtpLimits {
  /** Until there is a connection. */
  readonly connectMs: number;
  /** Until the server has greeted, and for TLS after that. */
  readonly greetingMs: number;
  /** Until the server says the next byte. */
  readonly readMs: number;
}

interface Opening {
  /** What we call ourselves. */
  readonly name: string;
  readonly limits: SmtpLimits;
  /** Cuts the connection, whatever it is at. */
  readonly signal: AbortSignal;
}

/** How a message went: sent, with the server's own name for it; or not. */
export type Sending = { readonly providerId: string | null } | SmtpVerdict;

/** What nodemailer's types leave out. */
interface Internals {
  _processResponse: () => unknown;
  /** What the server has said that nobody has looked at. */
  readonly _responseQueue: readonly string[];
}

/** workerd doesn't say why a TLS handshake failed. */
function insecure(host: string, cause: NodemailerError): NodemailerError {
  const text = `There is no TLS: is the certificate valid for ${host}? (${cause.message})`;
  const { code, originalCode, responseCode } = cause;
  return Object.assign(new Error(text, { cause }), { code, originalCode, responseCode });
}

const timedOut = () => Object.assign(new Error("The time was over."), { code: "ETIMEDOUT" });

/**
 * A connection to a mail server that is ready for messages, one after another. Every promise of it settles when
 * its signal fires.
 */
export class SmtpSession {
  readonly #connection: SMTPConnection;
  readonly #socket: Socket;
  #fail: (error: NodemailerError) => void = () => {};
  /** Whether the message that is being sent was given to the connection, with its end. */
  #isHandedOver = false;

  private constructor(connection: SMTPConnection, socket: Socket, signal: AbortSignal) {
    this.#connection = connection;
    this.#socket = socket;
    spareTimers(connection);
    const onAbort = () => {
      this.#cut(timedOut());
    };
    connection.on("error", (error: NodemailerError) => {
      this.#fail(error);
    });
    connection.once("end", () => {
      signal.removeEventListener("abort", onAbort);
      this.#fail(new Error("The connection was closed."));
    });
    signal.addEventListener("abort", onAbort);
  }

  /**
   * Connects, greets, secures and logs in.
   * @throws NodemailerError without anything of the login
   */
  static async open(server: SmtpServer, { name, limits, signal }: Opening): Promise<SmtpSession> {
    const { host, port, security, login } = server;
    const socket = await connected(server, limits.connectMs, signal);
    const connection = new SMTPConnection({
      ...{ host, port, name, connection: socket },
      ...{ secure: security === "tls", secured: security === "tls" },
      ...{ requireTLS: security === "starttls", ignoreTLS: security === "none" },
      connectionTimeout: limits.connectMs + limits.greetingMs,
      greetingTimeout: limits.greetingMs,
      socketTimeout: limits.readMs,
      socketCloseTimeout: 1_000,
    });
    const session = new SmtpSession(connection, socket, signal);
    try {
      await session.#ask<void>((done) => {
        connection.connect((error) => {
          done(error ?? null);
        });
      });
      if (login !== null) await session.#logIn(login);
      session.#watchMessages();
      return session;
    } catch (thrown) {
      const error = thrown as NodemailerError;
      const reason = connection.upgrading === true ? insecure(host, error) : error;
      session.#cut(reason);
      throw reason;
    }
  }

  /** Sends a message to one recipient. After a verdict about more than the message the session is over. */
  async send(from: string, to: string, message: Uint8Array): Promise<Sending> {
    this.#isHandedOver = false;
    try {
      const { response } = await this.#ask<{ response: string }>((done) => {
        this.#connection.send({ from, to: [to] }, Buffer.from(message), done);
      });
      return { providerId: providerIdOf(response) };
    } catch (error) {
      const verdict = sortSendError(error as NodemailerError, this.#isHandedOver);
      if (verdict.scope === "message") await this.#reset();
      else this.#cut(error as NodemailerError);
      return verdict;
    }
  }

  /** Takes its leave, and waits for no answer. */
  close(): void {
    this.#connection.quit();
    this.#connection.close();
  }

  /**
   * What a server says to a login may repeat it, so nothing but the numbers of its answer is told.
   * @throws NodemailerError
   */
  async #logIn({ user, password: pass }: { user: string; password: string }): Promise<void> {
    const refused = (reason: string, responseCode: number) =>
      Object.assign(new Error(reason), { code: "EAUTH", responseCode });
    // A server that offers none takes no mail from strangers, or is not who we think.
    if (!this.#connection.allowsAuth) throw refused("The server offers no login.", 530);
    try {
      await this.#ask<boolean | undefined>((done) => {
        this.#connection.login({ credentials: { user, pass } }, done);
      });
    } catch (thrown) {
      const { response = "", responseCode } = thrown as NodemailerError;
      // oxlint-disable-next-line preserve-caught-error -- it may tell of the password that was on its way
      if (responseCode === undefined) throw new Error("The connection was lost at the login.");
      const numbers = /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3}\b)?/.exec(response)?.[0] ?? responseCode;
      throw refused(`The server refused the login: ${numbers}`, responseCode);
    }
  }

  /**
   * Lets a message leave whole, in one write with its end: a part would wait for the server's receipt of the one
   * before, and so it is known whether the server can have all of it.
   */
  #watchMessages(): void {
    const socket = this.#connection._socket;
    if (!socket) return;
    const write: (chunk: Uint8Array) => boolean = socket.write.bind(socket);
    let held: Uint8Array[] | null = null;
    socket.on("pipe", () => {
      held = [];
      // An answer too many would otherwise be taken for the permission to send, and the next for a receipt.
      const { _responseQueue: tooMany } = this.#connection as unknown as Internals;
      const answer = [this.#connection.lastServerResponse, ...tooMany].join(" ");
      if (!answer.startsWith("354") || tooMany.length > 0)
        this.#cut(new Error(`The server said to DATA: ${answer}`));
    });
    socket.on("unpipe", (message: { readonly readableEnded: boolean }) => {
      const whole = Buffer.concat(held ?? []);
      held = null;
      if (!message.readableEnded || socket.destroyed) return;
      this.#isHandedOver = true;
      write(whole);
    });
    socket.write = (chunk: Uint8Array | string) => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      if (held === null) return write(bytes);
      held.push(bytes);
      return true;
    };
  }

  /** Readies the connection for the next message; where that fails, the next message will say so. */
  async #reset(): Promise<void> {
    try {
      await this.#ask<boolean | undefined>((done) => {
        this.#connection.reset(done);
      });
    } catch (error) {
      this.#cut(error as NodemailerError);
    }
  }

  /** Ends the connection at once, and with this error whatever waits for it. */
  #cut(error: NodemailerError): void {
    this.#fail(error);
    const socket = this.#connection._socket || this.#socket;
    this.#connection.close();
    socket.destroy();
  }

  /** What the connection answers to one call; it fails with the connection. */
  #ask<Answer>(
    call: (done: (error: NodemailerError | null, answer: Answer) => void) => void,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      call((error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
  }
}

/**
 * Lets nodemailer go on from an answer to the next in a microtask. It sets a timer for each, of which a Worker may have
 * 10,000 and which fire one a millisecond: with a quick server they would pile up until nobody could set one.
 */
function spareTimers(connection: SMTPConnection): void {
  const internals = connection as unknown as Internals;
  const processResponse = internals._processResponse.bind(connection);
  const scope = globalThis as { setImmediate: unknown };
  internals._processResponse = () => {
    const { setImmediate: original } = scope;
    scope.setImmediate = queueMicrotask;
    try {
      return processResponse();
    } finally {
      scope.setImmediate = original;
    }
  };
}

/**
 * A socket that is connected, and secured if it is to be so from the first byte; the runtime checks the certificate
 * for the host's name. Connecting is left to it too, as nodemailer would look names up by itself.
 */
function connected(
  { host, port, security }: SmtpServer,
  connectMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  const isTls = security === "tls";
  const socket = isTls
    ? connectTls({ host, port, servername: host })
    : connectPlain({ host, port });
  return new Promise((resolve, reject) => {
    const timer = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
    const giveUp = () => {
      socket.destroy();
      reject(timedOut());
    };
    timer.addEventListener("abort", giveUp);
    socket.once("error", (error: NodemailerError) => {
      timer.removeEventListener("abort", giveUp);
      // A server that can't be reached has a code of its own.
      reject(isTls && error.code === undefined ? insecure(host, error) : error);
    });
    socket.once(isTls ? "secureConnect" : "connect", () => {
      timer.removeEventListener("abort", giveUp);
      resolve(socket);
    });
    if (timer.aborted) giveUp();
  });
}
