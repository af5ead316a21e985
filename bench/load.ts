import { fork, type ChildProcess } from "node:child_process";

import type { Done, Job, Load } from "./client.ts";
import { ask, resetStatements } from "./data.ts";
import { cpuOf, foreignCpu, median, untilIdle, untilSettled } from "./machine.ts";
import { wireOf, type Issuer, type Request, type Route } from "./requests.ts";
import type { Server } from "./serve.ts";

export interface Settings {
  readonly rounds: number;
  /** How long each side is under load in a round. */
  readonly milliseconds: number;
  readonly connections: number;
}

export interface Round {
  readonly perSecond: number;
  /** CPU microseconds of the server per request, what it does after the answer included. */
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  /** Whether something else was busy on the machine. */
  readonly disturbed: boolean;
}

/** Medians of the rounds, and the rounds. */
export interface Figures extends Omit<Round, "disturbed"> {
  readonly rounds: readonly Round[];
}

export interface Compared {
  readonly route: string;
  readonly goal: number;
  readonly product: Figures;
  readonly bare: Figures;
  /** Requests per second of the product as a part of the bare Worker's: the median of the rounds' ratios. */
  readonly ratio: number;
  /** The same by CPU per request, which other work on the machine disturbs less. */
  readonly cpuRatio: number;
}

const WARM_MS = 2000;
/** In a round the sides take turns so often: what disturbs one disturbs the other. */
const SLICES = 5;
/** Part of the machine that others may use. */
const MOST_FOREIGN = 0.08;

export class Client {
  readonly #child: ChildProcess = fork(new URL("client.ts", import.meta.url), { stdio: "inherit" });

  load(name: string, requests: readonly string[]): void {
    this.#child.send({ name, requests } satisfies Load);
  }

  run(job: Job): Promise<Done> {
    return new Promise((resolve, reject) => {
      const end = (code: number | null, signal: string | null) =>
        reject(new Error(`The client ended by ${signal ?? code}.`));
      this.#child.once("exit", end);
      this.#child.once("message", (done: Done) => {
        this.#child.off("exit", end);
        if (done.fault === undefined) resolve(done);
        else reject(new Error(done.fault));
      });
      this.#child.send(job);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  end(): void {
    this.#child.disconnect();
  }
}

/** The requests as they are sent; each caller's token is made once. */
export async function wiresOf(requests: readonly Request[], issuer: Issuer): Promise<string[]> {
  const tokens = new Map<string, string>();
  const wires: string[] = [];
  for (const request of requests) {
    const { sub } = request.caller;
    const token = tokens.get(sub) ?? (await issuer.tokenOf(request.caller));
    tokens.set(sub, token);
    wires.push(wireOf(request, token));
  }
  return wires;
}

interface Way {
  readonly client: Client;
  readonly server: Server;
  readonly settings: Settings;
}

type Side = "product" | "bare";

/** What a side has done in a round so far. */
interface Sum {
  cpu: number;
  milliseconds: number;
  readonly times: number[];
}

/** Runs the client for a while and lets what follows the answers come to its end. */
async function slice({ client, server, settings }: Way, side: Side, part: Pick<Job, "from" | "once" | "milliseconds">) {
  const { connections } = settings;
  const before = cpuOf(server.pid);
  const done = await client.run({ load: side, port: server.ports[side]!, connections, ...part });
  await untilSettled(server.pid);
  const refused = Object.keys(done.statuses).filter((status) => !status.startsWith("2"));
  if (refused.length > 0) throw new Error(`${side} answered ${JSON.stringify(done.statuses)}.`);
  return { ...done, cpu: cpuOf(server.pid) - before };
}

/** The sides take turns; each begins as often as the other. */
async function roundOf(way: Way, sides: readonly Side[], once: boolean, nth: number): Promise<Map<Side, Round>> {
  const { client, server, settings } = way;
  const began = Date.now();
  const from = new Map<Side, number>();
  if (nth === 0) {
    for (const side of sides) from.set(side, (await slice(way, side, { from: 0, once, milliseconds: WARM_MS })).next);
    if (once) await reset(server, began, from);
  }
  await untilIdle();
  const sums = new Map(sides.map((side): [Side, Sum] => [side, { cpu: 0, milliseconds: 0, times: [] }]));
  const foreign = foreignCpu([server.pid, client.pid, process.pid]);
  for (let turn = 0; turn < SLICES; turn += 1) {
    for (const side of (turn + nth) % 2 === 0 ? sides : sides.toReversed()) {
      const part = { from: from.get(side) ?? 0, once, milliseconds: settings.milliseconds / SLICES };
      const done = await slice(way, side, part);
      from.set(side, done.next);
      const sum = sums.get(side)!;
      sum.cpu += done.cpu;
      sum.milliseconds += done.milliseconds;
      sum.times.push(...done.times);
    }
  }
  const disturbed = foreign() > MOST_FOREIGN;
  await reset(server, began, from);
  return new Map([...sums].map(([side, sum]) => [side, roundFrom(sum, disturbed)]));
}

async function reset(server: Server, since: number, from: Map<Side, number>): Promise<void> {
  await ask(server, resetStatements(since));
  from.clear();
}

function roundFrom({ cpu, milliseconds, times }: Sum, disturbed: boolean): Round {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const perSecond = (times.length * 1000) / milliseconds;
  return { perSecond, cpu: (cpu * 1000) / times.length, p50: at(0.5), p99: at(0.99), disturbed };
}

function figuresOf(rounds: readonly Round[]): Figures {
  const of = (key: "perSecond" | "cpu" | "p50" | "p99"): number => median(rounds.map((round) => round[key]));
  return { perSecond: of("perSecond"), cpu: of("cpu"), p50: of("p50"), p99: of("p99"), rounds };
}

/** Rounds of the sides beside each other. A disturbed one is made again, as long as that is not too often. */
async function roundsOf(way: Way, sides: readonly Side[], once: boolean): Promise<Map<Side, Round>[]> {
  const all: Map<Side, Round>[] = [];
  const quiet = () => all.filter((round) => !round.get("product")!.disturbed);
  while (quiet().length < way.settings.rounds && all.length < 2 * way.settings.rounds) {
    all.push(await roundOf(way, sides, once, all.length));
  }
  return quiet().length > way.settings.rounds / 2 ? quiet() : all;
}

/** The product beside the bare Worker, by turns. */
export async function compare(way: Way, route: Route, issuer: Issuer): Promise<Compared> {
  const wires = await wiresOf(route.requests, issuer);
  const half = (rest: number): string[] => (route.once ? wires.filter((_, nth) => nth % 2 === rest) : wires);
  way.client.load("product", half(0));
  way.client.load("bare", half(1));
  const rounds = await roundsOf(way, ["product", "bare"], route.once);
  const pairs = rounds.map((round) => ({ product: round.get("product")!, bare: round.get("bare")! }));
  return {
    route: route.name,
    goal: route.goal,
    product: figuresOf(pairs.map(({ product }) => product)),
    bare: figuresOf(pairs.map(({ bare }) => bare)),
    ratio: median(pairs.map(({ product, bare }) => product.perSecond / bare.perSecond)),
    cpuRatio: median(pairs.map(({ product, bare }) => bare.cpu / product.cpu)),
  };
}

/** The product by itself. */
export async function time(way: Way, requests: readonly Request[], issuer: Issuer): Promise<Figures> {
  way.client.load("product", await wiresOf(requests, issuer));
  return figuresOf((await roundsOf(way, ["product"], false)).map((round) => round.get("product")!));
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");

const pair = (name: string): string[] => [name, "bare"];

export function tableOf(all: readonly Compared[]): string {
  const head = [
    "route",
    ...pair("req/s"),
    "ratio",
    "goal",
    ...pair("CPU µs"),
    "ratio",
    ...pair("p50 ms"),
    ...pair("p99 ms"),
  ];
  const rows = all.map(({ route, product, bare, ratio, cpuRatio, goal }) => {
    const disturbed = product.rounds.filter((round) => round.disturbed).length;
    const fast = [whole(product.perSecond), whole(bare.perSecond), ratio.toFixed(2), goal.toFixed(2)];
    const cheap = [whole(product.cpu), whole(bare.cpu), cpuRatio.toFixed(2)];
    const prompt = [product.p50, bare.p50, product.p99, bare.p99].map((value) => value.toFixed(1));
    const verdict = ratio >= goal ? "met" : "MISSED";
    return [route, ...fast, ...cheap, ...prompt, verdict, `${disturbed} of ${product.rounds.length}`];
  });
  return aligned([[...head, "", "disturbed"], ...rows]);
}

/** Columns under each other: the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ");
  return rows.map(line).join("\n");
}
