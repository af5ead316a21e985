/**
 * A process of its own in which visitors walk through executions, all of them one step at a time: each connection takes
 * the next visitor when the one before has its answer.
 */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Connection } from "./connection.ts";
import { input, NAME, payloads, uris } from "./story.ts";

export const sides = ["product", "bare"] as const;
export type Side = (typeof sides)[number];

/** What all visitors do: begin, ask for the route, or submit what is due at the route with that number. */
export type Step = "start" | "read" | 0 | 1 | 2;
export const steps: readonly Step[] = ["start", "read", 0, 1, 2];

export interface Job {
  readonly side: Side;
  readonly step: Step;
  readonly port: number;
  readonly connections: number;
  /** How many visitors there are. */
  readonly visitors: number;
}

export interface Done {
  readonly milliseconds: number;
  /** How long each answer took, in milliseconds. */
  readonly times: readonly number[];
  /** Bytes of the first answer. */
  readonly bytes: number;
  readonly fault?: string;
}

interface Visitor {
  readonly uuid: string;
  readonly token: string;
  routeUuid: string;
}

const visitors = new Map<Side, Visitor[]>();

interface Wire {
  readonly head: string;
  readonly body?: object;
}

function wireOf({ side, step }: Job, visitor: Visitor | undefined): Wire {
  if (visitor === undefined) {
    return { head: `POST ${side === "product" ? `/api/executor/${NAME}` : "/start"}`, body: input };
  }
  const { uuid, routeUuid } = visitor;
  if (step === "read") return { head: `GET ${side === "product" ? `/api/execution/${uuid}` : `/read/${uuid}`}` };
  const nth = Number(step);
  const path = side === "product" ? `/api/execution/${uuid}` : `/submit/${uuid}/${nth + 1}`;
  return { head: `POST ${path}`, body: { uuid: routeUuid, payload: payloads[nth] } };
}

/** What a visitor must see behind a step. */
function demand({ side, step }: Job, status: number, body: string): Record<string, unknown> {
  const at = step === "start" ? undefined : uris[step === "read" ? 0 : step + 1];
  const answer = status < 300 ? (JSON.parse(body) as Record<string, unknown>) : {};
  const isRight = step === "start" ? status === 201 : status === 200 && answer["uri"] === at;
  if (!isRight) throw new Error(`${side} answered ${status} ${body.slice(0, 200)} to ${step}.`);
  return answer;
}

async function walk(job: Job): Promise<Done> {
  const { side, step, port, connections } = job;
  const all = step === "start" ? [] : visitors.get(side)!;
  visitors.set(side, all);
  const times: number[] = [];
  let [next, bytes] = [0, 0];
  const one = async (connection: Connection): Promise<void> => {
    while (next < job.visitors) {
      const visitor = step === "start" ? undefined : all[next]!;
      next += 1;
      const { head, body } = wireOf(job, visitor);
      const since = performance.now();
      const answer = await connection.ask(head, body, visitor?.token);
      times.push(performance.now() - since);
      const told = demand(job, answer.status, answer.body);
      bytes ||= Buffer.byteLength(answer.body);
      if (visitor !== undefined) visitor.routeUuid = String(told["uuid"]);
      else all.push({ uuid: String(told["uuid"]), token: String(told["token"]), routeUuid: "" });
    }
  };
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.to(port)));
  const began = performance.now();
  try {
    await Promise.all(open.map(one));
    return { milliseconds: performance.now() - began, times, bytes };
  } finally {
    for (const connection of open) connection.end();
  }
}

async function respond(job: Job): Promise<void> {
  try {
    process.send?.(await walk(job));
  } catch (error) {
    process.send?.({ milliseconds: 0, times: [], bytes: 0, fault: String(error) } satisfies Done);
  }
}

function serve(): void {
  process.on("message", (job: Job) => {
    void respond(job);
  });
  process.once("disconnect", () => process.exit());
}

export class Visitors {
  readonly #child: ChildProcess = fork(fileURLToPath(import.meta.url), ["serve"], { stdio: "inherit" });

  go(job: Job): Promise<Done> {
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Error("The visitors' process ended."));
      this.#child.once("exit", end);
      this.#child.once("message", (done: Done) => {
        this.#child.off("exit", end);
        if (done.fault === undefined) resolve(done);
        else reject(new Error(done.fault.replace(/^Error: /, "")));
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

if (import.meta.main && process.argv[2] === "serve") serve();
