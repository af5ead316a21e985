/** How long calls take, side by side: all sides take turns in the same rounds. */
import { cpuOf, foreignCpu, median, untilIdle, untilSettled } from "../machine.ts";
import type { Stage } from "./stage.ts";

export interface Side {
  readonly name: string;
  readonly port: number;
  /** The process whose CPU counts. */
  readonly pid: number;
  readonly wires: readonly string[];
  /** The status that each answer must have. */
  readonly status: number;
  /** Name of the side that this one is held against. */
  readonly against: string;
}

export interface Pace {
  readonly rounds: number;
  /** How often in a round the sides take turns, and how long each turn is. */
  readonly turns: number;
  readonly milliseconds: number;
  /** Calls at once. */
  readonly concurrent: number;
  /** How long each side is called before anything is timed. */
  readonly warming: number;
  /** Whether to wait for a quiet machine, and to make a disturbed round again. */
  readonly isPatient: boolean;
}

export interface Figures {
  readonly perSecond: number;
  /** CPU microseconds of the server per call, what it does after the answer included. */
  readonly cpu: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Cores that the server had in use: where that is well below one, something else was the limit. */
  readonly cores: number;
}

export interface Timed {
  readonly side: string;
  readonly against: string;
  readonly concurrent: number;
  /** Medians of the rounds. */
  readonly figures: Figures;
  /** Medians of the rounds' ratios: this side as a part of what the other does, in a second and for its CPU. */
  readonly ratio: number;
  readonly cpuRatio: number;
  /** Milliseconds that a call takes longer than on the other side: medians of the rounds' differences. */
  readonly added: { readonly p50: number; readonly p95: number };
  readonly rounds: readonly Figures[];
  /** Rounds that others have disturbed, and that count all the same. */
  readonly disturbed: number;
}

interface Sum {
  cpu: number;
  milliseconds: number;
  readonly times: number[];
}

/** Part of the machine that others may use. */
const MOST_FOREIGN = 0.08;

const nothing = (): Sum => ({ cpu: 0, milliseconds: 0, times: [] });

/** Which call comes next, by side. */
type Next = Map<string, number>;

async function turn(stage: Stage, side: Side, pace: Pace, milliseconds: number, next: Next, sum: Sum): Promise<void> {
  const before = cpuOf(side.pid);
  const job = { load: side.name, port: side.port, connections: pace.concurrent, once: false, milliseconds };
  const done = await stage.client.run({ ...job, from: next.get(side.name) ?? 0 });
  await untilSettled(side.pid);
  const wrong = Object.keys(done.statuses).some((status) => status !== String(side.status));
  if (wrong) throw new Error(`${side.name} answered ${JSON.stringify(done.statuses)}.`);
  next.set(side.name, done.next);
  sum.cpu += cpuOf(side.pid) - before;
  sum.milliseconds += done.milliseconds;
  sum.times.push(...done.times);
}

function figuresOf({ cpu, milliseconds, times }: Sum): Figures {
  if (times.length === 0) throw new Error("The machine is too busy: a side answered nothing in a whole round.");
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return {
    perSecond: (times.length * 1000) / milliseconds,
    cpu: (cpu * 1000) / times.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    cores: cpu / milliseconds,
  };
}

type Whole = ReadonlyMap<string, Figures>;

/** Each side begins as often as the others, and stands behind each of them in turn. */
function inTurn(sides: readonly Side[], nth: number): Side[] {
  const at = nth % sides.length;
  const turned = [...sides.slice(at), ...sides.slice(0, at)];
  return nth % 2 === 0 ? turned : turned.toReversed();
}

async function roundOf(stage: Stage, sides: readonly Side[], pace: Pace, nth: number, next: Next, pids: number[]) {
  if (pace.isPatient) await untilIdle();
  const sums = new Map(sides.map(({ name }): [string, Sum] => [name, nothing()]));
  const foreign = foreignCpu(pids);
  for (let at = 0; at < pace.turns; at += 1) {
    for (const side of inTurn(sides, nth * pace.turns + at)) {
      await turn(stage, side, pace, pace.milliseconds, next, sums.get(side.name)!);
    }
  }
  const whole: Whole = new Map([...sums].map(([name, sum]) => [name, figuresOf(sum)]));
  return { whole, isDisturbed: foreign() > MOST_FOREIGN };
}

/** Times the sides beside each other. `others`: processes besides the server that are part of it. */
export async function time(
  stage: Stage,
  sides: readonly Side[],
  pace: Pace,
  others: readonly number[] = [],
): Promise<Timed[]> {
  const { server, client, backend } = stage;
  const next: Next = new Map();
  for (const side of sides) {
    client.load(side.name, side.wires);
    await turn(stage, side, pace, pace.warming, next, nothing());
  }
  const pids = [server.pid, client.pid, backend.pid, process.pid, ...others];
  const all: Awaited<ReturnType<typeof roundOf>>[] = [];
  const quiet = () => all.filter(({ isDisturbed }) => !isDisturbed);
  const most = pace.isPatient ? 2 * pace.rounds : pace.rounds;
  while (all.length < most && quiet().length < pace.rounds) {
    all.push(await roundOf(stage, sides, pace, all.length, next, pids));
  }
  const counted = quiet().length > pace.rounds / 2 ? quiet() : all;
  const disturbed = counted.filter(({ isDisturbed }) => isDisturbed).length;
  return sides.map(({ name, against }) => {
    const rounds = counted.map(({ whole }) => whole.get(name)!);
    const beside = (of: (one: Figures, other: Figures) => number): number =>
      median(counted.map(({ whole }) => of(whole.get(name)!, whole.get(against)!)));
    return {
      side: name,
      against,
      concurrent: pace.concurrent,
      figures: mediansOf(rounds),
      ratio: beside((one, other) => one.perSecond / other.perSecond),
      cpuRatio: beside((one, other) => other.cpu / one.cpu),
      added: { p50: beside((one, other) => one.p50 - other.p50), p95: beside((one, other) => one.p95 - other.p95) },
      rounds,
      disturbed,
    };
  });
}

function mediansOf(rounds: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number => median(rounds.map((round) => round[key]));
  const [perSecond, cpu, p50, p95, p99] = [of("perSecond"), of("cpu"), of("p50"), of("p95"), of("p99")];
  return { perSecond, cpu, p50, p95, p99, cores: of("cores") };
}
