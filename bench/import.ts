/** `node bench/import.ts`: a whole database of flows into `wrangler dev` by `npm run import`, once more, and out again. */
import { spawn } from "node:child_process";
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { end, freePort, migrate, serve, untilReady, type Served } from "../scripts/stack.ts";
import { signToken } from "../scripts/token.ts";
import { lineOf } from "./import/documents.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "100000" },
    bad: { type: "string", default: "50" },
    /** Which orchestrators; with the embedded one active flows have to be made live. */
    orchestrators: { type: "string", default: "external,embedded" },
    /** Where the result goes. */
    out: { type: "string", default: fileURLToPath(new URL("results/import.json", import.meta.url)) },
  },
});
const [size, bad] = [Number(values.size), Number(values.bad)];
const secret = "the secret of a stack that only a bench knows";
const folder = mkdtempSync(join(tmpdir(), "flow-import-"));

/** Peak of the memory that a process held, in MiB. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Peaks of the processes of a stack, by name; those of one name together. */
function peaksOf(group: number): Record<string, number> {
  const peaks: Record<string, number> = {};
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, name = "", rest = ""] = /\((.*)\)\s(.*)/s.exec(stat) ?? [];
      if (Number(rest.split(" ")[2]) !== group || !/workerd|node/i.test(name)) continue;
      const kind = name.includes("workerd") ? "workerd" : "wrangler";
      peaks[kind] = Math.max(peaks[kind] ?? 0, Math.round(peakOf(Number(pid))));
    } catch {
      // It has ended meanwhile.
    }
  }
  return peaks;
}

interface Ran {
  readonly seconds: number;
  readonly peakMiB: number;
  readonly code: number;
  readonly said: string;
}

/** Runs the import as somebody would who types it. */
async function runImport(file: string, base: string, token: string): Promise<Ran> {
  const began = performance.now();
  const child = spawn(process.execPath, ["scripts/import.ts", file, "--url", base, "--token", token], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  let said = "";
  let peak = 0;
  const look = setInterval(() => (peak = Math.max(peak, peakOf(child.pid!))), 50);
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => process.stderr.write(text));
  const code = await new Promise<number>((resolve) => child.once("close", (ended) => resolve(ended ?? -1)));
  clearInterval(look);
  return { seconds: (performance.now() - began) / 1000, peakMiB: Math.round(peak), code, said };
}

const countIn = (said: string, name: string): number =>
  Number((new RegExp(`${name}\\s+([\\d,]+)`).exec(said)?.[1] ?? "-1").replaceAll(",", ""));

async function begin(orchestrator: string): Promise<{ served: Served; base: string }> {
  const vars = join(folder, "vars");
  const settings = { ENVIRONMENT: "development", IAM_JWT_SECRET: secret, CURSOR_SECRET: secret, LOG_LEVEL: "error" };
  writeFileSync(
    vars,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const state = join(folder, orchestrator);
  mkdirSync(state);
  const environment = orchestrator === "external" ? ["--env", "external"] : [];
  migrate("--persist-to", state, ...environment);
  const port = await freePort();
  const options = ["--persist-to", state, "--env-file", vars, "--inspector-port", String(await freePort())];
  const served = serve(port, [...options, "--log-level", "error", ...environment], "ignore");
  const base = `http://127.0.0.1:${port}`;
  await untilReady(base, served);
  return { served, base };
}

async function measure(orchestrator: string) {
  const file = join(folder, `${orchestrator}.ndjson`);
  // What the embedded orchestrator makes live has steps that it knows.
  const component = orchestrator === "embedded" ? "log" : undefined;
  await pipeline(
    Readable.from(
      (function* () {
        for (let index = 0; index < size; index += 1) yield `${lineOf(index, size, bad, component)}\n`;
      })(),
    ),
    createWriteStream(file),
  );
  const bytes = statSync(file).size;
  console.log(
    `${orchestrator}: ${size} documents, ${Math.round(bytes / size)} bytes each. Load ${loadavg()[0]!.toFixed(1)}.`,
  );
  const { served, base } = await begin(orchestrator);
  try {
    const token = await signToken(secret, { sub: "bench", permissions: ["all"] });
    const first = await runImport(file, base, token);
    console.log(first.said);
    const second = await runImport(file, base, token);
    console.log(second.said);
    const began = performance.now();
    const answer = await fetch(`${base}/flows/export`, { headers: { authorization: `Bearer ${token}` } });
    let [lines, exported] = [0, 0];
    for await (const chunk of answer.body!) {
      exported += chunk.length;
      for (const byte of chunk as Uint8Array) if (byte === 10) lines += 1;
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`Exported ${lines} flows, ${(exported / 1e6).toFixed(0)} MB, in ${seconds.toFixed(1)} s.`);
    if (lines !== size - bad || countIn(first.said, "imported") !== lines || countIn(first.said, "refused") !== bad) {
      throw new Error("Not every flow is there.");
    }
    const told = ({ seconds: took, peakMiB, code }: Ran) => ({
      seconds: round(took),
      flowsPerSecond: Math.round(size / took),
      peakMiB,
      code,
    });
    return {
      bytesPerDocument: Math.round(bytes / size),
      first: { ...told(first), imported: countIn(first.said, "imported"), refused: countIn(first.said, "refused") },
      second: { ...told(second), unchanged: countIn(second.said, "unchanged"), kept: countIn(second.said, "kept") },
      export: { seconds: round(seconds), flowsPerSecond: Math.round(lines / seconds), lines, bytes: exported },
      serverPeakMiB: peaksOf(served.process.pid!),
    };
  } finally {
    end(served);
    await served.ended;
  }
}

const round = (seconds: number): number => Math.round(seconds * 10) / 10;

try {
  const results: Record<string, unknown> = {};
  for (const orchestrator of values.orchestrators.split(",")) results[orchestrator] = await measure(orchestrator);
  const made = { at: new Date().toISOString(), machine: machine(), load: loadavg()[0], size, bad };
  const method = "wrangler dev with its state on disk, npm run import in a process of its own, on loopback";
  writeFileSync(values.out, `${JSON.stringify({ made: { ...made, method }, ...results }, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
