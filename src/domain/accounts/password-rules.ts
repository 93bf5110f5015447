import { COMMON_PASSWORDS } from "./common-passwords.ts";

const MIN_PASSWORD = 8;
export const MAX_PASSWORD = 256;

/** A tail or a head of digits and signs this long makes a common word no better. */
const MAX_TRIMMING = 6;
/** What is left without a word that everybody would try first has to be a password by itself. */
const MIN_CONTEXT_WORD = 4;

/** Keys that stand beside each other, and other runs that everybody knows. */
const RUNS = [
  "01234567890123456789",
  "abcdefghijklmnopqrstuvwxyz",
  "qwertyuiopasdfghjklzxcvbnm",
  "qwertzuiopasdfghjklyxcvbnm",
  "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
  "qazwsxedcrfvtgbyhnujmikolp",
  "1q2w3e4r5t6y7u8i9o0p",
  "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
  "йцукенгшщзхъфывапролджэячсмитьбю",
].flatMap((run) => [run, Array.from(run).toReversed().join("")]);

/**
 * Why a password is refused; null: it is good. Any characters may be in it, and none must; what many would
 * try first is refused.
 * @param context words of this account: user name, what stands before the @
 */
export function passwordFault(password: string, context: readonly string[]): string | null {
  const { length } = Array.from(password);
  if (length < MIN_PASSWORD) return `Must have at least ${MIN_PASSWORD} characters.`;
  if (length > MAX_PASSWORD) return `Must have at most ${MAX_PASSWORD} characters.`;
  const text = password.toLowerCase();
  if (isCommon(text)) return "Too many people use this password, or one like it.";
  const words = ["lovage", ...context.map((word) => word.toLowerCase())];
  const isTold = words.some((word) => word.length >= MIN_CONTEXT_WORD && isWeakWithout(text, word));
  return isTold ? "Must not be made from the user name, the address or the shop's name." : null;
}

function isCommon(text: string): boolean {
  const core = text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  const trimmed = text.length - core.length;
  return (
    COMMON_PASSWORDS.has(text) ||
    (trimmed <= MAX_TRIMMING && COMMON_PASSWORDS.has(core)) ||
    /^(.{1,4}?)\1+$/u.test(text) ||
    RUNS.some((run) => run.includes(text))
  );
}

function isWeakWithout(text: string, word: string): boolean {
  return text.includes(word) && Array.from(text.replaceAll(word, "")).length < MIN_PASSWORD;
}
