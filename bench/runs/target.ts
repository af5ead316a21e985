/** The system that the flows call: a process of its own that stores nothing and answers at once. */
import { fork, type ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

/** A request as the target got it. */
export interface Taken {
  readonly request: string;
  readonly type: string | undefined;
  readonly body: string;
}

/** `keep`: whether requests are kept from now on. The answer tells those that were kept before. */
interface Ask {
  readonly keep: boolean;
}
interface Told {
  readonly count: number;
  readonly taken: readonly Taken[];
}

function serve(): void {
  let [count, keep] = [0, false];
  let taken: Taken[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      count += 1;
      const { id, order } = JSON.parse(text) as { id?: string; order?: string };
      if (keep) {
        const type = request.headers["content-type"];
        taken.push({ request: `${request.method} ${request.url}`, type, body: text });
      }
      const answer = JSON.stringify({ stored: order ?? id });
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(answer) };
      response.writeHead(201, headers).end(answer);
    });
  });
  // Otherwise a connection may be closed while a request is on its way.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1", 4096, () => process.send?.((server.address() as AddressInfo).port));
  process.on("message", (ask: Ask) => {
    process.send?.({ count, taken } satisfies Told);
    ({ keep } = ask);
    [count, taken] = [0, []];
  });
  process.once("disconnect", () => process.exit());
}

export class Target {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}/orders`;
  }

  static async begin(): Promise<Target> {
    const child = fork(fileURLToPath(import.meta.url), ["serve"], { stdio: "inherit" });
    return new Target(child, (await heard(child)) as number);
  }

  /** What came since the last time; from now on whole requests are kept, or only counted. */
  async take(keep = false): Promise<Told> {
    const told = heard(this.#child);
    this.#child.send({ keep } satisfies Ask);
    return (await told) as Told;
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
    const end = (): void => reject(new Error("The target ended."));
    child.once("exit", end);
    child.once("message", (message) => {
      child.off("exit", end);
      resolve(message);
    });
  });

if (import.meta.main && process.argv[2] === "serve") serve();
