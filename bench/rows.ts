/** What each request costs D1, by its own counters: `node bench/rows.ts [--sizes 1000,100000]`. */
import { parseArgs } from "node:util";

import { buildProduct } from "./build.ts";
import { cellsOf, type Bound, type Cell } from "./cells.ts";
import { serving } from "./data.ts";
import { aligned } from "./load.ts";
import { byOurSecret, headersOf, type Issuer, type Request } from "./requests.ts";
import { productObjects, productVars, type Server } from "./serve.ts";

export interface Cost {
  readonly read: number;
  readonly written: number;
  readonly trips: number;
}

export interface Measured {
  readonly name: string;
  readonly caller: string;
  readonly size: number;
  readonly bound: Bound;
  /** Missing if the answer told none, or there was no such request to make. */
  readonly cost?: Cost | undefined;
  /** Flows that the list has in all. */
  readonly hits?: number | undefined;
  readonly within: boolean;
}

interface Answer {
  readonly data?: unknown[];
  readonly meta?: { readonly total?: number };
  readonly links?: { readonly next?: string | null };
}

/** The sum of all `d1` entries of a `server-timing` header. */
export function costIn(header: string | null): Cost | undefined {
  const entries = [...(header ?? "").matchAll(/(?:^|,)\s*d1[^,]*?desc="([^"]*)"/g)].map(([, text = ""]) => text);
  if (entries.length === 0) return undefined;
  const of = (name: string): number =>
    entries.reduce((sum, text) => sum + Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? 0), 0);
  return { read: of("rows_read"), written: of("rows_written"), trips: of("trips") };
}

async function send(
  server: Server,
  request: Request,
  issuer: Issuer,
): Promise<{ cost: Cost | undefined; answer: Answer }> {
  const headers = headersOf(request, await issuer.tokenOf(request.caller));
  const text = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
  const url = `http://127.0.0.1:${server.ports["product"]}${request.path}`;
  const response = await fetch(url, { method: request.method, headers, ...text });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${request.method} ${request.path} was answered ${response.status}: ${answer}`);
  return { cost: costIn(response.headers.get("server-timing")), answer: JSON.parse(answer) as Answer };
}

async function measure(server: Server, cell: Cell, size: number, issuer: Issuer): Promise<Measured> {
  const { name, bound } = cell;
  const common = { name, bound, size, caller: cell.request.caller.name };
  let { cost, answer } = await send(server, cell.request, issuer);
  if (cell.next) {
    const next = answer.links?.next;
    if (next === null || next === undefined) return { ...common, within: true };
    const { pathname, search } = new URL(next, "http://bench");
    ({ cost, answer } = await send(server, { ...cell.request, path: pathname + search }, issuer));
  }
  const hits = answer.meta?.total;
  return { ...common, cost, hits, within: cost === undefined || isWithin(cost, bound, hits) };
}

const mostRead = (bound: Bound, hits = 0): number => bound.read + (bound.perHit ?? 0) * hits;
const isWithin = (cost: Cost, bound: Bound, hits?: number): boolean =>
  cost.read <= mostRead(bound, hits) && cost.trips <= bound.trips && cost.written <= (bound.written ?? Infinity);

/** Makes each request of the table once, on data of the given size. */
export async function rowsAt(size: number, say: (line: string) => void): Promise<Measured[]> {
  const issuer = byOurSecret();
  const vars = { ...productVars, ...issuer.vars, SERVER_TIMING: "true", LOG_LEVEL: "error" };
  const product = { name: "product", bundle: buildProduct(), objects: productObjects, vars };
  return serving([product], { size, say }, async (server) => {
    const all: Measured[] = [];
    for (const cell of cellsOf(size)) all.push(await measure(server, cell, size, issuer));
    return all;
  });
}

const shown = ({ cost, hits, bound, within }: Measured): string => {
  if (cost === undefined) return "–";
  const written = bound.written === undefined ? "" : ` w${cost.written}`;
  const found = bound.perHit === undefined ? "" : ` (${hits} hits)`;
  return `${cost.read.toLocaleString("en")}${written} / ${cost.trips}${found}${within ? "" : " !"}`;
};

const boundShown = ({ read, perHit, trips, written }: Bound): string => {
  const most = `${read.toLocaleString("en")}${perHit === undefined ? "" : ` + ${perHit} a hit`}`;
  return `≤ ${most}${written === undefined ? "" : ` w${written}`} / ${trips}`;
};

/** One line per request and caller, one column per size. */
export function rowsTable(all: readonly Measured[]): string {
  const sizes = [...new Set(all.map(({ size }) => size))];
  const lines = Map.groupBy(all, ({ name, caller }) => `${name}\u0000${caller}`);
  const head = [
    "rows read [w written] / round trips",
    "caller",
    ...sizes.map((size) => size.toLocaleString("en")),
    "bound",
  ];
  const rows = [...lines.values()].map((group) => [
    group[0]!.name,
    group[0]!.caller,
    ...sizes.map((size) => group.filter((one) => one.size === size).map(shown)[0] ?? ""),
    boundShown(group[0]!.bound),
  ]);
  const over = all.filter(({ within }) => !within).length;
  const untold = all.every(({ cost }) => cost === undefined) ? "The answers have no `server-timing`. " : "";
  return `${aligned([head, ...rows])}\n\n${untold}${over === 0 ? "Every cell is within its bound." : `${over} cells are over their bound (!).`}`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { sizes: { type: "string", default: "1000,100000" } } });
  const all: Measured[] = [];
  for (const size of values.sizes.split(",").map(Number)) all.push(...(await rowsAt(size, console.log)));
  console.log(rowsTable(all));
  process.exitCode = all.every(({ within }) => within) ? 0 : 1;
}
