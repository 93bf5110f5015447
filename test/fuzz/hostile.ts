/** What somebody who means harm, or a program that is broken, puts where a text is expected. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...["", " ", "0", "-1", "-0", "1.5", "1e3", "1e400", "NaN", "Infinity", "0x10", "٣", "null"],
  ...["9007199254740993", "99999999999999999999", "true", "maybe", "[]", "{}", "undefined"],
  ...["\0", "a\0b", "\n", "%", "%00", "%ff", "'", '"', "\\", "`", "--", "*", "?", "[a-", "***?***"],
  ...["' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "..%2f..%2f", "a/b", "a:b"],
  ...[
    ":",
    "a=b",
    "=x",
    "=cmd|'/c calc'!A1",
    "http://127.0.0.1/",
    "javascript:alert(1)",
    "\r\nX-A: b",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "toJSON"],
  ...["\u202Eabc", "👩‍👩‍👧", "\uFFFE", "ä", "\ud800", "a\udc00b", "ﷺ".repeat(40)],
  ...["2026-02-30", "2026-11-21T25:00:00Z", "9999-12-31T23:59:59Z", "+275760-09-13T00:00:00Z"],
  ...["0000-01-01T00:00:00Z", "2026-11-21 08:00", "0001-01-01 00:00", "2026-W53", "state:"],
  ...["NOT abc", "(((((((abc)))))))", '"abc', "name:abc OR", "-abc", "kwargs:a=b", "lv_a_b"],
  ...["a".repeat(300), "ß".repeat(3_000), "0 0 30 2 *", "* * * * * *", "(a+)+$", "Europe/Nowhere"],
];

/** Fields that mean something to JavaScript itself, as JSON brings them. */
const POLLUTING: unknown = JSON.parse(
  '{"__proto__":{"isAdmin":true,"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
);

export const HOSTILE_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, -0.5, 1e308, 2 ** 53, 1.0000000001, 1e-320, [], {}, [[]], [null]],
  ...[POLLUTING, { "": "" }, Array.from({ length: 2_000 }, () => 1), nested(40), nested(2_000)],
  ...HOSTILE_TEXTS,
];

export const HOSTILE_BODIES: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  ...["", " ", "null", "[]", "{", '"text"', "0", "{}", "{'a':1}", "1e999", "[1,]", "NaN"],
  ...['{"__proto__":{"name":1}}', '{"name":"process_data","name":"nothing"}', "\uFEFF{}"],
  ...["[".repeat(50_000), "a=b&c=d", '{"name":"\\ud800"}', '{"a":1}{"b":2}', '{"\\u0000":1}'],
  ...['{"args":'.concat("[".repeat(5_000), "]".repeat(5_000), "}")],
  ...['{"a":'.repeat(3_000).concat("1", "}".repeat(3_000))],
  ...["--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--"],
  JSON.stringify(Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`k${n}`, n]))),
  new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  new Uint8Array(20_000),
];

/** More than any body may have: sent seldom. */
export const HUGE_BODY = JSON.stringify({ name: "process_data", args: ["x".repeat(1_200_000)] });

export const HOSTILE_TYPES: readonly string[] = [
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
  ...["application/json; charset=utf-16", "application/vnd.api+json", "APPLICATION/JSON", "a/b/c"],
  ...["application/json, text/plain", "application/xml", "application/octet-stream", ";"],
];

/** Headers that a client may try things with; each alone. */
export const HOSTILE_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-Original-URL", "/api/control/purge"],
  ["X-Forwarded-For", "127.0.0.1"],
  ["X-Forwarded-Host", "evil.example"],
  ["CF-Connecting-IP", "::::::"],
  ["CF-Connecting-IP", "' OR 1=1 --"],
  ["CF-Connecting-IP", "2001:db8::1"],
  ["Accept", "text/html"],
  ["Accept", "text/event-stream"],
  ["Accept", "\u00FF"],
  ["Accept-Language", "xx-".repeat(400)],
  ["Authorization", "Basic YTpi"],
  ["Authorization", "Bearer"],
  ["Authorization", `Bearer ${"x".repeat(5_000)}`],
  ["Authorization", "Bearer lv_aaaaaaaaaaaa_".concat("a".repeat(43))],
  ["Cookie", "__Host-session=x; __Host-session=y"],
  ["Cookie", "theme=<script>; lovage-theme=%00"],
  ["Origin", "null"],
  ["Origin", "https://evil.example"],
  ["Sec-Fetch-Site", "cross-site"],
  ["Range", "bytes=9999999999999-"],
  ["If-None-Match", "*"],
  ["If-Modified-Since", "yesterday"],
  ["Content-Length", "-1"],
  ["Content-Encoding", "gzip"],
  ["Expect", "100-continue"],
  ["Idempotency-Key", "k".repeat(4_000)],
  ["Idempotency-Key", "\t"],
  ["Last-Event-ID", "-1"],
  ["Stripe-Signature", "t=1,v1=00,v1=00"],
  ["traceparent", "00-".concat("f".repeat(32), "-", "0".repeat(16), "-01")],
  ["Upgrade-Insecure-Requests", "1"],
  ["User-Agent", "a".repeat(4_000)],
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
