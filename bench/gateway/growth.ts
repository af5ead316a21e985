/** How a call's cost grows with the resources of an API and with the APIs there are, and what the first call costs. */
import { cpuOf, median, untilIdle } from "../machine.ts";
import type { WorkerSource } from "../serve.ts";
import { callHeaders, callsOf, pathIn, spread, standing, wireOf, type Stood } from "./apis.ts";
import type { Mix } from "./mixes.ts";
import { prepared, staging, type Stage } from "./stage.ts";
import { time, type Pace, type Side, type Timed } from "./timing.ts";

export interface Grown {
  readonly of: "resources" | "APIs";
  readonly size: number;
  /** How the calls are spread. */
  readonly calls: string;
  readonly timed: Timed;
}

export interface Cold {
  readonly apis: number;
  /** From the start of the process until it listens. */
  readonly listensMs: number;
  readonly firstMs: number;
  readonly secondMs: number;
  /** The first call of another API, once the process is awake. */
  readonly otherMs: number;
  /** CPU milliseconds of the process until the first answer is out. */
  readonly cpuMs: number;
}

export const resourceSizes = [10, 100, 1000];
export const apiSizes = [1, 10, 100, 1000];
const HOT = 100;
const CALLS = 10_000;

type Parts = Omit<Stage, "server">;

const sideOf = ({ server }: Stage, name: string, wires: readonly string[], status = 200): Side => {
  const port = server.ports[name === "bare" ? "bare" : "product"]!;
  return { name, port, pid: server.pid, wires, status, against: "bare" };
};

const bareSide = (stage: Stage, resources?: number): Side => sideOf(stage, "bare", callsOf("", resources));

const grownFrom = (timed: readonly Timed[], of: Grown["of"], sizeOf: (side: string) => number): Grown[] =>
  timed.map((one) => ({ of, size: sizeOf(one.side), calls: one.side, timed: one }));

/** Random resources of APIs that have more and more of them. */
export const growResources = (product: WorkerSource, mix: Mix, parts: Parts, pace: Pace): Promise<Grown[]> => {
  const stood = resourceSizes.map((size) => standing(mix, `/grown-${size}/v1`, size));
  return staging(product, stood, parts, async (stage) => {
    const sides = stood.map(({ base, resources }) =>
      sideOf(stage, `${resources} resources`, callsOf(`/gateway${base}`, resources, "GET", CALLS)),
    );
    const most = resourceSizes.at(-1)!;
    const timed = await time(stage, [...sides, bareSide(stage, most)], pace);
    return grownFrom(timed, "resources", (side) => (side === "bare" ? most : Number.parseInt(side, 10)));
  });
};

const many = (mix: Mix, size: number): Stood[] =>
  Array.from({ length: size }, (_, nth) => standing(mix, `/grown/team-${nth % 50}/api-${nth}`));

const callsAmong = (stood: readonly Stood[]): string[] =>
  spread(CALLS, stood.length).map((at, nth) => wireOf("GET", `/gateway${stood[at]!.base}${pathIn(nth % 10, nth)}`));

/** Random APIs among more and more of them; of the most also some that are called again and again, and none at all. */
export async function growApis(product: WorkerSource, mix: Mix, parts: Parts, pace: Pace): Promise<Grown[]> {
  const all: Grown[] = [];
  for (const size of apiSizes) {
    const stood = many(mix, size);
    await staging(product, stood, parts, async (stage) => {
      const sides = [sideOf(stage, "all of them", callsAmong(stood))];
      if (size > HOT) {
        sides.push(sideOf(stage, `${HOT} hot ones`, callsAmong(stood.slice(0, HOT))));
        const unknown = spread(CALLS, 50).map((team, nth) => `/gateway/grown/team-${team}/none-${nth}/things-1/1`);
        const wires = unknown.map((path) => wireOf("GET", path));
        sides.push(sideOf(stage, "unknown paths", wires, 404));
      }
      // Each by itself: calls of all would drive the hot ones out of the isolate's memory.
      for (const side of sides) {
        all.push(...grownFrom(await time(stage, [side, bareSide(stage)], pace), "APIs", () => size));
      }
    });
  }
  return all;
}

/** A process that has just been started, with so many APIs in its database. */
export async function cold(product: WorkerSource, mix: Mix, parts: Parts, apis: number, rounds: number): Promise<Cold> {
  const stood = many(mix, apis);
  const { start, remove } = await prepared(product, stood, parts.backend);
  const { host: _, ...headers } = callHeaders;
  const all: Cold[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilIdle();
    const began = performance.now();
    const server = await start();
    const listensMs = performance.now() - began;
    const call = async ({ base }: Stood): Promise<number> => {
      const since = performance.now();
      const url = `http://127.0.0.1:${server.ports["product"]}/gateway${base}${pathIn(1, round)}`;
      const answer = await fetch(url, { headers });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`The first call was answered ${answer.status}.`);
      return performance.now() - since;
    };
    const firstMs = await call(stood[0]!);
    const cpuMs = cpuOf(server.pid);
    const secondMs = await call(stood[0]!);
    const otherMs = await call(stood.at(-1)!);
    await server.end();
    all.push({ apis, listensMs, firstMs, secondMs, otherMs, cpuMs });
  }
  remove();
  const of = (key: keyof Cold): number => median(all.map((one) => one[key]));
  const [listensMs, firstMs, secondMs, otherMs] = [of("listensMs"), of("firstMs"), of("secondMs"), of("otherMs")];
  return { apis, listensMs, firstMs, secondMs, otherMs, cpuMs: of("cpuMs") };
}
