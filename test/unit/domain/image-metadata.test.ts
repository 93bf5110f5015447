import * as fc from "fast-check";
import { expect, it } from "vitest";
import { imageMetadata } from "../../../src/domain/files/image-metadata.ts";

const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
const u16 = (value: number) => [value >> 8, value & 0xff];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];
const little = (bytes: number[]) => bytes.toReversed();

function png(colours: number, ...chunks: number[][]): Uint8Array {
  const header = [...u32(13), ...ascii("IHDR"), ...u32(640), ...u32(480), 8, colours, 0, 0, 0];
  const crc = [0, 0, 0, 0];
  return Uint8Array.from([...ascii("\x89PNG\r\n\x1a\n"), ...header, ...crc, ...chunks.flat()]);
}

const chunk = (type: string, data: number[]) => [
  ...[...u32(data.length), ...ascii(type), ...data],
  ...[0, 0, 0, 0],
];

/** A TIFF directory with one other entry and the orientation. */
function exif(orientation: number, isLittle: boolean): number[] {
  const order = (bytes: number[]) => (isLittle ? little(bytes) : bytes);
  const entry = (tag: number, value: number) => [
    ...[...order(u16(tag)), ...order(u16(3)), ...order(u32(1))],
    ...[...order(u16(value)), 0, 0],
  ];
  return [
    ...ascii(isLittle ? "II" : "MM"),
    ...order(u16(42)),
    ...order(u32(8)),
    ...order(u16(2)),
    ...entry(0x010f, 9),
    ...entry(0x0112, orientation),
  ];
}

function jpeg(...segments: number[][]): Uint8Array {
  const frame = [0xff, 0xc2, ...u16(17), 8, ...u16(480), ...u16(640), 3];
  return Uint8Array.from([0xff, 0xd8, ...segments.flat(), ...frame]);
}

const segment = (marker: number, data: number[]) => [
  0xff,
  marker,
  ...u16(data.length + 2),
  ...data,
];

function gif(...extensions: number[][]): Uint8Array {
  const size = [...little(u16(640)), ...little(u16(480))];
  const table = Array.from({ length: 12 }, () => 0);
  return Uint8Array.from([
    ...ascii("GIF89a"),
    ...size,
    0x81,
    0,
    0,
    ...table,
    ...extensions.flat(),
    0x2c,
  ]);
}

const webp = (form: string, data: number[]) =>
  Uint8Array.from([
    ...ascii("RIFF"),
    0,
    0,
    0,
    0,
    ...ascii("WEBP"),
    ...ascii(form),
    0,
    0,
    0,
    0,
    ...data,
  ]);

const SIZE = { width: 640, height: 480 };
const COMMENT = [0x21, 0xfe, 2, 65, 66, 0];
const JFIF = segment(0xe0, ascii("JFIF\0"));

const IMAGES: readonly (readonly [string, Uint8Array, object])[] = [
  ["a PNG", png(2), { type: "image/png", hasAlpha: false, orientation: 1 }],
  ["a PNG with alpha", png(6), { type: "image/png", hasAlpha: true }],
  ["a PNG with a clear colour", png(3, chunk("tRNS", [0])), { hasAlpha: true }],
  ["a PNG with EXIF", png(2, chunk("eXIf", exif(8, false))), { orientation: 8 }],
  ["a progressive JPEG", jpeg(JFIF), { type: "image/jpeg", hasAlpha: false, orientation: 1 }],
  ...[true, false].map(
    (isLittle) =>
      [
        `a turned JPEG, little-endian ${isLittle}`,
        jpeg(JFIF, segment(0xe1, [...ascii("Exif\0\0"), ...exif(6, isLittle)]), [0xff]),
        { type: "image/jpeg", orientation: 6 },
      ] as const,
  ),
  ["a GIF", gif(COMMENT), { type: "image/gif", hasAlpha: false }],
  ["a clear GIF", gif(COMMENT, [0x21, 0xf9, 4, 1, 0, 0, 0, 0]), { hasAlpha: true }],
  [
    "an extended WebP",
    webp("VP8X", [0x10, 0, 0, 0, ...little(u32(639)).slice(0, 3), ...little(u32(479)).slice(0, 3)]),
    { type: "image/webp", hasAlpha: true },
  ],
  [
    "a lossless WebP",
    webp("VP8L", [0x2f, ...little(u32(639 + 479 * 16_384 + 268_435_456))]),
    { type: "image/webp", hasAlpha: true },
  ],
  [
    "a lossy WebP",
    webp("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, ...little(u16(640)), ...little(u16(480))]),
    { type: "image/webp", hasAlpha: false },
  ],
];

it.each(IMAGES)("%s", (_name, bytes, expected) => {
  expect(imageMetadata(bytes)).toMatchObject({ ...SIZE, ...expected });
});

it.each([
  ["text", Uint8Array.from(ascii("<svg xmlns=…>"))],
  ["nothing", new Uint8Array()],
  ["a PNG without size", png(2).fill(0, 16, 24)],
  ["a JPEG without a frame", Uint8Array.from([0xff, 0xd8, 0xff, 0xda, 0, 2])],
  ["a segment without length", Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff])],
  ["sound", Uint8Array.from([...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WAVEfmt ")])],
])("%s is no image", (_name, bytes) => {
  expect(imageMetadata(bytes)).toBeNull();
});

it("bytes that are cut or wrong anywhere are an answer, never an error", () => {
  const images = [
    png(3, chunk("eXIf", exif(3, true)), chunk("tRNS", [0])),
    jpeg(segment(0xe1, [...ascii("Exif\0\0"), ...exif(6, true)])),
    gif(COMMENT, [0x21, 0xf9, 4, 1, 0, 0, 0, 0]),
    webp(
      "VP8X",
      Array.from({ length: 10 }, () => 1),
    ),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...images),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      (image, cut, changes) => {
        const bytes = image.slice(0, cut % (image.length + 1));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        const found = imageMetadata(bytes);
        if (found !== null) expect(found.orientation).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});
