import { connect, type Socket } from "node:net";

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One connection of HTTP/1.1, with one request under way at a time. */
export class Connection {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);
  #taken: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      const answer = answerIn(this.#held);
      if (answer === undefined) return;
      this.#held = Buffer.alloc(0);
      this.#taken?.resolve(answer);
    });
    socket.once("error", (error) => this.#taken?.reject(error));
    socket.once("close", () => this.#taken?.reject(new Error("The connection was closed.")));
  }

  static to(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
    });
  }

  /** `head` is method and path. */
  ask(head: string, body?: object, token?: string): Promise<Answer> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const lines = [
      `${head} HTTP/1.1`,
      "host: bench",
      ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
      ...(body === undefined ? [] : ["content-type: application/json", `content-length: ${Buffer.byteLength(text)}`]),
    ];
    return new Promise((resolve, reject) => {
      this.#taken = { resolve, reject };
      this.#socket.write(`${lines.join("\r\n")}\r\n\r\n${text}`);
    });
  }

  end(): void {
    this.#taken = undefined;
    this.#socket.end();
  }
}

/** The answer, once it is whole. */
function answerIn(held: Buffer): Answer | undefined {
  const end = held.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = held.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const rest = held.subarray(end + 4);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    return rest.length < Number(length) ? undefined : { status, body: rest.toString("utf8", 0, Number(length)) };
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, body: "" };
  return rest.subarray(-5).toString() === "0\r\n\r\n" ? { status, body: unchunked(rest) } : undefined;
}

function unchunked(rest: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.toString("latin1", at, end), 16);
    if (size === 0) return Buffer.concat(parts).toString();
    parts.push(rest.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
