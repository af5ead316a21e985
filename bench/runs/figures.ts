/** Tables and charts of what was measured. */
import { aligned } from "../load.ts";
import { svgOf, type Chart } from "../plot.ts";
import { MOST_WRITTEN, type Counted } from "./counts.ts";
import type { Side } from "./flows.ts";
import type { Timed } from "./timing.ts";

const whole = (value: number): string => Math.round(value).toLocaleString("en");
/** Exact where it is a whole number; otherwise the runs were not all alike. */
const exact = (value: number): string => (Number.isInteger(value) ? whole(value) : value.toFixed(2));
const ms = (microseconds: number): string => (microseconds / 1000).toFixed(2);

export function countsTable(counted: readonly Counted[]): string {
  const head = ["flow", "steps", "at once", "runs"];
  const d1 = ["D1 trips", "rows read", "written", `≤ ${MOST_WRITTEN}`];
  const object = ["object requests", "commits", "statements", "rows read", "written", "alarms set"];
  const rows = counted.map((one) => [
    one.flow,
    ...[one.steps, one.concurrent, one.runs].map(whole),
    ...[one.d1.trips, one.d1.read, one.d1.written].map(exact),
    one.d1.written <= MOST_WRITTEN ? "met" : "OVER",
    exact(one.requests),
    ...[one.object.commits, one.object.statements, one.object.read, one.object.written, one.object.alarms].map(exact),
  ]);
  return aligned([[...head, ...d1, ...object], ...rows]);
}

export function timesTable(timed: readonly Timed[]): string {
  const head = ["", "runs/s", "steps/s", "product is", "CPU µs a run", "product is", "p50 ms", "p99 ms", "disturbed"];
  const rows = timed.map(({ side, steps, figures, ratio, cpuRatio, disturbed, rounds }) => [
    side,
    whole(figures.perSecond),
    whole(figures.perSecond * steps),
    ...(side === "product"
      ? ["", whole(figures.cpu), ""]
      : [ratio.toFixed(3), whole(figures.cpu), cpuRatio.toFixed(3)]),
    ...[figures.p50, figures.p99].map((value) => value.toFixed(1)),
    `${disturbed} of ${rounds.length}`,
  ]);
  return aligned([head, ...rows]);
}

const growthRows = (timed: readonly Timed[], kind: string, key: "steps" | "concurrent"): string[][] =>
  timed.map((one) => [
    `${one[key]} ${kind}`,
    one.side,
    whole(one.figures.perSecond),
    whole(one.figures.perSecond * one.steps),
    one.side === "product" ? "" : one.ratio.toFixed(3),
    whole(one.figures.cpu),
    one.figures.p50.toFixed(1),
    one.figures.p99.toFixed(1),
    whole(one.figures.late),
  ]);

export function growthTable(bySteps: readonly Timed[], byConcurrency: readonly Timed[]): string {
  const head = ["", "", "runs/s", "steps/s", "product is", "CPU µs a run", "p50 ms", "p99 ms", "late"];
  const rows = [...growthRows(bySteps, "steps", "steps"), ...growthRows(byConcurrency, "at once", "concurrent")];
  return aligned([head, ...rows]);
}

const of = (timed: readonly Timed[], side: Side): Timed[] => timed.filter((one) => one.side === side);

/** What a step of the product costs beyond the same in plain code. */
export function overheadLines(
  compared: readonly Timed[],
  bySteps: readonly Timed[],
  byConcurrency: readonly Timed[],
): string[] {
  const product = compared.find(({ side }) => side === "product")!;
  const lines = compared
    .filter(({ side }) => side !== "product")
    .map(({ side, figures, steps }) => {
      const cpu = ms((product.figures.cpu - figures.cpu) / steps);
      return `CPU beyond ${side}: ${cpu} ms a step, all that a run costs shared among its ${steps} steps`;
    });
  const alone = (side: Side): number | undefined =>
    of(byConcurrency, side).find(({ concurrent }) => concurrent === 1)?.figures.p50;
  for (const side of ["bare", "durable"] as const) {
    const [first, other] = [alone("product"), alone(side)];
    if (first === undefined || other === undefined) continue;
    const wait = ((first - other) / product.steps).toFixed(2);
    lines.push(`Waiting beyond ${side}: ${wait} ms a step of a run that is alone (p50 ${first.toFixed(1)} ms)`);
  }
  for (const side of ["product", "durable", "bare"] as const) {
    const [few, many] = [of(bySteps, side)[0], of(bySteps, side).at(-1)];
    if (few === undefined || many === undefined || few.steps === many.steps) continue;
    const more = many.steps - few.steps;
    const cpu = whole((many.figures.cpu - few.figures.cpu) / more);
    lines.push(`Each further step of ${side}: ${cpu} µs of CPU (from ${few.steps} to ${many.steps} steps)`);
  }
  return lines;
}

const seriesOf = (timed: readonly Timed[], at: "steps" | "concurrent", y: (one: Timed) => number) =>
  [...Map.groupBy(timed, ({ side }) => side)].map(([name, group]) => ({
    name,
    points: group.map((one) => ({ x: one[at], y: y(one) })),
  }));

export function chartsOf(
  counted: readonly Counted[],
  bySteps: readonly Timed[],
  byConcurrency: readonly Timed[],
): Chart[] {
  const chains = counted.filter(({ flow }) => flow.startsWith("chain"));
  const kinds: Record<string, (one: Counted) => number> = {
    "D1, read": ({ d1 }) => d1.read,
    "D1, written": ({ d1 }) => d1.written,
    "object, read": ({ object }) => object.read,
    "object, written": ({ object }) => object.written,
    "object requests": ({ requests }) => requests,
  };
  const rows = Object.entries(kinds).map(([name, y]) => ({
    name,
    points: chains.map((one) => ({ x: one.steps, y: y(one) })),
  }));
  const x = { steps: "steps of the flow", concurrent: "runs at the same time" };
  return [
    {
      title: "CPU time per run",
      x: x.steps,
      y: "microseconds",
      series: seriesOf(bySteps, "steps", ({ figures }) => figures.cpu),
    },
    {
      title: "Runs per second, five steps",
      x: x.concurrent,
      y: "runs per second",
      series: seriesOf(byConcurrency, "concurrent", ({ figures }) => figures.perSecond),
    },
    { title: "Rows and requests per run", x: x.steps, y: "rows, requests", series: rows },
  ];
}

/** Several charts under each other as one picture. */
export function stacked(charts: readonly Chart[]): string {
  const [width, height] = [720, 380];
  const placed = charts.map((chart, nth) =>
    svgOf(chart).replace("<svg ", `<svg y="${nth * height}" width="${width}" height="${height}" `),
  );
  const size = `viewBox="0 0 ${width} ${height * charts.length}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="What runs cost">\n${placed.join("")}</svg>\n`;
}
