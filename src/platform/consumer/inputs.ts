import { InputError, MAX_LARGE_RESULT_BYTES, type InputRef, type LargeResults } from "#engine";
import type { KeptInput } from "../ledger/protocol.ts";
import type { InputDoor } from "./door.ts";

const TOO_LARGE = `The results before it have more than ${MAX_LARGE_RESULT_BYTES} bytes of JSON.`;

/**
 * JSON text of an argument that is kept elsewhere, put together from all its parts.
 * @throws InputError when there is no way to get it; anything else: not just now
 */
export async function loadInput(
  { from }: InputRef,
  ledger: InputDoor,
  largeResults: Pick<LargeResults, "get">,
): Promise<string> {
  if ("large" in from) return readLarge(largeResults, from.large.key);
  const kept = await ledger.input(from.kept);
  if (kept === null) throw new InputError("The results before it are gone.");
  if (kept.isTooLarge === true) throw new InputError(TOO_LARGE);
  const text = new TextDecoder().decode(kept.utf8);
  return kept.large.length === 0 ? text : withLarge(text, kept.large, largeResults);
}

async function withLarge(
  text: string,
  large: KeptInput["large"],
  largeResults: Pick<LargeResults, "get">,
): Promise<string> {
  const whole = [JSON.parse(text) as unknown];
  let length = text.length;
  for (const { path, key } of large) {
    const part = await readLarge(largeResults, key);
    length += part.length;
    if (length > MAX_LARGE_RESULT_BYTES) throw new InputError(TOO_LARGE);
    // The path within the whole, which is the only item of this list.
    const full = [0, ...path];
    const last = full.pop() ?? 0;
    let list = whole;
    for (const index of full) list = list[index] as unknown[];
    list[last] = JSON.parse(part);
  }
  return JSON.stringify(whole[0]);
}

async function readLarge(largeResults: Pick<LargeResults, "get">, key: string): Promise<string> {
  const body = await largeResults.get(key);
  if (body === null) throw new InputError("A large result before it is gone.");
  return new Response(body).text();
}
