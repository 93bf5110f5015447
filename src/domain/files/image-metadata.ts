/** What the first bytes of an image say of it. */
export interface ImageMetadata {
  readonly type: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  readonly width: number;
  readonly height: number;
  /** Whether it may have transparent pixels. */
  readonly hasAlpha: boolean;
  /** EXIF's, 1 to 8: how it has to be turned or mirrored to stand upright. 1: not at all. */
  readonly orientation: number;
}

/** The bytes end before what is looked for. */
class EndOfBytes extends Error {}

/** Reads numbers at any place. @throws EndOfBytes */
class Bytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(at: number): number {
    return this.#in(at, 1).getUint8(at);
  }

  u16(at: number, isLittle = false): number {
    return this.#in(at, 2).getUint16(at, isLittle);
  }

  u24Little(at: number): number {
    return this.u16(at, true) + this.u8(at + 2) * 65_536;
  }

  u32(at: number, isLittle = false): number {
    return this.#in(at, 4).getUint32(at, isLittle);
  }

  text(at: number, length: number): string {
    this.#in(at, length);
    return String.fromCharCode(...this.#bytes.subarray(at, at + length));
  }

  startsWith(text: string): boolean {
    return this.#bytes.length >= text.length && this.text(0, text.length) === text;
  }

  #in(at: number, length: number): DataView {
    if (at + length > this.#bytes.length) throw new EndOfBytes();
    return this.#view;
  }
}

/**
 * Reads the headers of a PNG, JPEG, GIF or WebP. Whatever the bytes are, it never throws and takes no
 * longer than they are long.
 * @returns null when they are no such image, or its size is not among them
 */
export function imageMetadata(data: Uint8Array): ImageMetadata | null {
  const bytes = new Bytes(data);
  try {
    const found = read(bytes);
    return found !== null && found.width > 0 && found.height > 0 ? found : null;
  } catch (error) {
    if (error instanceof EndOfBytes) return null;
    throw error;
  }
}

function read(bytes: Bytes): ImageMetadata | null {
  if (bytes.startsWith("\x89PNG\r\n\x1a\n")) return readPng(bytes);
  if (bytes.startsWith("\xff\xd8\xff")) return readJpeg(bytes);
  if (bytes.startsWith("GIF87a") || bytes.startsWith("GIF89a")) return readGif(bytes);
  if (bytes.startsWith("RIFF") && bytes.text(8, 4) === "WEBP") return readWebp(bytes);
  return null;
}

/** Up to the first image data: a chunk `tRNS` there makes single colours transparent. */
function readPng(bytes: Bytes): ImageMetadata | null {
  if (bytes.text(12, 4) !== "IHDR") return null;
  const [width, height, colours] = [bytes.u32(16), bytes.u32(20), bytes.u8(25)];
  let hasAlpha = colours === 4 || colours === 6;
  let orientation = 1;
  for (let at = 33; ; at += 12 + bytes.u32(at)) {
    const type = typeOrEnd(bytes, at + 4);
    if (type === "tRNS") hasAlpha = true;
    if (type === "eXIf") orientation = readOrientation(bytes, at + 8);
    if (type === "IDAT" || type === "IEND" || type === null) break;
  }
  return { type: "image/png", width, height, hasAlpha, orientation };
}

function typeOrEnd(bytes: Bytes, at: number): string | null {
  try {
    return bytes.text(at, 4);
  } catch {
    return null;
  }
}

/** Segment by segment up to the frame header; EXIF stands before it. */
function readJpeg(bytes: Bytes): ImageMetadata | null {
  let orientation = 1;
  let at = 2;
  for (;;) {
    if (bytes.u8(at) !== 0xff) return null;
    const marker = bytes.u8(at + 1);
    if (marker === 0xff) {
      // Any number of them may stand before a marker.
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width] = [bytes.u16(at + 5), bytes.u16(at + 7)];
      return { type: "image/jpeg", width, height, hasAlpha: false, orientation };
    }
    const length = bytes.u16(at + 2);
    // Image data, or the end: there was no frame header before.
    if (marker === 0xda || marker === 0xd9 || length < 2) return null;
    if (marker === 0xe1 && length >= 8 && bytes.text(at + 4, 6) === "Exif\0\0") {
      orientation = readOrientation(bytes, at + 10);
    }
    at += 2 + length;
  }
}

/** Whether the first frame has a transparent colour stands in the extensions before it. */
function readGif(bytes: Bytes): ImageMetadata {
  const [width, height, flags] = [bytes.u16(6, true), bytes.u16(8, true), bytes.u8(10)];
  const image = { type: "image/gif", width, height, orientation: 1 } as const;
  try {
    let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
    while (bytes.u8(at) === 0x21) {
      if (bytes.u8(at + 1) === 0xf9) return { ...image, hasAlpha: (bytes.u8(at + 3) & 1) === 1 };
      at += 2;
      while (bytes.u8(at) !== 0) at += 1 + bytes.u8(at);
      at += 1;
    }
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error;
  }
  return { ...image, hasAlpha: false };
}

function readWebp(bytes: Bytes): ImageMetadata | null {
  const type = "image/webp";
  const base = { type, orientation: 1 } as const;
  switch (bytes.text(12, 4)) {
    case "VP8X": {
      const size = { width: bytes.u24Little(24) + 1, height: bytes.u24Little(27) + 1 };
      return { ...base, ...size, hasAlpha: (bytes.u8(20) & 0x10) !== 0 };
    }
    case "VP8L": {
      const bits = bytes.u32(21, true);
      const size = { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
      return bytes.u8(20) === 0x2f ? { ...base, ...size, hasAlpha: (bits >>> 28) % 2 === 1 } : null;
    }
    case "VP8 ": {
      const size = { width: bytes.u16(26, true) & 0x3fff, height: bytes.u16(28, true) & 0x3fff };
      return bytes.text(23, 3) === "\x9d\x01\x2a" ? { ...base, ...size, hasAlpha: false } : null;
    }
    default:
      return null;
  }
}

/** The orientation in a TIFF directory that begins at `start`; 1 where it doesn't say. */
function readOrientation(bytes: Bytes, start: number): number {
  const ORIENTATION = 0x0112;
  try {
    const order = bytes.text(start, 2);
    if (order !== "II" && order !== "MM") return 1;
    const isLittle = order === "II";
    const directory = start + bytes.u32(start + 4, isLittle);
    const count = bytes.u16(directory, isLittle);
    for (let entry = 0; entry < count; entry += 1) {
      const at = directory + 2 + entry * 12;
      if (bytes.u16(at, isLittle) !== ORIENTATION) continue;
      const value = bytes.u16(at + 8, isLittle);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof EndOfBytes)) throw error;
  }
  return 1;
}
