import * as z from "zod";
import type { TaskRecord } from "#engine";
import {
  attachment,
  contentKey,
  deleteFile,
  errorsKey,
  FILE_KINDS,
  findFile,
  isOpen,
  listFiles,
  QUOTA,
  stateOf,
  uploadFile,
  type FileKind,
  type StoredFile,
} from "#domain/files";
import { may, owns, refusePeople } from "../callers/access.ts";
import { anyJson, isoTime, pageOf, taskId } from "../http/answers.ts";
import { operation, type OperationCall } from "../http/operation.ts";
import { conflict, invalid, notFound, Problem } from "../http/problems.ts";
import { cursor, limit, oneOf, required, text } from "../http/query-params.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";

const KINDS = Object.keys(FILE_KINDS) as FileKind[];
const FILE_ID = /^[0-9a-f]{36}$/;
const MAX_PAGE = 200;

const FILE_TYPES = [...new Set(Object.values(FILE_KINDS).flatMap(({ types }) => types))];

const TAG = "files";
const path = { id: z.string().regex(FILE_ID) };
const naming = {
  name: required(text("What it is called.", 255)),
  kind: required(oneOf(KINDS, "What is in it.")),
};

const fileAnswer = z
  .strictObject({
    file_id: z.string(),
    name: z.string(),
    kind: z.enum(KINDS),
    content_type: z.string(),
    size: z.int().describe("Bytes."),
    state: z.string(),
    task_id: taskId.nullable(),
    result: anyJson.describe("What its task made of it."),
    created_at: isoTime,
  })
  .meta({ id: "File" });

export function fileRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/files",
      scope: "orders:write",
      rate: "upload",
      tag: TAG,
      summary: "Upload a file; a task works through it",
      description: "The body is the file itself, with its Content-Type and Content-Length.",
      query: naming,
      body: { types: FILE_TYPES, words: "The file." },
      answers: { 202: z.strictObject({ file_id: z.string(), task_id: taskId.nullable() }) },
      problems: {
        400: ["wrong_length"],
        409: ["quota_exceeded"],
        411: ["length_required"],
        413: ["body_too_large"],
        415: ["unsupported_media_type"],
      },
      handle: (call) => upload(parts, call),
    }),
    operation({
      method: "GET",
      path: "/api/files",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "List your files, the newest first",
      query: { limit: limit(50, MAX_PAGE), cursor: cursor(FILE_ID) },
      answers: { 200: pageOf("files", fileAnswer) },
      handle: async ({ caller, query: { limit: most, cursor: before } }) => {
        const page = { owner: caller.owner, before, limit: most + 1 };
        const files = await listFiles(parts.shop.db, page);
        const shown = files.slice(0, most);
        const next = files.length > most ? (shown.at(-1)?.id ?? null) : null;
        const views = shown.map(async (file) =>
          view(parts, file, isOpen(file) ? await taskOf(parts, file) : null),
        );
        return Response.json({ files: await Promise.all(views), next_cursor: next });
      },
    }),
    operation({
      method: "GET",
      path: "/api/files/:id",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "Show a file, and how far its task is",
      params: path,
      answers: { 200: fileAnswer.extend({ progress: anyJson }) },
      handle: async (call) => {
        const file = await ownFile(parts, call);
        const task = await taskOf(parts, file);
        return Response.json({ ...view(parts, file, task), progress: progressOf(task) });
      },
    }),
    operation({
      method: "GET",
      path: "/api/files/:id/content",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "Download a file",
      params: path,
      answers: { 200: { types: FILE_TYPES, words: "The file, as it came." } },
      handle: async (call) => {
        const file = await ownFile(parts, call);
        if (file.state === "uploading") throw notFound();
        return download(parts, contentKey(file.id), file.name, file.contentType);
      },
    }),
    operation({
      method: "GET",
      path: "/api/files/:id/errors",
      scope: "orders:read",
      rate: "read",
      tag: TAG,
      summary: "Download the rows of a file that were not taken, and why",
      params: path,
      answers: { 200: { types: ["text/csv"], words: "A row for each." } },
      handle: async (call) => {
        const file = await ownFile(parts, call);
        return download(parts, errorsKey(file.id), `errors of ${file.name}`, "text/csv");
      },
    }),
    operation({
      method: "DELETE",
      path: "/api/files/:id",
      scope: "orders:write",
      rate: "submit",
      tag: TAG,
      summary: "Delete a file",
      params: path,
      answers: { 204: "It is gone." },
      problems: { 409: ["uploading"] },
      handle: async (call) => {
        const file = await ownFile(parts, call);
        if (file.state === "uploading") {
          throw conflict("uploading", "The file is still being uploaded.");
        }
        await deleteFile(parts.shop, file.id);
        return new Response(null, { status: 204 });
      },
    }),
  ];
}

async function upload(
  parts: ApiParts,
  { request, caller, query: { name, kind }, background }: OperationCall<typeof naming, undefined>,
): Promise<Response> {
  if (kind === "products" && !may(caller, "orders:manage")) {
    throw new Problem(403, "forbidden", "Products need the scope orders:manage.");
  }
  if (kind === "orders") refusePeople(caller, "Order from your cart instead.");
  const { contentType, size } = checkedHeaders(request.headers, kind);
  if (request.body === null || size === 0) {
    throw invalid([{ field: "body", message: "Is empty." }]);
  }
  const answer = await uploadFile({ ...parts.shop, background }, parts.lovageFor(caller.owner), {
    owner: caller.owner,
    name,
    kind,
    contentType,
    size,
    content: request.body,
  });
  switch (answer.kind) {
    case "quota":
      throw conflict(
        "quota_exceeded",
        `There is no room: ${QUOTA.files} files and ${QUOTA.bytes} bytes in all. Delete some first.`,
      );
    case "wrong_size":
      throw new Problem(400, "wrong_length", "The body has another length than Content-Length.");
    case "stored":
      return Response.json(
        { file_id: answer.file.id, task_id: answer.file.taskId },
        { status: 202, headers: { Location: `/api/files/${answer.file.id}/` } },
      );
  }
}

/** @throws Problem 415, 411 or 413 */
function checkedHeaders(headers: Headers, kind: FileKind): { contentType: string; size: number } {
  const { types, maxBytes } = FILE_KINDS[kind];
  const contentType = (headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!types.includes(contentType)) {
    const wanted = `Send a file of kind ${kind} as ${types.join(", ")}.`;
    throw new Problem(415, "unsupported_media_type", wanted);
  }
  const length = headers.get("Content-Length") ?? "";
  if (!/^\d{1,15}$/.test(length)) {
    throw new Problem(411, "length_required", "Say in Content-Length how long the file is.");
  }
  if (Number(length) > maxBytes) {
    const most = `A file of kind ${kind} may have ${maxBytes} bytes at most.`;
    throw new Problem(413, "body_too_large", most);
  }
  return { contentType, size: Number(length) };
}

async function ownFile(
  parts: ApiParts,
  { params, caller }: Pick<ApiCall, "params" | "caller">,
): Promise<StoredFile> {
  const { id = "" } = params;
  const file = FILE_ID.test(id) ? await findFile(parts.shop.db, id) : null;
  if (file === null || !owns(caller, file.owner)) throw notFound();
  return file;
}

/** To be stored, never shown: whatever is in it, it is not a page of ours. */
async function download(
  parts: ApiParts,
  key: string,
  name: string,
  contentType: string,
): Promise<Response> {
  const object = await parts.shop.files.get(key);
  if (object === null) throw notFound();
  return new Response(object.stream, {
    headers: {
      "Content-Type": contentType,
      "Content-Disposition": attachment(name),
      "Content-Security-Policy": "default-src 'none'; sandbox",
    },
  });
}

async function taskOf({ tasks }: ApiParts, { taskId: id }: StoredFile): Promise<TaskRecord | null> {
  return id === null ? null : tasks.get(id);
}

function view(
  { clock }: ApiParts,
  file: StoredFile,
  task: TaskRecord | null,
): z.output<typeof fileAnswer> {
  return {
    file_id: file.id,
    name: file.name,
    kind: file.kind,
    content_type: file.contentType,
    size: file.size,
    state: stateOf(file, task?.state ?? null, clock.now()),
    task_id: file.taskId,
    result: file.result === null ? null : (JSON.parse(file.result) as unknown),
    created_at: new Date(file.createdAt).toISOString(),
  };
}

/** How far its task says it is; null: it says nothing just now. */
function progressOf(task: TaskRecord | null): unknown {
  const meta = task?.reported?.meta ?? null;
  return meta === null ? null : (JSON.parse(meta) as unknown);
}
