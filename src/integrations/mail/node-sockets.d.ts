/** What mail over SMTP needs of Node's sockets in workerd; all of Node's types would be too many. */
declare module "node:events" {
  export class EventEmitter {
    on(event: string, listener: (...args: never[]) => void): this;
    once(event: string, listener: (...args: never[]) => void): this;
    off(event: string, listener: (...args: never[]) => void): this;
  }
}

declare module "node:net" {
  import type { EventEmitter } from "node:events";
  export class Socket extends EventEmitter {
    readonly destroyed: boolean;
    write(chunk: Uint8Array | string): boolean;
    destroy(): this;
  }
  export function connect(options: { host: string; port: number }): Socket;
}

declare module "node:tls" {
  import type { Socket } from "node:net";
  export function connect(options: { host: string; port: number; servername: string }): Socket;
}

declare namespace NodeJS {
  interface ErrnoException extends Error {
    code?: string | undefined;
  }
}
