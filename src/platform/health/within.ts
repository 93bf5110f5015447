import { LovageError, type Timers } from "#engine";

/** What `call` answers, if it does within `ms`. @throws LovageError `timed_out`, or what the call throws */
export function within<T>(timers: Timers, ms: number, call: () => Promise<T>): Promise<T> {
  let cancel = () => undefined as void;
  const tooLate = new Promise<never>((_resolve, reject) => {
    cancel = timers.after(ms, () => {
      reject(new LovageError("timed_out", `No answer within ${ms} ms.`, { retryable: true }));
    });
  });
  const called = async () => call();
  return Promise.race([called(), tooLate]).finally(cancel);
}
