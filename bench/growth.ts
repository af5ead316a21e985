/** How a request's cost grows with the number of flows. */
import { COMMON, RARE } from "./dataset.ts";
import type { Figures } from "./load.ts";
import { memberOf, routesOf, type Request } from "./requests.ts";
import type { Chart, Series } from "./plot.ts";
import type { Measured } from "./rows.ts";

export interface Timed {
  readonly name: string;
  readonly size: number;
  readonly figures: Figures;
}

/** The requests that are timed at each size. */
export function growingRequests(size: number): { name: string; requests: readonly Request[] }[] {
  const [byId, list] = routesOf(size);
  const ofBig = memberOf(0);
  const get = (path: string): Request[] => [{ method: "GET", path, caller: ofBig }];
  return [
    { name: "GET by id", requests: byId!.requests },
    { name: "list", requests: list!.requests },
    { name: "list, big tenant", requests: get("/flows") },
    { name: "by name, big tenant", requests: get("/flows?sort=name&filter%5Bstatus%5D=active") },
    { name: "rare term, big tenant", requests: get(`/flows?search=${RARE}`) },
    {
      name: "usual term, tenant",
      requests: list!.requests.map((one) => ({ ...one, path: `/flows?search=${COMMON}` })),
    },
  ];
}

const x = "flows in the repository";

export function timeChart(timed: readonly Timed[]): Chart {
  const series = [...Map.groupBy(timed, ({ name }) => name)].map(([name, group]): Series => {
    return { name, points: group.map(({ size, figures }) => ({ x: size, y: figures.cpu })) };
  });
  return { title: "CPU time per request", x, y: "microseconds", series };
}

/** The worst of all callers, sorts and filters. */
const drawn: Record<string, RegExp> = {
  "GET by id": /^GET/,
  "first page, at worst": /^first page/,
  "page by cursor, at worst": /^page by cursor/,
  "page[number]=1000": /^page\[number\]/,
  "search in a tenant": /^search, usual/,
  "search for a rare term": /^search, rare/,
  create: /^POST/,
  start: /^start/,
};

export function rowsChart(measured: readonly Measured[]): Chart {
  const series = Object.entries(drawn).map(([name, pattern]): Series => {
    const costs = measured.flatMap((one) =>
      pattern.test(one.name) && one.cost ? [{ size: one.size, y: one.cost.read }] : [],
    );
    const points = [...Map.groupBy(costs, ({ size }) => size)].map(([size, group]) => {
      return { x: size, y: Math.max(...group.map(({ y }) => y)) };
    });
    return { name, points };
  });
  return {
    title: "Rows that D1 reads per request",
    x,
    y: "rows",
    series: series.filter((one) => one.points.length > 0),
  };
}
