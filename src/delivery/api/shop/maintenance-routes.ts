import { z } from "zod";
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
import { readBody } from "../body.ts";
import { conflict, notFound } from "../problems.ts";
import { QueryReader } from "../query.ts";
import type { ApiCall, ApiParts, Route } from "../route.ts";

const nothing = z.strictObject({});
const MAX_PAGE = 100;

export function maintenanceRoutes(parts: ApiParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/backups",
      scope: "admin",
      handle: async ({ request, caller }) => {
        await readBody(request, nothing);
        const { taskId } = await parts.lovageFor(caller.owner).delay(backupDatabase, {});
        return Response.json({ task_id: taskId }, { status: 202 });
      },
    },
    {
      method: "GET",
      path: "/api/backups",
      scope: "admin",
      handle: async ({ query }) => {
        const reader = new QueryReader(query);
        const limit = reader.integer("limit", 20, MAX_PAGE);
        reader.check();
        const ids = (await listBackups(parts.shop.files)).slice(0, limit);
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
    },
    {
      method: "GET",
      path: "/api/backups/:id",
      scope: "admin",
      handle: async ({ params }) => {
        const manifest = await readManifest(parts.shop.files, params.id ?? "");
        if (manifest === null) throw notFound();
        return Response.json({ ...summaryOf(manifest), tables: manifest.tables });
      },
    },
    {
      method: "POST",
      path: "/api/backups/:id/restore",
      scope: "admin",
      handle: (call) => restore(parts, call),
    },
  ];
}

/** What can be refused is refused at once; the task looks again. */
async function restore(parts: ApiParts, { request, caller, params }: ApiCall): Promise<Response> {
  await readBody(request, nothing);
  const { id = "" } = params;
  try {
    const { manifest } = await openForRestore(parts.shop, id);
    await refuseUnlessEmpty(parts.shop, manifest);
  } catch (error) {
    if (error instanceof BackupNotFoundError) throw notFound();
    if (error instanceof RestoreRefusedError) throw conflict(error.code, error.message);
    throw error;
  }
  const { taskId } = await parts.lovageFor(caller.owner).delay(restoreDatabase, { backup_id: id });
  return Response.json({ task_id: taskId }, { status: 202 });
}

function summaryOf(manifest: Manifest) {
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
