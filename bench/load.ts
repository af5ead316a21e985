import { fork, type ChildProcess } from "node:child_process";

import type { Done, Job } from "./client.ts";
import { ask, resetStatements } from "./data.ts";
import { cpuOf, median, untilIdle, untilSettled } from "./machine.ts";
import { wireOf, type Issuer, type Request, type Route } from "./requests.ts";
import type { Server } from "./serve.ts";

export interface Settings {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly connections: number;
}

export interface Round {
  readonly perSecond: number;
  /** CPU microseconds of the server per request, what it does after the answer included. */
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly idle: boolean;
}

/** Medians of the rounds, and the rounds. */
export interface Figures extends Omit<Round, "idle"> {
  readonly rounds: readonly Round[];
}

export interface Compared {
  readonly route: string;
  readonly goal: number;
  readonly product: Figures;
  readonly bare: Figures;
  /** Requests per second of the product as a part of the bare Worker's: the median of neighbouring rounds. */
  readonly ratio: number;
  /** The same by CPU per request, which other work on the machine disturbs less. */
  readonly cpuRatio: number;
}

const WARM_MS = 2000;

export class Client {
  readonly #child: ChildProcess = fork(new URL("client.ts", import.meta.url), { stdio: "inherit" });

  run(job: Job): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#child.once("message", (done: Done) =>
        done.fault === undefined ? resolve(done) : reject(new Error(done.fault)),
      );
      this.#child.send(job);
    });
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

interface Turn {
  readonly side: "product" | "bare";
  readonly wires: readonly string[];
  /** Whether each request can be made only once. */
  readonly once: boolean;
  readonly first: boolean;
}

/** One round: warm up, wait for quiet, measure, and let what follows the answers come to its end. */
async function roundOf({ client, server, settings }: Way, { side, wires, once, first }: Turn): Promise<Round> {
  const port = server.ports[side]!;
  const began = Date.now();
  const { connections, milliseconds } = settings;
  // A fifth of what can be used once is for warming up.
  const spare = once ? Math.floor(wires.length / 5) : wires.length;
  const job = { port, connections, requests: wires, once };
  await client.run({ ...job, requests: wires.slice(0, spare), from: 0, milliseconds: first ? WARM_MS : WARM_MS / 8 });
  await untilSettled(server.pid);
  const idle = await untilIdle();
  const before = cpuOf(server.pid);
  const done = await client.run({ ...job, from: once ? spare : 0, milliseconds });
  await untilSettled(server.pid);
  const cpu = ((cpuOf(server.pid) - before) * 1000) / done.answered;
  const refused = Object.keys(done.statuses).filter((status) => !status.startsWith("2"));
  if (refused.length > 0) throw new Error(`${side} answered ${JSON.stringify(done.statuses)}.`);
  await ask(server, resetStatements(began));
  return { perSecond: (done.answered * 1000) / done.milliseconds, cpu, p50: done.p50, p99: done.p99, idle };
}

function figuresOf(rounds: readonly Round[]): Figures {
  const of = (key: "perSecond" | "cpu" | "p50" | "p99"): number => median(rounds.map((round) => round[key]));
  return { perSecond: of("perSecond"), cpu: of("cpu"), p50: of("p50"), p99: of("p99"), rounds };
}

/** The product beside the bare Worker, by turns. */
export async function compare(way: Way, route: Route, issuer: Issuer): Promise<Compared> {
  const wires = await wiresOf(route.requests, issuer);
  const rounds: Record<"product" | "bare", Round[]> = { product: [], bare: [] };
  for (let round = 0; round < way.settings.rounds; round += 1) {
    const sides = round % 2 === 0 ? (["product", "bare"] as const) : (["bare", "product"] as const);
    for (const side of sides) {
      rounds[side].push(await roundOf(way, { side, wires, once: route.once, first: round === 0 }));
    }
  }
  const pairs = rounds.product.map((product, nth) => ({ product, bare: rounds.bare[nth]! }));
  return {
    route: route.name,
    goal: route.goal,
    product: figuresOf(rounds.product),
    bare: figuresOf(rounds.bare),
    ratio: median(pairs.map(({ product, bare }) => product.perSecond / bare.perSecond)),
    cpuRatio: median(pairs.map(({ product, bare }) => bare.cpu / product.cpu)),
  };
}

/** The product by itself. */
export async function time(way: Way, requests: readonly Request[], issuer: Issuer): Promise<Figures> {
  const wires = await wiresOf(requests, issuer);
  const rounds: Round[] = [];
  for (let round = 0; round < way.settings.rounds; round += 1) {
    rounds.push(await roundOf(way, { side: "product", wires, once: false, first: round === 0 }));
  }
  return figuresOf(rounds);
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
    const rounds = [...product.rounds, ...bare.rounds];
    const disturbed = rounds.filter((round) => !round.idle).length;
    const fast = [whole(product.perSecond), whole(bare.perSecond), ratio.toFixed(2), goal.toFixed(2)];
    const cheap = [whole(product.cpu), whole(bare.cpu), cpuRatio.toFixed(2)];
    const prompt = [product.p50, bare.p50, product.p99, bare.p99].map((value) => value.toFixed(1));
    const verdict = ratio >= goal ? "met" : "MISSED";
    return [route, ...fast, ...cheap, ...prompt, verdict, `${disturbed} of ${rounds.length}`];
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
