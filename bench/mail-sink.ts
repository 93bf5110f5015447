/** A mail server that takes everything and keeps nothing, in a process of its own. Says its port, and ends with its parent. */
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

const server = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  authOptional: true,
  disableReverseLookup: true,
  onData: (stream, _session, done) => {
    stream.resume();
    stream.on("end", () => {
      done(null, "2.0.0 Ok: queued as BENCH");
    });
  },
});
server.on("error", () => {});
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.server.address() as AddressInfo).port);
});
process.once("disconnect", () => {
  process.exit(0);
});
