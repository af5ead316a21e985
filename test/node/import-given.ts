import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { Portion } from "../../scripts/import/portions.ts";
import type { Target } from "../../scripts/import/sending.ts";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
export const idOf = (nth: number, kind = "6b0259e4"): string => kind + hex(nth, 16);
export const original = (nth: number, changed: Record<string, unknown> = {}) => ({
  _id: { $oid: idOf(nth) },
  name: `Flow ${nth}`,
  graph: { nodes: [{ id: "a", function: "f", componentId: { $oid: "5ca5c44c187c040010a9bb8b" } }], edges: [] },
  owners: [{ id: "acme", type: "tenant" }],
  status: "inactive",
  createdAt: { $date: "2024-01-02T03:04:05.678Z" },
  ...changed,
});
export const linesOf = (documents: readonly unknown[]): string =>
  documents.map((one) => `${JSON.stringify(one)}\n`).join("");
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, nth) => nth);

interface Received {
  readonly path: string;
  readonly texts: string[];
}

type Told = { readonly status: number; readonly body?: unknown } | "hang up";
const servers: Server[] = [];

export function closeStubs(): void {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
}

/** A service that answers each request as it is told, and takes down what it got. */
export async function stub(answer: (nth: number, received: Received) => Told | Promise<Told>) {
  const received: Received[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await take(request, received);
    const told = await answer(received.length, one);
    if (told === "hang up") {
      request.socket.destroy();
      return;
    }
    response.writeHead(told.status, { "content-type": "application/json" });
    response.end(JSON.stringify(told.body ?? { errors: [{ message: "So it is." }] }));
  };
  const server = createServer((request, response) => void respond(request, response));
  servers.push(server);
  await new Promise<void>((listen) => server.listen(0, "127.0.0.1", listen));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

async function take(request: IncomingMessage, received: Received[]): Promise<Received> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const one = { path: request.url ?? "", texts: text.split("\n").filter((line) => line !== "") };
  received.push(one);
  return one;
}

export const taken = ({ texts }: Received, refused: object[] = []) => ({
  status: 200,
  body: { data: { imported: texts.length, updated: 0, unchanged: 0, kept: 0, refused, refusedCount: refused.length } },
});
export const countsOf = (received: readonly Received[]) => received.map(({ texts }) => texts.length);

export const portion = (count: number): Portion => ({
  kind: "flows",
  texts: numbers(count).map((nth) => JSON.stringify(original(nth))),
  lines: numbers(count).map((nth) => 100 + nth),
  refused: [],
  documents: count,
  line: 100 + count,
});
export const targetAt = (url: string, said: string[] = []): Target => ({
  url: new URL(url),
  token: "t",
  isDry: false,
  signal: new AbortController().signal,
  say: (text) => void said.push(text),
});
