/**
 * Preloaded into wrangler's processes: ends them when the process that started them is gone, even if it
 * was killed and could tell nobody. (An orphan gets a new parent; Node tells no other way.)
 */
import { isMainThread } from "node:worker_threads";

const CHECK_EVERY_MS = 500;
const GRACE_MS = 5_000;

if (isMainThread) {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.exit(1), GRACE_MS).unref();
  }, CHECK_EVERY_MS);
  check.unref();
}
