/** What a run costs, counted: statements and rows at D1, requests to objects, rows in the run's own database. */
import { untilSettled } from "../machine.ts";
import { order, pathOf, wireTo, type Measured } from "./flows.ts";
import { untilEnded, type Stage } from "./stage.ts";

export interface Counted {
  readonly flow: string;
  readonly steps: number;
  readonly concurrent: number;
  readonly runs: number;
  /** All by run. */
  readonly d1: { readonly trips: number; readonly read: number; readonly written: number };
  readonly requests: number;
  readonly object: {
    readonly statements: number;
    readonly commits: number;
    readonly read: number;
    readonly written: number;
    readonly alarms: number;
  };
  /** The sums of all runs as they were counted. */
  readonly whole: Told["counts"];
  /** The statements on the run's database that cost most, by run. */
  readonly statements: readonly (Told["statements"][string] & { readonly sql: string })[];
}

/** What the tapped product tells (`bench/bare/runs-counts.ts`). */
interface Told {
  readonly counts: Readonly<Record<string, number>>;
  readonly statements: Readonly<Record<string, { times: number; read: number; written: number }>>;
}

/** At most so many rows of D1 does a run write: its beginning and its end. */
export const MOST_WRITTEN = 2;

const MOST_TOLD = 20;

interface Trip {
  readonly sql: string;
  readonly rows?: string;
}

async function told<T>({ server }: Stage, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${server.ports["product"]}${path}`);
  return (await answer.json()) as T;
}

/** Begins so many runs at the same time, and counts until all have ended. */
export async function count(stage: Stage, flow: Measured, concurrent: number, runs = concurrent): Promise<Counted> {
  const { client, server } = stage;
  const path = pathOf("product", flow);
  await told(stage, "/__trips");
  await told(stage, "/__counts");
  const wires = Array.from({ length: runs }, (_, nth) => wireTo(path, order(nth)));
  client.load("counted", wires);
  const port = server.ports["product"]!;
  const job = { load: "counted", port, connections: concurrent, from: 0, once: true, milliseconds: 60_000 };
  const { statuses, times } = await client.run(job);
  if (times.length !== runs || (statuses["200"] ?? 0) + (statuses["202"] ?? 0) !== runs) {
    throw new Error(`The product answered ${JSON.stringify(statuses)} to ${runs} requests.`);
  }
  await untilEnded(server, "product", flow);
  await untilSettled(server.pid);
  const trips = await told<Trip[][]>(stage, "/__trips");
  const { counts: whole, statements } = await told<Told>(stage, "/__counts");
  const rows = trips.flat().map((sent) => /^(\d+) read, (\d+) written$/.exec(sent.rows ?? ""));
  const untold = rows.filter((one) => one === null).length;
  if (untold > 0) throw new Error(`D1 has not told the rows of ${untold} statements.`);
  const by = (sum: number): number => sum / runs;
  const rowsOf = (group: 1 | 2): number => by(rows.reduce((sum, one) => sum + Number(one![group]), 0));
  const requests = Object.entries(whole).filter(([name]) => name.startsWith("request "));
  return {
    flow: flow.name,
    steps: flow.steps,
    concurrent,
    runs,
    d1: { trips: by(trips.length), read: rowsOf(1), written: rowsOf(2) },
    requests: by(requests.reduce((sum, [, more]) => sum + more, 0)),
    object: {
      statements: by(whole["object statements"] ?? 0),
      commits: by(whole["object transactionSync"] ?? 0),
      read: by(whole["object rows read"] ?? 0),
      written: by(whole["object rows written"] ?? 0),
      alarms: by(whole["object setAlarm"] ?? 0),
    },
    whole,
    statements: Object.entries(statements)
      .map(([sql, { times: sent, read, written }]) => {
        const text = sql.trim().replaceAll(/\s+/g, " ").slice(0, 160);
        return { sql: text, times: by(sent), read: by(read), written: by(written) };
      })
      .toSorted((one, other) => other.read + other.written - one.read - one.written)
      .slice(0, MOST_TOLD),
  };
}
