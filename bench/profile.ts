/** Where the product's own time goes: `node bench/profile.ts ["GET by id"] [--size 10000] [--es256]`. */
import { readFileSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { buildProduct, scratch } from "./build.ts";
import { serving } from "./data.ts";
import { median } from "./machine.ts";
import { aligned, Client, wiresOf } from "./load.ts";
import { byOurSecret, byPublishedKey, routesOf, type Route } from "./requests.ts";
import { productObjects, productVars, type Server } from "./serve.ts";

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}
export interface Profile {
  readonly nodes: { readonly id: number; readonly callFrame: CallFrame; readonly children?: number[] }[];
  readonly samples: number[];
  readonly timeDeltas: number[];
}

const SAMPLE_US = 100;
const TOP = 25;

/** Speaks to the inspector of one Worker of a server. */
export async function inspect(server: Server, worker: string) {
  const base = `127.0.0.1:${server.ports["inspector"]}`;
  const targets = (await (await fetch(`http://${base}/json`)).json()) as { webSocketDebuggerUrl: string; id: string }[];
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith(`core:user:${worker}`));
  if (target === undefined) throw new Error(`The inspector knows no ${worker}: ${JSON.stringify(targets)}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  let last = 0;
  const send = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise((resolve) => {
      waiting.set((last += 1), resolve as (result: unknown) => void);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  return { send, close: () => socket.close() };
}

/**
 * Microseconds that each node of the call tree has used itself. A sample stands for the usual distance: the time to the
 * next one may have been that of another isolate, such as the database's.
 */
export function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<CallFrame, number> {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const distance = median(timeDeltas);
  const times = new Map<CallFrame, number>();
  for (const id of samples) {
    const frame = byId.get(id)!;
    times.set(frame, (times.get(frame) ?? 0) + distance);
  }
  return times;
}

/** The file and line that somebody wrote. */
function placesOf(map: SourceMap) {
  return ({ url, lineNumber, columnNumber, functionName }: CallFrame): { file: string; line: number } => {
    if (functionName.startsWith("(")) return { file: functionName, line: 0 };
    if (!/index\.js|script-\d+/.test(url)) return { file: url || "native", line: 0 };
    const entry = map.findEntry(lineNumber, columnNumber);
    if (!("originalSource" in entry)) return { file: "bundle", line: lineNumber + 1 };
    const [, inPackage] = /^.*node_modules\/(.*)$/.exec(entry.originalSource) ?? [];
    // Drizzle's own maps leave out the name of the package.
    const file = inPackage?.replace(/^src\//, "drizzle-orm/") ?? entry.originalSource.replace(/^.*?(?=src\/)/, "");
    return { file, line: entry.originalLine + 1 };
  };
}

/** A room of the product, or a package. */
const roomOf = (file: string): string => /^(?:src\/[^/]+(?=\/)|@[^/]+\/[^/]+|[^/]+)/.exec(file)?.[0] ?? file;

function summed(times: Iterable<[string, number]>, requests: number): string[][] {
  const sums = new Map<string, number>();
  for (const [key, time] of times) sums.set(key, (sums.get(key) ?? 0) + time);
  const sorted = [...sums].toSorted(([, one], [, other]) => other - one);
  const all = sorted.filter(([key]) => !key.startsWith("(idle)")).reduce((sum, [, time]) => sum + time, 0);
  const kept = sorted.filter(([key]) => !key.startsWith("(idle)")).slice(0, TOP);
  return kept.map(([key, time]) => [key, (time / requests).toFixed(1), `${((time * 100) / all).toFixed(1)} %`]);
}

/** Profiles one route and prints what it found. */
async function profileRoute(server: Server, client: Client, { name, once }: Route, wires: string[], map: SourceMap) {
  client.load("product", wires);
  const job = { load: "product", port: server.ports["product"]!, connections: 16, once, milliseconds: 5000 };
  const warmed = await client.run({ ...job, from: 0, milliseconds: 2000 });
  const inspector = await inspect(server, "product");
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: SAMPLE_US });
  await inspector.send("Profiler.start");
  const { times: answers } = await client.run({ ...job, from: once ? warmed.next : 0 });
  const answered = answers.length;
  const { profile } = await inspector.send<{ profile: Profile }>("Profiler.stop");
  inspector.close();
  const file = join(scratch, `${name.replaceAll(" ", "-")}.cpuprofile`);
  writeFileSync(file, JSON.stringify(profile));
  const placeOf = placesOf(map);
  const times = [...selfTimes(profile)].map(([frame, time]) => ({ frame, time, ...placeOf(frame) }));
  const functions = times.map(({ frame, time, file: source, line }): [string, number] => [
    `${frame.functionName || "(anonymous)"}  ${source}${line > 0 ? `:${line}` : ""}`,
    time,
  ]);
  const rooms = times.map(({ file: source, time }): [string, number] => [roomOf(source), time]);
  console.log(`\n${name}: ${answered} requests; self time of the product's own isolate, µs per request\n`);
  console.log(aligned([["by source", "µs", "share"], ...summed(rooms, answered)]));
  console.log(`\n${aligned([["by function", "µs", "share"], ...summed(functions, answered)])}`);
  console.log(`\n${file} opens in the performance tab of a browser's developer tools.`);
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: "string", default: "10000" },
      es256: { type: "boolean", default: false },
      "log-level": { type: "string", default: "info" },
    },
  });
  const size = Number(values.size);
  const issuer = values.es256 ? await byPublishedKey() : byOurSecret();
  const bundle = buildProduct({ minify: false });
  const vars = { ...productVars, ...issuer.vars, LOG_LEVEL: values["log-level"] };
  const product = { name: "product", bundle, objects: productObjects, vars };
  const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, "utf8")));
  const client = new Client();
  await serving([product], { size, inspector: true, say: console.log }, async (server) => {
    for (const route of routesOf(size)) {
      if (positionals.length > 0 && !positionals.includes(route.name)) continue;
      await profileRoute(server, client, route, await wiresOf(route.requests, issuer), map);
    }
  });
  client.end();
  issuer.close();
}
