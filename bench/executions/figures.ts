/** Tables of what was measured. */
import { aligned } from "../load.ts";
import { MOST_WRITES, type Counted } from "./counts.ts";
import type { Timed } from "./timing.ts";

const whole = (value: number): string => Math.round(value).toLocaleString("en");
/** Exact where it is a whole number; otherwise the executions were not all alike. */
const exact = (value: number): string => (Number.isInteger(value) ? whole(value) : value.toFixed(2));

const pair = (name: string): string[] => [name, "bare"];

export function countsTable(counted: readonly Counted[]): string {
  const object = ["object requests", "commits", "statements", "rows read", "written", "alarms set"];
  const d1 = ["D1 trips", "rows read", "written", "writes", `≤ ${MOST_WRITES}`, "R2 calls"];
  const rows = counted.map((one) => [
    whole(one.executions),
    whole(one.concurrent),
    exact(one.requests),
    ...[one.object.commits, one.object.statements, one.object.read, one.object.written, one.object.alarms].map(exact),
    ...[one.d1.trips, one.d1.read, one.d1.written, one.d1.writes].map(exact),
    one.d1.writes <= MOST_WRITES ? "met" : "OVER",
    exact(one.r2),
  ]);
  return aligned([["executions", "at once", ...object, ...d1], ...rows]);
}

export const statementsTable = (head: string, statements: Counted["atD1"]): string =>
  aligned([
    [head, "times", "rows read", "written"],
    ...statements.map(({ sql, times, read, written }) => [sql.slice(0, 90), ...[times, read, written].map(exact)]),
  ]);

export function timesTable(timed: readonly Timed[]): string {
  const head = ["", "at once", ...pair("a second"), "ratio", ...pair("p50 ms"), ...pair("p99 ms")];
  const rows = timed.map(({ kind, concurrent, product, bare, ratio, cpuRatio, disturbed, rounds }) => [
    kind,
    whole(concurrent),
    ...[product.perSecond, bare.perSecond].map(whole),
    ratio.toFixed(2),
    ...[product.p50, bare.p50, product.p99, bare.p99].map((value) => value.toFixed(2)),
    // Of a few requests alone the clock of the CPU tells too little.
    ...(concurrent === 1 ? ["", "", ""] : [...[product.cpu, bare.cpu].map(whole), cpuRatio.toFixed(2)]),
    `${disturbed} of ${rounds.length}`,
  ]);
  return aligned([[...head, ...pair("CPU µs"), "ratio", "disturbed"], ...rows]);
}
