/** `npm run bench`: the product beside the bare Worker, its rows, its growth and its size, in one run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildOther, buildProduct, config, root, scratch } from "./build.ts";
import { check } from "./check.ts";
import { serving } from "./data.ts";
import { growingRequests, rowsChart, timeChart, type Timed } from "./growth.ts";
import { aligned, Client, compare, tableOf, time, type Compared, type Settings } from "./load.ts";
import { machine } from "./machine.ts";
import { svgOf } from "./plot.ts";
import { byOurSecret, byPublishedKey, routesOf, type Issuer } from "./requests.ts";
import { rowsAt, rowsTable, type Measured } from "./rows.ts";
import { memory, productObjects, productVars, type WorkerSource } from "./serve.ts";
import { measureSizes, sizesTable } from "./size.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,100000,1000000" },
    /** At which size the product is held against the bare Worker. */
    at: { type: "string", default: "100000" },
    rounds: { type: "string", default: "9" },
    quick: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    es256: { type: "boolean", default: false },
    "log-level": { type: "string", default: "info" },
  },
});

const quick = values.quick;
const sizes = quick ? [1000, 10_000] : values.sizes.split(",").map(Number);
const at = quick ? 10_000 : Number(values.at);
const settings: Settings = {
  rounds: quick ? 3 : Number(values.rounds),
  milliseconds: quick ? 1000 : 1500,
  connections: 16,
};
const results = quick ? join(scratch, "results") : fileURLToPath(new URL("results", import.meta.url));
const method = `plain workerd, direct socket, ${settings.connections} connections, state in ${memory}; D1, Durable Objects and Queues by Miniflare's simulators`;

const began = Date.now();
const say = (line: string): void =>
  console.log(`[${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s] ${line}`);
const title = (text: string): void => console.log(`\n${text}\n${"─".repeat(text.length)}`);

/** Product, bare Worker and tools in one process, on the same database. */
const workersFor = (issuer: Issuer): WorkerSource[] => [
  {
    name: "product",
    bundle: buildProduct(),
    objects: productObjects,
    vars: { ...productVars, ...issuer.vars, LOG_LEVEL: values["log-level"] },
  },
  { name: "bare", bundle: buildOther("worker"), objects: { OBJECT: "BareObject" } },
  { name: "tools", bundle: buildOther("tools"), objects: {} },
];

const compareAll = (client: Client, issuer: Issuer): Promise<Compared[]> =>
  serving(workersFor(issuer), { size: at, say }, async (server) => {
    const all: Compared[] = [];
    for (const route of routesOf(at)) {
      say(`Timing ${route.name}, ${settings.rounds} rounds each …`);
      all.push(await compare({ client, server, settings }, route, issuer));
    }
    return all;
  });

async function grow(client: Client, issuer: Issuer): Promise<Timed[]> {
  const timed: Timed[] = [];
  const few = { ...settings, rounds: 3 };
  for (const size of sizes) {
    say(`Timing reads among ${size.toLocaleString("en")} flows …`);
    await serving(workersFor(issuer), { size, say }, async (server) => {
      for (const { name, requests } of growingRequests(size)) {
        timed.push({ name, size, figures: await time({ client, server, settings: few }, requests, issuer) });
      }
    });
  }
  return timed;
}

function growthTable(timed: readonly Timed[]): string {
  const head = ["CPU µs per request (p50 ms)", ...sizes.map((size) => size.toLocaleString("en"))];
  const lines = [...Map.groupBy(timed, ({ name }) => name)].map(([name, group]) => [
    name,
    ...group.map(({ figures }) => `${Math.round(figures.cpu).toLocaleString("en")} (${figures.p50.toFixed(1)})`),
  ]);
  return aligned([head, ...lines]);
}

const commit = (): string => {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: root,
      encoding: "utf8",
      stdio: "pipe",
    }).trim();
  } catch {
    return "unknown";
  }
};

say(`${machine()}; ${method}`);
say("Holding the bare Worker's statements and the data set against the product …");
const faults = await check(say);
for (const fault of faults) console.error(fault);
if (!values.check) {
  const issuer = values.es256 ? await byPublishedKey() : byOurSecret();
  const client = new Client();
  const measured: Measured[] = [];
  say("Size and start-up …");
  const size = await measureSizes(quick ? 3 : 5, say);
  for (const flows of sizes) {
    say(`Rows at ${flows.toLocaleString("en")} flows …`);
    measured.push(...(await rowsAt(flows, say)));
  }
  const compared = await compareAll(client, issuer);
  const timed = await grow(client, issuer);
  client.end();
  issuer.close();

  title("Size and start-up");
  console.log(sizesTable(size));
  title("Rows and round trips");
  console.log(rowsTable(measured));
  title(`Beside the bare Worker, ${at.toLocaleString("en")} flows, medians of ${settings.rounds} alternating rounds`);
  console.log(tableOf(compared));
  title("Growth");
  console.log(growthTable(timed));

  const made = {
    at: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    method,
    compatibilityDate: config.compatibility_date,
  };
  const options = { sizes, at, settings, tokens: values.es256 ? "ES256" : "HS256", logLevel: values["log-level"] };
  mkdirSync(results, { recursive: true });
  const files = {
    "bench.json": JSON.stringify({ made, options, size, compared, measured, timed, faults }, null, 1),
    "rows.svg": svgOf(rowsChart(measured)),
    "time.svg": svgOf(timeChart(timed)),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(results, name), text);

  title("Done");
  say(`Wrote ${Object.keys(files).join(", ")} to ${results}`);
  const missed = compared.filter(({ ratio, goal }) => ratio < goal).map(({ route }) => route);
  if (missed.length > 0) {
    console.log(`Below the goal: ${missed.join(", ")}. Where the time goes: node bench/profile.ts "${missed[0]}"`);
  }
  if (measured.some(({ within }) => !within)) {
    console.log("Over a bound of rows: see the lines with ! above. One size alone: node bench/rows.ts --sizes 100000");
    process.exitCode = 1;
  }
}
if (faults.length > 0) process.exitCode = 1;
