import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const started = new Set<number>();
process.on("exit", () => {
  for (const group of started) killGroup(group);
});

/**
 * Starts a process in a group of its own. What it starts ends with it, and it ends with this process, unless
 * that is killed.
 */
export function spawnGroup(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(file, args, { ...options, detached: true });
  const { pid } = child;
  if (pid === undefined) return child;
  started.add(pid);
  return child.once("exit", () => {
    killGroup(pid);
  });
}

/** Kills a process group at once; one that has ended already is no error. */
export function killGroup(group: number): void {
  started.delete(group);
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Resident memory of all processes of these groups together, or of those of one name, MiB. */
export function memoryMiBOf(groups: readonly (number | undefined)[], program?: string): number {
  const mine = readProcesses().filter(
    ({ group, name }) => groups.includes(group) && name === (program ?? name),
  );
  return Math.round(mine.reduce((sum, row) => sum + row.rssKiB, 0) / 1_024);
}

/** Ports of 127.0.0.1 at which processes of a group listen. */
export function portsOf(group: number | undefined): number[] {
  const sockets = new Set(
    readProcesses()
      .filter((row) => row.group === group)
      .flatMap(({ pid }) => readSockets(pid)),
  );
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === "0A" && sockets.has(inode ?? ""))
    .map(([, address]) => Number.parseInt(address?.split(":")[1] ?? "", 16));
}

function readSockets(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode ?? [];
    });
  } catch {
    // It ended, or closed one, while we looked.
    return [];
  }
}

/** Name, process group and resident memory of every process, from /proc. */
function readProcesses(): { pid: string; name: string; group: number; rssKiB: number }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
        return [{ pid, name, group: Number(fields[2]), rssKiB: Number(fields[21]) * 4 }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}
