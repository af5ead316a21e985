/** How long each step of an execution takes, beside an object that only stores and returns a document. */
import { cpuOf, foreignCpu, median, untilIdle, untilSettled } from "../machine.ts";
import { untilListed, type Stage } from "./stage.ts";
import { sides, steps, type Side, type Step } from "./visitors.ts";

export interface Pace {
  readonly rounds: number;
  /** Visitors of each side in a round, and how many of them ask at a time. */
  readonly visitors: number;
  readonly concurrent: number;
  /** Whether to wait for a quiet machine, and to make a disturbed round again. */
  readonly isPatient: boolean;
}

export const kinds = ["start", "read", "submit", "last submit"] as const;
export type Kind = (typeof kinds)[number];
const kindOf = (step: Step): Kind => {
  if (typeof step === "string") return step;
  return step === 2 ? "last submit" : "submit";
};

export interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU microseconds of the server, what it does after the answer included. */
  readonly cpu: number;
}

export interface Timed {
  readonly kind: Kind;
  readonly concurrent: number;
  /** Medians of the rounds. */
  readonly product: Figures;
  readonly bare: Figures;
  /** Medians of the rounds' ratios: what the product does in a second as a part of what the bare object does. */
  readonly ratio: number;
  readonly cpuRatio: number;
  readonly rounds: readonly Readonly<Record<Side, Figures>>[];
  /** Rounds that others have disturbed, and that count all the same. */
  readonly disturbed: number;
}

interface Sum {
  milliseconds: number;
  cpu: number;
  readonly times: number[];
}
type Whole = ReadonlyMap<Side, ReadonlyMap<Kind, Figures>>;

/** Part of the machine that others may use. */
const MOST_FOREIGN = 0.08;

const figuresOf = ({ milliseconds, cpu, times }: Sum): Figures => {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return {
    perSecond: (times.length * 1000) / milliseconds,
    p50: at(0.5),
    p99: at(0.99),
    cpu: (cpu * 1000) / times.length,
  };
};

/** All visitors of a side go through their executions together, step by step. */
async function walked({ server, visitors }: Stage, side: Side, pace: Pace): Promise<Map<Kind, Figures>> {
  const sums = new Map(kinds.map((kind): [Kind, Sum] => [kind, { milliseconds: 0, cpu: 0, times: [] }]));
  const port = server.ports[side]!;
  for (const step of steps) {
    const before = cpuOf(server.pid);
    const job = { side, step, port, connections: pace.concurrent, visitors: pace.visitors };
    const done = await visitors.go(job);
    await untilSettled(server.pid);
    const sum = sums.get(kindOf(step))!;
    sum.milliseconds += done.milliseconds;
    sum.cpu += cpuOf(server.pid) - before;
    sum.times.push(...done.times);
  }
  if (side === "product") await untilListed(server);
  return new Map([...sums].map(([kind, sum]) => [kind, figuresOf(sum)]));
}

/** The sides take turns; each begins as often as the other. */
async function roundOf(stage: Stage, pace: Pace, nth: number) {
  if (pace.isPatient) await untilIdle();
  const foreign = foreignCpu([stage.server.pid, stage.visitors.pid, process.pid]);
  const whole = new Map<Side, Map<Kind, Figures>>();
  for (const side of nth % 2 === 0 ? sides : sides.toReversed()) whole.set(side, await walked(stage, side, pace));
  return { whole: whole satisfies Whole, isDisturbed: foreign() > MOST_FOREIGN };
}

export async function time(stage: Stage, pace: Pace): Promise<Timed[]> {
  for (const side of sides) await walked(stage, side, pace);
  const all: Awaited<ReturnType<typeof roundOf>>[] = [];
  const quiet = () => all.filter(({ isDisturbed }) => !isDisturbed);
  const most = pace.isPatient ? 2 * pace.rounds : pace.rounds;
  while (all.length < most && quiet().length < pace.rounds) all.push(await roundOf(stage, pace, all.length));
  const counted = quiet().length > pace.rounds / 2 ? quiet() : all;
  const disturbed = counted.filter(({ isDisturbed }) => isDisturbed).length;
  return kinds.map((kind) => {
    const rounds = counted.map(({ whole }) => {
      return { product: whole.get("product")!.get(kind)!, bare: whole.get("bare")!.get(kind)! };
    });
    return {
      kind,
      concurrent: pace.concurrent,
      product: mediansOf(rounds.map(({ product }) => product)),
      bare: mediansOf(rounds.map(({ bare }) => bare)),
      ratio: median(rounds.map(({ product, bare }) => product.perSecond / bare.perSecond)),
      cpuRatio: median(rounds.map(({ product, bare }) => bare.cpu / product.cpu)),
      rounds,
      disturbed,
    };
  });
}

function mediansOf(rounds: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number => median(rounds.map((round) => round[key]));
  return { perSecond: of("perSecond"), p50: of("p50"), p99: of("p99"), cpu: of("cpu") };
}
