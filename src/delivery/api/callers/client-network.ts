/**
 * Whom requests are counted against that nobody signed: the network that they come from. An IPv6 host has a whole
 * /64 of addresses, so it is counted by that.
 * @returns an IPv4 address, or the first four groups of an IPv6 one; `unknown` where the platform names none
 */
export function clientNetwork({ headers }: Request): string {
  const address = headers.get("CF-Connecting-IP") ?? "unknown";
  if (!address.includes(":")) return address;
  // `::ffff:192.0.2.1` is an IPv4 address.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = "", after] = address.toLowerCase().split("::");
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const missing = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  return groups.slice(0, 4).join(":");
}

/** Without the zeros that a group may begin with. */
function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":").map((group) => group.replace(/^0+(?=.)/, ""));
}
