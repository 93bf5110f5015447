import { paramsSchema } from "#engine";
import { openApiDocument } from "../../src/delivery/api/openapi/document.ts";
import { shopTasks } from "../../src/domain/index.ts";
import { clientTypes } from "./client-types.ts";
import { declaredRoutes } from "./declared-routes.ts";

/** The document of a deployment that runs on this machine, as text. */
export function documentText(): string {
  return `${JSON.stringify(document(), null, 2)}\n`;
}

/** The types of the client, as text. */
export function clientText(): string {
  const params = shopTasks.map((task) => [task.name, paramsSchema(task)] as const);
  return clientTypes(document(), Object.fromEntries(params));
}

function document() {
  return openApiDocument(declaredRoutes(), "http://localhost:8787");
}
