/** What is in the file can't be processed, however often it is tried. */
export class FileContentError extends Error {
  override readonly name = "FileContentError";
}

/** There is no such file, or it belongs to somebody else than the task. */
export class FileNotFoundError extends Error {
  override readonly name = "FileNotFoundError";

  constructor(id: string) {
    super(`There is no file ${id}.`);
  }
}
