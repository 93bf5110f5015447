export * from "./budget.ts";
export * from "./compile.ts";
export { isCanvas } from "./parts.ts";
export * from "./plan.ts";
export * from "./port.ts";
export * from "./progress.ts";
export * from "./replaced.ts";
export * from "./signatures.ts";
export * from "./tree.ts";
