/** `npm run bench:runs`: what running an integration flow costs, beside the same steps in plain code. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildOther, buildProduct, config, root, scratch } from "./build.ts";
import { Client } from "./load.ts";
import { machine } from "./machine.ts";
import { check } from "./runs/check.ts";
import { count, MOST_WRITTEN, type Counted } from "./runs/counts.ts";
import { chainFlow, ordersFlow, sides, type Measured, type Side } from "./runs/flows.ts";
import { chartsOf, countsTable, growthTable, overheadLines, stacked, timesTable } from "./runs/figures.ts";
import { productWith, staging } from "./runs/stage.ts";
import { Target } from "./runs/target.ts";
import { time, type Pace, type Timed } from "./runs/timing.ts";
import { memory } from "./serve.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    quick: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    "log-level": { type: "string", default: "info" },
  },
});

const { quick } = values;
const lengths = quick ? [5, 50] : [5, 10, 20, 50];
const atOnce = quick ? [1, 100] : [1, 10, 100, 1000];
const pace: Pace = {
  rounds: quick ? 2 : Number(values.rounds),
  milliseconds: quick ? 500 : 1500,
  turns: quick ? 1 : 5,
  concurrent: 16,
  warming: quick ? 300 : 1500,
  isPatient: !quick,
};
const growing: Pace = { ...pace, rounds: quick ? 1 : 3, milliseconds: quick ? 400 : 1000, turns: 1 };
const grown = ["product", "durable", "bare"] as const;
const results = quick ? join(scratch, "results") : fileURLToPath(new URL("results", import.meta.url));
const method = `plain workerd, direct socket, state in ${memory}; D1 and Durable Objects by Miniflare's simulators`;

const began = Date.now();
const say = (line: string): void =>
  console.log(`[${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s] ${line}`);
const title = (text: string): void => console.log(`\n${text}\n${"─".repeat(text.length)}`);

const commit = (): string => {
  try {
    const options = { cwd: root, encoding: "utf8", stdio: "pipe" } as const;
    return execFileSync("git", ["describe", "--always", "--dirty"], options).trim();
  } catch {
    return "unknown";
  }
};

say(`${machine()}; ${method}`);
const client = new Client();
const target = await Target.begin();
const orders = ordersFlow(target.url);
const chains = lengths.map((length) => chainFlow(target.url, length));
const product = productWith(buildProduct(), "product", values["log-level"]);
const tapped = productWith(buildOther("runs-tapped"), "product", "error");
const beside = { client, target };

/** Each part on a server of its own: the objects of all runs so far stay on disk. */
const timed = (flows: readonly Measured[], paces: readonly Pace[], which: readonly Side[]): Promise<Timed[]> =>
  staging(product, flows, beside, async (stage) => {
    const all: Timed[] = [];
    for (const flow of flows) {
      for (const one of paces) {
        say(`Timing ${flow.steps} steps, ${one.concurrent} at once, ${one.rounds} rounds …`);
        all.push(...(await time(stage, flow, which, one)));
      }
    }
    return all;
  });

say("Holding the plain code against the product …");
const faults = await staging(product, [orders, ...chains], beside, (stage) => check(stage, [orders, ...chains]));
for (const fault of faults) console.error(fault);
if (faults.length === 0) say("Both sides call the target alike, and their runs end alike.");

if (!values.check && faults.length === 0) {
  const counted: Counted[] = [];
  await staging(tapped, [orders, ...chains], beside, async (stage) => {
    say("Counting …");
    // The first run sets up what all others find.
    await count(stage, orders, 1, 3);
    for (const flow of [orders, ...chains]) counted.push(await count(stage, flow, 1, 5));
    for (const many of atOnce.filter((one) => one > 1)) counted.push(await count(stage, orders, many));
  });
  const compared = await timed([orders], [pace], sides);
  const bySteps = await timed(chains, [growing], grown);
  const more = atOnce.map((concurrent) => ({ ...growing, concurrent }));
  const byConcurrency = await timed([orders], more, grown);

  title("Counted, by run");
  console.log(countsTable(counted));
  title(`Five steps, ${pace.concurrent} runs at once, medians of ${pace.rounds} alternating rounds`);
  console.log(timesTable(compared));
  title("More steps, and more runs at once");
  console.log(growthTable(bySteps, byConcurrency));
  title("A step's overhead");
  console.log(overheadLines(compared, bySteps, byConcurrency).join("\n"));

  const made = {
    at: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    method,
    compatibilityDate: config.compatibility_date,
  };
  const options = { pace, growing, logLevel: values["log-level"] };
  mkdirSync(results, { recursive: true });
  const files = {
    "runs.json": JSON.stringify({ made, options, counted, compared, bySteps, byConcurrency }, null, 1),
    "runs.svg": stacked(chartsOf(counted, bySteps, byConcurrency)),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(results, name), text);
  title("Done");
  say(`Wrote ${Object.keys(files).join(", ")} to ${results}`);
  const over = counted.filter(({ d1 }) => d1.written > MOST_WRITTEN);
  if (over.length > 0) {
    console.log(`A run writes more than ${MOST_WRITTEN} rows of D1: ${over.map(({ flow }) => flow).join(", ")}.`);
    process.exitCode = 1;
  }
}
client.end();
target.end();
if (faults.length > 0) process.exitCode = 1;
