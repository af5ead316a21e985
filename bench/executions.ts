/** `npm run bench:executions`: what an execution of a workflow costs, beside an object that only keeps a document. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildOther, buildProduct, config, root, scratch } from "./build.ts";
import { count, MOST_WRITES, type Counted } from "./executions/counts.ts";
import { countsTable, statementsTable, timesTable } from "./executions/figures.ts";
import { productWith, staging } from "./executions/stage.ts";
import { time, type Pace, type Timed } from "./executions/timing.ts";
import { sides, steps, Visitors } from "./executions/visitors.ts";
import { documents } from "./executions/workflow.ts";
import { machine } from "./machine.ts";
import { memory } from "./serve.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    quick: { type: "boolean", default: false },
    "log-level": { type: "string", default: "info" },
  },
});

const { quick } = values;
const rounds = quick ? 3 : Number(values.rounds);
const together: Pace = { rounds, visitors: quick ? 96 : 320, concurrent: 16, isPatient: !quick };
const alone: Pace = { ...together, visitors: quick ? 30 : 80, concurrent: 1 };
const results = quick ? join(scratch, "results") : fileURLToPath(new URL("results", import.meta.url));
const method = `plain workerd, direct socket, state in ${memory}; D1, R2 and Durable Objects by Miniflare's simulators`;

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

const load = loadavg()[0]!;
say(`${machine()}, load ${load.toFixed(2)}; ${method}`);
const visitors = new Visitors();
const kept = await documents();
const product = productWith(buildProduct(), values["log-level"]);
const tapped = productWith(buildOther("executions-tapped"), "error");

const counted: Counted[] = [];
await staging(tapped, kept, visitors, async (stage) => {
  say("Counting …");
  // The first execution sets up what all others find.
  await count(stage, 1, 1);
  counted.push(await count(stage, 8, 1), await count(stage, 64, 16));
});

const timed: Timed[] = [];
const sizes: Record<string, Record<string, number>> = {};
await staging(product, kept, visitors, async (stage) => {
  for (const side of sides) {
    const job = { side, port: stage.server.ports[side]!, connections: 1, visitors: 1 };
    const told: Record<string, number> = {};
    for (const step of steps) told[String(step)] = (await visitors.go({ ...job, step })).bytes;
    sizes[side] = told;
  }
  for (const pace of [alone, together]) {
    say(`Timing ${pace.visitors} executions, ${pace.concurrent} at once, ${pace.rounds} rounds …`);
    timed.push(...(await time(stage, pace)));
  }
});
visitors.end();

const differ = steps.filter((step) => step !== "start" && sizes["product"]![step] !== sizes["bare"]![step]);
if (differ.length > 0) throw new Error(`The sides answer otherwise: ${JSON.stringify(sizes)}`);

title("Counted, by execution: start, a look, three submits, the end");
console.log(countsTable(counted));
console.log(`\n${statementsTable("at D1", counted[0]!.atD1)}`);
console.log(`\n${statementsTable("in the object", counted[0]!.statements)}`);
title(`Beside an object that keeps ${kept.map((one) => one.kept.length).join(", ")} characters; medians of the rounds`);
console.log(timesTable(timed));

const made = {
  at: new Date().toISOString(),
  commit: commit(),
  machine: machine(),
  load,
  method,
  compatibilityDate: config.compatibility_date,
};
const documentSizes = kept.map((one) => ({ kept: one.kept.length, shown: one.shown.length }));
const options = { alone, together, logLevel: values["log-level"], documents: documentSizes };
mkdirSync(results, { recursive: true });
writeFileSync(join(results, "executions.json"), JSON.stringify({ made, options, counted, timed }, null, 1));
title("Done");
say(`Wrote executions.json to ${results}`);
if (counted.some(({ d1 }) => d1.writes > MOST_WRITES)) {
  console.log(`An execution writes to D1 more than ${MOST_WRITES} times.`);
  process.exitCode = 1;
}
