/** What is loaded before the first answer, and how long that takes: `node bench/size.ts`. */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { buildOther, buildProduct, config, root, scratch, wrangler } from "./build.ts";
import { prepareOn } from "./data.ts";
import { aligned } from "./load.ts";
import { cpuOf, median, untilIdle } from "./machine.ts";
import type { Profile } from "./profile.ts";
import { byOurSecret, headersOf, routesOf } from "./requests.ts";
import { productObjects, productVars, removeFolder } from "./serve.ts";

const SIZE = 1000;

export interface Cold {
  /** From the start of the process until it listens. */
  readonly listensMs: number;
  readonly firstRequestMs: number;
  readonly secondRequestMs: number;
  /** CPU milliseconds of the process until the first answer is out. */
  readonly cpuMs: number;
}

export interface Sizes {
  readonly scriptBytes: number;
  readonly gzipBytes: number;
  /** Files that are served beside the script, such as those of the docs page. */
  readonly assetBytes: number;
  /** CPU that the script takes before it can answer anything, by `wrangler check startup`. */
  readonly startupCpuMs: number;
  /** Of a process with the Worker, and of one whose Worker only asks D1. */
  readonly cold: { readonly product: Cold; readonly least: Cold };
}

function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function startupCpu(): number {
  const file = join(scratch, "startup.cpuprofile");
  rmSync(file, { force: true });
  wrangler("check", "startup", "--args=--env=", "--outfile", file);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id));
  // A delta is the time before its sample; the profiler itself begins in the first.
  return samples.reduce((sum, id, nth) => (nth === 0 || idle.has(id) ? sum : sum + timeDeltas[nth]!), 0) / 1000;
}

async function cold(side: "product" | "tools", rounds: number, say: (line: string) => void): Promise<Cold> {
  const issuer = byOurSecret();
  const source =
    side === "product"
      ? { bundle: buildProduct(), objects: productObjects, vars: { ...productVars, ...issuer.vars } }
      : { bundle: buildOther("tools"), objects: {} };
  const { folder, start } = await prepareOn([{ name: side, ...source }], { size: SIZE, say });
  const request = routesOf(SIZE)[0]!.requests[0]!;
  const headers = headersOf(request, await issuer.tokenOf(request.caller));
  const all: Cold[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilIdle();
    const began = performance.now();
    const server = await start();
    const listens = performance.now();
    const ask = async () => (await fetch(`http://127.0.0.1:${server.ports[side]}${request.path}`, { headers })).text();
    await ask();
    const first = performance.now();
    const cpuMs = cpuOf(server.pid);
    await ask();
    const second = performance.now();
    await server.end();
    all.push({ listensMs: listens - began, firstRequestMs: first - listens, secondRequestMs: second - first, cpuMs });
  }
  removeFolder(folder);
  const of = (key: keyof Cold): number => median(all.map((one) => one[key]));
  return {
    listensMs: of("listensMs"),
    firstRequestMs: of("firstRequestMs"),
    secondRequestMs: of("secondRequestMs"),
    cpuMs: of("cpuMs"),
  };
}

export async function measureSizes(rounds: number, say: (line: string) => void): Promise<Sizes> {
  const script = readFileSync(buildProduct());
  const assets = config.assets?.directory;
  const startups: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilIdle();
    startups.push(startupCpu());
  }
  return {
    scriptBytes: script.byteLength,
    gzipBytes: gzipSync(script).byteLength,
    assetBytes: assets === undefined ? 0 : bytesBelow(join(root, assets)),
    startupCpuMs: median(startups),
    cold: { product: await cold("product", rounds, say), least: await cold("tools", rounds, say) },
  };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
const ms = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`;

export function sizesTable({
  scriptBytes,
  gzipBytes,
  assetBytes,
  startupCpuMs,
  cold: { product, least },
}: Sizes): string {
  return `${aligned([
    ["script", kib(scriptBytes)],
    ["script, gzip", kib(gzipBytes)],
    ["assets beside it", kib(assetBytes)],
    ["start-up CPU", ms(startupCpuMs)],
  ])}

${aligned([
  ["cold", "product", "only D1"],
  ["process listens after", ms(product.listensMs), ms(least.listensMs)],
  ["first request", ms(product.firstRequestMs), ms(least.firstRequestMs)],
  ["second", ms(product.secondRequestMs), ms(least.secondRequestMs)],
  ["CPU until the first answer", ms(product.cpuMs), ms(least.cpuMs)],
])}`;
}

if (import.meta.main) console.log(sizesTable(await measureSizes(5, console.log)));
