export type { CallbackAnswer, CallbackMessage, CallbackSender } from "./callback-sender.ts";
export { readCallbackUrl, type CallbackRules } from "./callback-url.ts";
export { callbackBody, type EndedTask } from "./callback-body.ts";
export { createCallbackTo, deliverCallback, type CallbackServices } from "./deliver-callback.ts";
