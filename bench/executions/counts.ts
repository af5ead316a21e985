/** What an execution costs, counted: requests to its object, rows there, statements and rows at D1, calls of R2. */
import { untilSettled } from "../machine.ts";
import { untilListed, type Stage } from "./stage.ts";
import { steps } from "./visitors.ts";

/** All by execution: start, first look, three submits, end. */
export interface Counted {
  readonly executions: number;
  readonly concurrent: number;
  readonly requests: number;
  readonly object: {
    readonly statements: number;
    readonly commits: number;
    readonly read: number;
    readonly written: number;
    readonly alarms: number;
  };
  readonly d1: { readonly trips: number; readonly writes: number; readonly read: number; readonly written: number };
  readonly r2: number;
  /** The sums of all executions as they were counted. */
  readonly whole: Told["counts"];
  /** The statements on the object's database, by execution. */
  readonly statements: readonly (Told["statements"][string] & { readonly sql: string })[];
  /** The statements at D1 and what each came to, by execution. */
  readonly atD1: readonly { readonly sql: string; readonly times: number; read: number; written: number }[];
}

/** What the tapped product tells (`bench/bare/runs-counts.ts`). */
interface Told {
  readonly counts: Readonly<Record<string, number>>;
  readonly statements: Readonly<Record<string, { times: number; read: number; written: number }>>;
}

/** At most so often does an execution write to D1: when it begins and when it ends. */
export const MOST_WRITES = 2;

interface Sent {
  readonly sql: string;
  readonly rows?: string;
}

async function told<T>({ server }: Stage, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${server.ports["product"]}${path}`);
  return (await answer.json()) as T;
}

const short = (sql: string): string => sql.trim().replaceAll(/\s+/g, " ").slice(0, 160);

/** Has so many visitors walk through executions of their own, and counts until all have ended. */
export async function count(stage: Stage, executions: number, concurrent: number): Promise<Counted> {
  const { server, visitors } = stage;
  await told(stage, "/__trips");
  await told(stage, "/__counts");
  const job = {
    side: "product",
    port: server.ports["product"]!,
    connections: concurrent,
    visitors: executions,
  } as const;
  for (const step of steps) await visitors.go({ ...job, step });
  await untilListed(server);
  await untilSettled(server.pid);
  const trips = await told<Sent[][]>(stage, "/__trips");
  const { counts: whole, statements } = await told<Told>(stage, "/__counts");
  const by = (sum: number): number => sum / executions;
  const sumOf = (start: string): number =>
    by(Object.entries(whole).reduce((sum, [name, more]) => sum + (name.startsWith(start) ? more : 0), 0));
  const atD1 = [...Map.groupBy(trips.flat(), ({ sql }) => sql)].map(([sql, sent]) => {
    const rows = sent.map(rowsOf);
    const sum = (key: "read" | "written"): number => by(rows.reduce((all, one) => all + one[key], 0));
    return { sql: short(sql), times: by(sent.length), read: sum("read"), written: sum("written") };
  });
  const all = trips.flat().map(rowsOf);
  return {
    executions,
    concurrent,
    requests: sumOf("request "),
    object: {
      statements: sumOf("object statements"),
      commits: sumOf("object transactionSync"),
      read: sumOf("object rows read"),
      written: sumOf("object rows written"),
      alarms: sumOf("object setAlarm"),
    },
    d1: {
      trips: by(trips.length),
      writes: by(all.filter(({ written }) => written > 0).length),
      read: by(all.reduce((sum, { read }) => sum + read, 0)),
      written: by(all.reduce((sum, { written }) => sum + written, 0)),
    },
    r2: sumOf("r2 "),
    whole,
    statements: Object.entries(statements)
      .map(([sql, { times, read, written }]) => {
        return { sql: short(sql), times: by(times), read: by(read), written: by(written) };
      })
      .toSorted((one, other) => other.times - one.times),
    atD1,
  };
}

function rowsOf({ sql, rows }: Sent): { read: number; written: number } {
  const found = /^(\d+) read, (\d+) written$/.exec(rows ?? "");
  if (found === null) throw new Error(`D1 has not told the rows of ${short(sql)}.`);
  return { read: Number(found[1]), written: Number(found[2]) };
}
