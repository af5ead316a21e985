/** Tables and a chart of what was measured. */
import { aligned } from "../load.ts";
import type { Chart } from "../plot.ts";
import type { Counted, Renewals } from "./counts.ts";
import type { Cold, Grown } from "./growth.ts";
import type { Interceptor, Mix } from "./mixes.ts";
import type { Timed } from "./timing.ts";

/** With five interceptors: calls in a second as a part of the bare proxy's. */
export const GOAL = 0.8;

const whole = (value: number): string => Math.round(value).toLocaleString("en");
/** Exact where it is a whole number; otherwise the calls were not all alike. */
const exact = (value: number): string => (Number.isInteger(value) ? whole(value) : value.toFixed(2));
const ms = (value: number): string => value.toFixed(2);
const signed = (value: number): string => `${value < 0 ? "" : "+"}${ms(value)}`;

const named = (list: readonly Interceptor[]): string =>
  [...Map.groupBy(list, ({ type }) => type)]
    .map(([type, { length }]) => (length > 1 ? `${length} ${type}` : type))
    .join(", ") || "none";

export const mixesTable = (mixes: readonly Mix[]): string =>
  aligned([
    ["", "interceptors", "request", "response"],
    ...mixes.map((mix) => [mix.name, whole(mix.count), named(mix.request), named(mix.response)]),
  ]);

export function timesTable(timed: readonly Timed[], goalOf: string): string {
  const head = [
    "",
    "calls/s",
    "of bare",
    "goal",
    "",
    "CPU µs",
    "of bare",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "cores",
    "disturbed",
  ];
  const rows = timed.map(({ side, figures, ratio, cpuRatio, disturbed, rounds }) => [
    side,
    whole(figures.perSecond),
    ratio.toFixed(2),
    ...(side === goalOf ? [GOAL.toFixed(2), ratio >= GOAL ? "met" : "MISSED"] : ["", ""]),
    whole(figures.cpu),
    cpuRatio.toFixed(2),
    ...[figures.p50, figures.p95, figures.p99].map(ms),
    figures.cores.toFixed(2),
    `${disturbed} of ${rounds.length}`,
  ]);
  return aligned([head, ...rows]);
}

export function aloneTable(timed: readonly Timed[]): string {
  const head = ["", "p50 ms", "added", "p95 ms", "added", "CPU µs", "calls/s", "of bare", "disturbed"];
  const rows = timed.map(({ side, against, figures, added, ratio, disturbed, rounds }) => [
    side,
    ms(figures.p50),
    side === against ? "" : signed(added.p50),
    ms(figures.p95),
    side === against ? "" : signed(added.p95),
    whole(figures.cpu),
    whole(figures.perSecond),
    ratio.toFixed(2),
    `${disturbed} of ${rounds.length}`,
  ]);
  return aligned([head, ...rows]);
}

/** Calls that no list of stateless interceptors may make. */
export const isOver = ({ isStateless, trips, objectRequests }: Counted): boolean =>
  isStateless && trips + objectRequests > 0;

export const countsTable = (counted: readonly Counted[]): string =>
  aligned([
    ["", "calls", "D1 trips a call", "object requests a call", ""],
    ...counted.map((one) => [
      one.mix,
      ...[one.calls, one.trips, one.objectRequests].map(exact),
      one.isStateless ? (isOver(one) ? "OVER" : "met") : "",
    ]),
  ]);

export const renewalsLines = ({ seconds, calls, trips, afterIdle }: Renewals): string[] => [
  `${whole(calls)} calls in ${seconds} s, one behind the other: ${trips} round trips in which the isolate reads what is new`,
  `After ${(afterIdle.idleMs / 1000).toFixed(1)} s without calls: ${afterIdle.trips} round trip in the first call, which takes ${ms(afterIdle.firstMs)} ms; the next takes ${ms(afterIdle.secondMs)} ms`,
];

const ofProduct = (grown: readonly Grown[]): Grown[] => grown.filter(({ calls }) => calls !== "bare");

export const growthTable = (grown: readonly Grown[]): string =>
  aligned([
    ["", "calls of", "calls/s", "of bare", "CPU µs", "of bare", "p50 ms", "p99 ms", "disturbed"],
    ...ofProduct(grown).map(({ of, size, calls, timed: { figures, ratio, cpuRatio, disturbed, rounds } }) => [
      `${whole(size)} ${of}`,
      calls,
      whole(figures.perSecond),
      ratio.toFixed(2),
      whole(figures.cpu),
      cpuRatio.toFixed(2),
      ms(figures.p50),
      ms(figures.p99),
      `${disturbed} of ${rounds.length}`,
    ]),
  ]);

export const coldTable = (colds: readonly Cold[]): string =>
  aligned([
    [
      "APIs",
      "listens after ms",
      "first call ms",
      "second ms",
      "first of another API ms",
      "CPU ms until the first answer",
    ],
    ...colds.map(({ apis, listensMs, firstMs, secondMs, otherMs, cpuMs }) => [
      whole(apis),
      ...[listensMs, firstMs, secondMs, otherMs, cpuMs].map((value) => value.toFixed(1)),
    ]),
  ]);

const lineOf = ({ of, calls }: Grown): string => (of === "resources" ? "random resources" : `APIs, ${calls}`);

export function chartOf(grown: readonly Grown[]): Chart {
  const shown = grown.filter(({ of, calls }) => of === "APIs" || calls !== "bare");
  const series = [...Map.groupBy(shown, lineOf)].map(([line, group]) => {
    const bySize = new Map(group.map(({ size, timed }) => [size, timed.figures.cpu]));
    const name = line === "APIs, bare" ? "bare proxy" : line;
    return { name, points: [...bySize].map(([x, y]) => ({ x, y })) };
  });
  return { title: "CPU time per call", x: "resources of the API, or APIs", y: "microseconds", series };
}
