/** A process of its own that sends requests over raw connections, one at a time on each, and counts what comes back. */
import { connect, type Socket } from "node:net";

/** Requests as bytes of HTTP/1.1, kept under a name for the jobs that follow. */
export interface Load {
  readonly name: string;
  readonly requests: readonly string[];
}

export interface Job {
  readonly load: string;
  readonly port: number;
  readonly connections: number;
  /** Which request is the first. */
  readonly from: number;
  /** Ends when the requests are used up; otherwise they are sent again and again. */
  readonly once: boolean;
  readonly milliseconds: number;
}

export interface Done {
  readonly milliseconds: number;
  /** How long each answer took, in milliseconds. */
  readonly times: readonly number[];
  /** How often each status came. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Which request comes next. */
  readonly next: number;
  readonly fault?: string;
}

const loads = new Map<string, Buffer[]>();

process.on("message", (message: Load | Job) => {
  if ("load" in message) void respond(message);
  else {
    loads.set(
      message.name,
      message.requests.map((request) => Buffer.from(request)),
    );
  }
});
process.once("disconnect", () => process.exit());

async function respond(job: Job): Promise<void> {
  process.send?.(await run(job));
}

async function run(job: Job): Promise<Done> {
  const requests = loads.get(job.load) ?? [];
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  let next = job.from;
  const began = performance.now();
  const until = began + job.milliseconds;
  const take = (): Buffer | undefined => {
    if (performance.now() >= until || (job.once && next >= requests.length)) return undefined;
    return requests[next++ % requests.length];
  };
  const note = (status: string, since: number): void => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    times.push(performance.now() - since);
  };
  let fault: string | undefined;
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      try {
        await converse(job.port, take, note);
      } catch (error) {
        fault = String(error);
      }
    }),
  );
  const done = { milliseconds: performance.now() - began, times, statuses, next };
  return fault === undefined ? done : { ...done, fault };
}

/** Sends what `take` gives on one connection, each after the answer to the one before. */
function converse(port: number, take: () => Buffer | undefined, note: (status: string, since: number) => void) {
  return new Promise<void>((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let since = 0;
    let held: Buffer | undefined;
    const send = (): void => {
      const request = take();
      if (request === undefined) return void socket.end();
      since = performance.now();
      socket.write(request);
    };
    socket.once("connect", send);
    socket.once("error", reject);
    socket.once("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      held = held === undefined ? chunk : Buffer.concat([held, chunk]);
      if (!isWhole(held)) return;
      note(held.toString("latin1", 9, 12), since);
      held = undefined;
      send();
    });
  });
}

function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = answer.toString("latin1", 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return answer.length >= end + 4 + Number(length);
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? answer.subarray(-5).toString() === "0\r\n\r\n" : true;
}
