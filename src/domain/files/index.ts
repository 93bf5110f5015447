import { processFileUpload } from "./process-file-upload.ts";

export {
  contentKey,
  errorsKey,
  findFile,
  isOpen,
  listFiles,
  stateOf,
  type StoredFile,
} from "./file-book.ts";
export { attachment, FILE_KINDS, QUOTA } from "./rules.ts";
export type { FileKind } from "./tables.ts";
export { cleanUpUploads, deleteFile, uploadFile } from "./upload.ts";

export const fileTasks = [processFileUpload] as const;
