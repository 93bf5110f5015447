import * as z from "zod";
import { isTerminal, type TaskRecord } from "#engine";
import {
  backupDatabase,
  BackupNotFoundError,
  begunAt,
  listBackups,
  openForRestore,
  readManifest,
  refuseUnlessEmpty,
  restoreDatabase,
  RestoreRefusedError,
  type Manifest,
} from "#domain/maintenance";
import { isoTime, jsonObject, startedAnswer } from "../http/answers.ts";
import { operation } from "../http/operation.ts";
import { conflict, notFound } from "../http/problems.ts";
import { limit } from "../http/query-params.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";

const nothing = z.strictObject({});
const MAX_PAGE = 100;

const TAG = "backups";

const summaryAnswer = z
  .strictObject({
    backup_id: z.string(),
    started_at: isoTime,
    finished_at: isoTime,
    migrations: z.array(z.string()).readonly(),
    left_out: z.array(z.string()).readonly().describe("Tables that no backup has."),
    encrypted: z.boolean(),
    rows: z.int(),
    parts: z.int(),
    bytes: z.int(),
  })
  .meta({ id: "Backup" });

export function maintenanceRoutes(parts: ApiParts): Route[] {
  return [
    operation({
      method: "POST",
      path: "/api/backups",
      scope: "admin",
      rate: "control",
      tag: TAG,
      summary: "Make a backup",
      body: nothing,
      example: {},
      answers: { 202: startedAnswer },
      handle: async ({ caller }) => {
        const { taskId } = await parts.lovageFor(caller.owner).delay(backupDatabase, {});
        return Response.json({ task_id: taskId }, { status: 202 });
      },
    }),
    operation({
      method: "GET",
      path: "/api/backups",
      scope: "admin",
      rate: "read",
      tag: TAG,
      summary: "List backups, the newest first",
      query: { limit: limit(20, MAX_PAGE) },
      answers: {
        200: z.strictObject({
          backups: z.array(
            z.union([
              summaryAnswer.extend({ finished: z.literal(true) }),
              z.strictObject({
                backup_id: z.string(),
                started_at: isoTime,
                finished: z.literal(false),
              }),
            ]),
          ),
        }),
      },
      handle: async ({ query }) => {
        const ids = (await listBackups(parts.shop.files)).slice(0, query.limit);
        const backups = await Promise.all(
          ids.map(async (id) => {
            const manifest = await readManifest(parts.shop.files, id);
            const startedAt = new Date(begunAt(id)).toISOString();
            return manifest === null
              ? { backup_id: id, started_at: startedAt, finished: false }
              : { ...summaryOf(manifest), finished: true };
          }),
        );
        return Response.json({ backups });
      },
    }),
    operation({
      method: "GET",
      path: "/api/backups/:id",
      scope: "admin",
      rate: "read",
      tag: TAG,
      summary: "Show a backup, table by table",
      answers: { 200: summaryAnswer.extend({ tables: z.array(jsonObject) }) },
      handle: async ({ params }) => {
        const manifest = await readManifest(parts.shop.files, params.id ?? "");
        if (manifest === null) throw notFound();
        return Response.json({ ...summaryOf(manifest), tables: manifest.tables });
      },
    }),
    operation({
      method: "POST",
      path: "/api/backups/:id/restore",
      scope: "admin",
      rate: "control",
      tag: TAG,
      summary: "Restore a backup into an empty database",
      body: nothing,
      example: {},
      answers: { 202: startedAnswer },
      problems: { 409: ["damaged", "wrong_key", "other_schema", "not_empty", "restoring"] },
      handle: (call) => restore(parts, call),
    }),
  ];
}

/**
 * What can be refused is refused at once; the task looks again. Called again while it goes on, it is the same
 * task, whatever that has written by now.
 */
async function restore(
  parts: ApiParts,
  { caller, params }: Pick<ApiCall, "caller" | "params">,
): Promise<Response> {
  const { id = "" } = params;
  try {
    const { manifest } = await openForRestore(parts.shop, id);
    if ((await underWay(parts)) === null) await refuseUnlessEmpty(parts.shop, manifest);
  } catch (error) {
    if (error instanceof BackupNotFoundError) throw notFound();
    if (error instanceof RestoreRefusedError) throw conflict(error.code, error.message);
    throw error;
  }
  const { taskId } = await parts.lovageFor(caller.owner).delay(restoreDatabase, { backup_id: id });
  const task = await parts.tasks.get(taskId);
  const { backup_id: restored = id } = JSON.parse(task?.kwargs ?? "{}") as { backup_id?: string };
  // One restore at a time, of whatever backup.
  if (restored !== id) throw conflict("restoring", `Task ${taskId} restores ${restored} just now.`);
  return Response.json({ task_id: taskId }, { status: 202 });
}

/** The restore that goes on. */
async function underWay({ search }: ApiParts): Promise<TaskRecord | null> {
  const { tasks } = await search.search({ name: restoreDatabase.name }, 10, null);
  return tasks.find(({ state }) => !isTerminal(state)) ?? null;
}

function summaryOf(manifest: Manifest): z.output<typeof summaryAnswer> {
  const { id, started_at, finished_at, migrations, left_out, encryption, tables } = manifest;
  const parts = tables.flatMap((table) => table.parts);
  return {
    backup_id: id,
    started_at,
    finished_at,
    migrations,
    left_out,
    encrypted: encryption !== null,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    parts: parts.length,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
