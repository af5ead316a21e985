/** What calls ask of the database and of objects, counted. */
import { pause } from "../machine.ts";
import { callsOf } from "./apis.ts";
import type { Mix } from "./mixes.ts";
import type { Stage } from "./stage.ts";

/** By call. */
export interface Counted {
  readonly mix: string;
  readonly calls: number;
  /** D1 round trips besides those by which the isolate keeps up to date. */
  readonly trips: number;
  readonly objectRequests: number;
  readonly isStateless: boolean;
}

/** How often an isolate reads what is new. */
export interface Renewals {
  readonly seconds: number;
  readonly calls: number;
  readonly trips: number;
  readonly afterIdle: {
    readonly idleMs: number;
    /** Round trips of the first call, and how long it and the next one took. */
    readonly trips: number;
    readonly firstMs: number;
    readonly secondMs: number;
  };
}

interface Sent {
  readonly sql: string;
}

async function told<T>({ server }: Stage, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${server.ports["product"]}${path}`);
  return (await answer.json()) as T;
}

const tripsOf = (stage: Stage): Promise<Sent[][]> => told(stage, "/__trips");
const isRenewal = (trip: readonly Sent[]): boolean => trip.some(({ sql }) => sql.includes("gateway_changes"));

const jobAt = ({ server }: Stage, load: string) => ({ load, port: server.ports["product"]!, from: 0 });

export async function count(stage: Stage, mix: Mix, base: string, calls: number): Promise<Counted> {
  const wires = callsOf(`/gateway${base}`, undefined, "GET", calls);
  stage.client.load(mix.name, wires);
  const job = { ...jobAt(stage, mix.name), once: true, milliseconds: 60_000 };
  // What is read for the first time stays.
  await stage.client.run({ ...job, connections: 1 });
  await tripsOf(stage);
  await told(stage, "/__counts");
  const { statuses } = await stage.client.run({ ...job, connections: 16 });
  if (statuses["200"] !== calls) throw new Error(`${mix.name} answered ${JSON.stringify(statuses)}.`);
  const trips = (await tripsOf(stage)).filter((trip) => !isRenewal(trip)).length;
  const { counts } = await told<{ counts: Record<string, number> }>(stage, "/__counts");
  const requests = Object.entries(counts).filter(([name]) => name.startsWith("request "));
  const objectRequests = requests.reduce((sum, [, times]) => sum + times, 0) / calls;
  return { mix: mix.name, calls, trips: trips / calls, objectRequests, isStateless: mix.isStateless };
}

/** Longer than what an isolate knows counts as fresh. */
const IDLE_MS = 5500;

export async function countRenewals(stage: Stage, base: string, seconds: number): Promise<Renewals> {
  const wires = callsOf(`/gateway${base}`);
  stage.client.load("renewals", wires);
  const job = { ...jobAt(stage, "renewals"), connections: 1 };
  const one = () => stage.client.run({ ...job, once: true, from: wires.length - 1, milliseconds: 60_000 });
  await one();
  await pause(IDLE_MS);
  await tripsOf(stage);
  const first = await one();
  const trips = (await tripsOf(stage)).length;
  const second = await one();
  await tripsOf(stage);
  const steady = await stage.client.run({ ...job, once: false, milliseconds: seconds * 1000 });
  const renewals = (await tripsOf(stage)).length;
  const afterIdle = { idleMs: IDLE_MS, trips, firstMs: first.times[0]!, secondMs: second.times[0]! };
  return { seconds, calls: steady.times.length, trips: renewals, afterIdle };
}
