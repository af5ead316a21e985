/**
 * The backend of the APIs: a process of its own that answers every request with the same JSON. It speaks just as much
 * HTTP/1.1 as the gateways do, on a plain socket, since Node's own server takes several times as long.
 */
import { fork, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** Bytes of the body of an answer. */
export const ANSWER_BYTES = 1024;

/** A request as the backend got it. */
export interface Taken {
  /** Method and path with its query. */
  readonly request: string;
  /** By name in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const padding = "x".repeat(ANSWER_BYTES - JSON.stringify({ id: "4711", note: "" }).length);
export const answerBody = JSON.stringify({ id: "4711", note: padding });
export const answerFields: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "cache-control": "private, max-age=0",
  server: "bench",
  "x-powered-by": "bench",
  "x-account": "12345678",
};
const fields = Object.entries({ ...answerFields, "content-length": String(ANSWER_BYTES) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${answerBody}`,
);

interface Framed {
  readonly head: string;
  readonly body: Buffer;
  /** Where the next request begins. */
  readonly end: number;
}

/** The first request of what came, once it is there in full. */
function framed(held: Buffer): Framed | undefined {
  const from = held.indexOf("\r\n\r\n") + 4;
  if (from < 4) return undefined;
  const head = held.toString("latin1", 0, from);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isChunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
  if (!isChunked) {
    const end = from + Number(length ?? 0);
    return held.length < end ? undefined : { head, body: held.subarray(from, end), end };
  }
  const last = held.indexOf("0\r\n\r\n", from);
  return last < 0 ? undefined : { head, body: held.subarray(from, last), end: last + 5 };
}

const takenFrom = ({ head, body }: Framed): Taken => {
  const [first = "", ...lines] = head.trimEnd().split("\r\n");
  const pairs = lines.map((line) => [line.split(":", 1)[0]!.toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
  const headers = Object.fromEntries(pairs) as Record<string, string>;
  return { request: first.replace(/ HTTP\/1\.1$/, ""), headers, body: body.toString() };
};

function serve(): void {
  let taken: Taken[] | undefined;
  const converse = (socket: Socket): void => {
    let held: Buffer | undefined;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      let rest = held === undefined ? chunk : Buffer.concat([held, chunk]);
      for (let one = framed(rest); one !== undefined; one = framed(rest)) {
        taken?.push(takenFrom(one));
        socket.write(answer);
        rest = rest.subarray(one.end);
      }
      held = rest.length === 0 ? undefined : rest;
    });
  };
  const server = createServer(converse);
  server.listen(0, "127.0.0.1", 4096, () => process.send?.((server.address() as AddressInfo).port));
  process.on("message", ({ keep }: { keep: boolean }) => {
    process.send?.(taken ?? []);
    taken = keep ? [] : undefined;
  });
  process.once("disconnect", () => process.exit());
}

export class Backend {
  readonly #child: ChildProcess;
  readonly port: number;
  readonly origin: string;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async begin(): Promise<Backend> {
    const child = fork(fileURLToPath(import.meta.url), ["serve"], { stdio: "inherit" });
    return new Backend(child, (await heard(child)) as number);
  }

  /** What came since it was last told to keep requests; whether it keeps them from now on. */
  async take(keep: boolean): Promise<readonly Taken[]> {
    const told = heard(this.#child);
    this.#child.send({ keep });
    return (await told) as Taken[];
  }

  get pid(): number {
    return this.#child.pid!;
  }

  end(): void {
    this.#child.disconnect();
  }
}

const heard = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const end = (): void => reject(new Error("The backend ended."));
    child.once("exit", end);
    child.once("message", (message) => {
      child.off("exit", end);
      resolve(message);
    });
  });

if (import.meta.main && process.argv[2] === "serve") serve();
