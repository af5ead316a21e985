import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

/** What Linux counts in; other systems have no /proc. */
const TICKS_PER_SECOND = 100;

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

function statOf(pid: number | string): { parent: number; ticks: number } | undefined {
  try {
    // The name stands in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\)\s/s, "")
      .split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

/** CPU milliseconds, user and system, that a process and its descendants have used. */
export function cpuOf(pid: number): number {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const stats = new Map(all.map((name) => [Number(name), statOf(name)]));
  const within = (one: number): boolean => one === pid || (one > 1 && within(stats.get(one)?.parent ?? 0));
  let ticks = 0;
  for (const [one, stat] of stats) if (stat !== undefined && within(one)) ticks += stat.ticks;
  return (ticks * 1000) / TICKS_PER_SECOND;
}

function busy(): { busy: number; all: number } {
  const fields = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const all = fields.slice(0, 8).reduce((sum, field) => sum + field, 0);
  return { all, busy: all - fields[3]! - fields[4]! };
}

const IDLE_SHARE = 0.12;

/** Waits until the machine has nothing else to do, for a while; answers whether it came to that. */
export async function untilIdle(most = 8000): Promise<boolean> {
  const deadline = Date.now() + most;
  while (Date.now() < deadline) {
    const before = busy();
    await pause(500);
    const after = busy();
    if ((after.busy - before.busy) / (after.all - before.all) < IDLE_SHARE) return true;
  }
  return false;
}

/** Begins to count what others use; answers which part of the machine that was since. */
export function foreignCpu(ours: readonly number[]): () => number {
  const used = (): number => (ours.reduce((sum, pid) => sum + (statOf(pid)?.ticks ?? 0), 0) * 100) / TICKS_PER_SECOND;
  const [before, usedBefore] = [busy(), used()];
  return () => {
    const now = busy();
    // Both are counted in hundredths of a second.
    return (now.busy - before.busy - (used() - usedBefore)) / (now.all - before.all);
  };
}

/** Waits until a process has done what was left to do after its answers. */
export async function untilSettled(pid: number, most = 20_000): Promise<void> {
  const deadline = Date.now() + most;
  let before = cpuOf(pid);
  for (let quiet = 0; quiet < 2 && Date.now() < deadline;) {
    await pause(40);
    const now = cpuOf(pid);
    quiet = now - before < 10 ? quiet + 1 : 0;
    before = now;
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

export const machine = (): string => {
  const all = cpus();
  return `${all.length} × ${all[0]?.model ?? "unknown"}, Node ${process.version}`;
};
