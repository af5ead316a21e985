/** How long runs take until they have ended, side by side. */
import { cpuOf, foreignCpu, median, untilIdle, untilSettled } from "../machine.ts";
import { order, pathOf, wireTo, workerOf, type Measured, type Side } from "./flows.ts";
import { untilEnded, type Stage } from "./stage.ts";

export interface Pace {
  readonly rounds: number;
  /** How long each side gets runs to begin in a round, shared among its turns. */
  readonly milliseconds: number;
  /** How often in a round the sides take turns: what disturbs one disturbs the other. */
  readonly turns: number;
  /** Connections, each of which has one run under way at a time. */
  readonly concurrent: number;
  /** How long each side gets runs before anything is timed. */
  readonly warming: number;
  /** Whether to wait for a quiet machine, and to make a disturbed round again. */
  readonly isPatient: boolean;
}

export interface Round {
  /** Runs per second, until the last of them has ended and is listed so. */
  readonly perSecond: number;
  /** CPU microseconds of the server per run, what it does after the answer included. */
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  /** Runs whose sender was not told the end, since it took too long. */
  readonly late: number;
  readonly runs: number;
}

export interface Timed {
  readonly flow: string;
  readonly steps: number;
  readonly concurrent: number;
  readonly side: Side;
  /** Medians of the rounds. */
  readonly figures: Round;
  /** Medians of the rounds' ratios: the product by this side. */
  readonly ratio: number;
  readonly cpuRatio: number;
  readonly rounds: readonly Round[];
  /** Rounds that others have disturbed, and that count all the same. */
  readonly disturbed: number;
}

const ORDERS = 500;
/** Part of the machine that others may use. */
const MOST_FOREIGN = 0.08;

interface Sum {
  cpu: number;
  milliseconds: number;
  late: number;
  readonly times: number[];
}

type Whole = Map<Side, Round>;

async function turn(stage: Stage, flow: Measured, side: Side, concurrent: number, milliseconds: number, sum: Sum) {
  const { client, server, target } = stage;
  const before = cpuOf(server.pid);
  await target.take();
  const began = performance.now();
  const port = server.ports[workerOf(side)]!;
  const job = { load: side, port, connections: concurrent, from: 0, once: false, milliseconds };
  const { statuses, times } = await client.run(job);
  await untilEnded(server, side, flow);
  const took = performance.now() - began;
  await untilSettled(server.pid);
  const [ended = 0, late = 0] = [statuses["200"], statuses["202"]];
  if (ended + late !== times.length) throw new Error(`${side} answered ${JSON.stringify(statuses)}.`);
  const { count } = await target.take();
  if (count !== times.length) throw new Error(`${side} called the target ${count} times in ${times.length} runs.`);
  sum.cpu += cpuOf(server.pid) - before;
  sum.milliseconds += took;
  sum.late += late;
  sum.times.push(...times);
}

function roundFrom({ cpu, milliseconds, late, times }: Sum): Round {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const runs = times.length;
  return { perSecond: (runs * 1000) / milliseconds, cpu: (cpu * 1000) / runs, p50: at(0.5), p99: at(0.99), late, runs };
}

const nothing = (): Sum => ({ cpu: 0, milliseconds: 0, late: 0, times: [] });

/** The sides take turns; each begins as often as the others. */
async function roundOf(stage: Stage, flow: Measured, sides: readonly Side[], pace: Pace, nth: number) {
  const { server, client, target } = stage;
  if (pace.isPatient) await untilIdle();
  const sums = new Map(sides.map((side): [Side, Sum] => [side, nothing()]));
  const foreign = foreignCpu([server.pid, client.pid, target.pid, process.pid]);
  for (let at = 0; at < pace.turns; at += 1) {
    for (const side of (at + nth) % 2 === 0 ? sides : sides.toReversed()) {
      await turn(stage, flow, side, pace.concurrent, pace.milliseconds / pace.turns, sums.get(side)!);
    }
  }
  const whole: Whole = new Map([...sums].map(([side, sum]) => [side, roundFrom(sum)]));
  return { whole, isDisturbed: foreign() > MOST_FOREIGN };
}

/** Runs of one flow by several sides. The first side is what the others are held against. */
export async function time(stage: Stage, flow: Measured, sides: readonly Side[], pace: Pace): Promise<Timed[]> {
  for (const side of sides) {
    const path = pathOf(side, flow);
    stage.client.load(
      side,
      Array.from({ length: ORDERS }, (_, nth) => wireTo(path, order(nth))),
    );
    await turn(stage, flow, side, Math.min(pace.concurrent, 16), pace.warming, nothing());
  }
  const all: Awaited<ReturnType<typeof roundOf>>[] = [];
  const quiet = () => all.filter(({ isDisturbed }) => !isDisturbed);
  const most = pace.isPatient ? 2 * pace.rounds : pace.rounds;
  while (all.length < most && quiet().length < pace.rounds) {
    all.push(await roundOf(stage, flow, sides, pace, all.length));
  }
  const counted = quiet().length > pace.rounds / 2 ? quiet() : all;
  const disturbed = counted.filter(({ isDisturbed }) => isDisturbed).length;
  return sides.map((side) => {
    const rounds = counted.map(({ whole }) => whole.get(side)!);
    const ratioBy = (ratio: (first: Round, other: Round) => number): number =>
      median(counted.map(({ whole }) => ratio(whole.get(sides[0]!)!, whole.get(side)!)));
    const ratio = ratioBy((first, other) => first.perSecond / other.perSecond);
    const cpuRatio = ratioBy((first, other) => other.cpu / first.cpu);
    const common = { flow: flow.name, steps: flow.steps, concurrent: pace.concurrent, side };
    return { ...common, figures: mediansOf(rounds), ratio, cpuRatio, rounds, disturbed };
  });
}

function mediansOf(rounds: readonly Round[]): Round {
  const of = (key: keyof Round): number => median(rounds.map((round) => round[key]));
  const [perSecond, cpu, p50, p99] = [of("perSecond"), of("cpu"), of("p50"), of("p99")];
  return { perSecond, cpu, p50, p99, late: of("late"), runs: of("runs") };
}
