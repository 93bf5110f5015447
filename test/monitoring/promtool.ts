import { spawnSync } from "node:child_process";

/** Why Prometheus' own checks can't be run here; null: they can. */
export function whyNoPromtool(): string | null {
  return spawnSync("promtool", ["--version"]).error === undefined
    ? null
    : "promtool is not installed (Debian's package prometheus has it)";
}

/** Runs promtool; what it says is empty of complaints when `status` is 0. */
export function promtool(
  args: readonly string[],
  input = "",
): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { status, said: stdout + stderr };
}
