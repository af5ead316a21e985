/** `npm run bench:gateway`: what a call of an API costs on the gateway, beside a Worker that only passes it on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildOther, buildProduct, config, root, scratch } from "./build.ts";
import { callHeaders, RESOURCES, standing } from "./gateway/apis.ts";
import { ANSWER_BYTES, Backend } from "./gateway/backend.ts";
import { faultOfMix, faultOfProxy } from "./gateway/check.ts";
import { count, countRenewals, type Counted, type Renewals } from "./gateway/counts.ts";
import * as figures from "./gateway/figures.ts";
import { cold, growApis, growResources, type Cold } from "./gateway/growth.ts";
import { five, mixes, none, type Mix } from "./gateway/mixes.ts";
import { beginNginx, howToInstall, nginxBinary } from "./gateway/nginx.ts";
import { postName, sidesOf } from "./gateway/sides.ts";
import { productWith, staging } from "./gateway/stage.ts";
import { time, type Pace, type Timed } from "./gateway/timing.ts";
import { Client } from "./load.ts";
import { machine } from "./machine.ts";
import { svgOf } from "./plot.ts";
import { memory } from "./serve.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    quick: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    "log-level": { type: "string", default: "info" },
    /** Another nginx than the one that is installed. */
    nginx: { type: "string" },
  },
});

const { quick } = values;
const rounds = quick ? 3 : Number(values.rounds);
const common = { rounds, turns: quick ? 2 : 5, isPatient: !quick, warming: quick ? 600 : 1500 };
const together: Pace = { ...common, milliseconds: quick ? 200 : 250, concurrent: 16 };
const alone: Pace = { ...together, concurrent: 1 };
const growing: Pace = { ...together, rounds: 3, turns: quick ? 2 : 4 };
const results = quick ? join(scratch, "results") : fileURLToPath(new URL("results", import.meta.url));
const method = `plain workerd, direct socket, state in ${memory}; backend and client in a process of Node each, on loopback; D1 and Durable Objects by Miniflare's simulators`;

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
const parts = { client: new Client(), backend: await Backend.begin() };
const binary = values.nginx ?? nginxBinary();
const nginx = binary === undefined ? undefined : await beginNginx(binary, parts.backend.port);
say(nginx === undefined ? howToInstall : `${nginx.version}, one worker`);
const product = productWith(buildProduct(), values["log-level"]);
const tapped = productWith(buildOther("gateway-tapped"), "error");
const stood = mixes.map((mix) => standing(mix));

const faults = new Map<string, string>();
const counted: Counted[] = [];
const sound: Mix[] = [];
const renewals = await staging(tapped, stood, parts, async (stage): Promise<Renewals> => {
  say("Holding what the sides do against each other …");
  const proxies = [stage.server.ports["bare"]!, ...(nginx === undefined ? [] : [nginx.port])];
  for (const port of proxies) {
    const fault = await faultOfProxy(parts.backend, `http://127.0.0.1:${port}`);
    if (fault !== undefined) throw new Error(`A proxy does not pass calls on. ${fault}`);
  }
  for (const mix of mixes) {
    const fault = await faultOfMix(stage, standing(mix).base, mix);
    if (fault === undefined) sound.push(mix);
    else faults.set(mix.name, fault);
  }
  if (!sound.includes(none)) throw new Error(`The gateway does not pass calls on. ${faults.get(none.name)}`);
  say("Counting …");
  for (const mix of sound) counted.push(await count(stage, mix, standing(mix).base, 200));
  return countRenewals(stage, standing(none).base, quick ? 5 : 10);
});
for (const [name, fault] of faults) console.error(`Not measured: ${name}. ${fault}`);
if (faults.size > 0 || counted.some(figures.isOver)) process.exitCode = 1;

/** What the goal is for; without it, what there is. */
const usual = sound.includes(five) ? five : none;

if (values.check) tellCounts();
else await measure();
parts.client.end();
parts.backend.end();
await nginx?.end();

function tellCounts(): void {
  title("Counted");
  console.log(figures.countsTable(counted));
  for (const line of figures.renewalsLines(renewals)) console.log(line);
}

async function measure(): Promise<void> {
  const timed: Timed[] = [];
  await staging(product, stood, parts, async (stage) => {
    const sides = sidesOf(stage, sound, usual, nginx);
    for (const pace of [together, alone]) {
      say(`Timing ${sides.length} sides, ${pace.concurrent} at once, ${pace.rounds} rounds …`);
      timed.push(...(await time(stage, sides, pace, nginx?.pids)));
    }
  });
  say("Growth …");
  const grown = [
    ...(await growResources(product, usual, parts, growing)),
    ...(await growApis(product, usual, parts, growing)),
  ];
  say("Cold …");
  const colds: Cold[] = [];
  for (const apis of [1, 1000]) colds.push(await cold(product, usual, parts, apis, quick ? 3 : 5));

  title("What is called");
  console.log(figures.mixesTable(sound));
  console.log(
    `${postName(usual)}: the same with bodies. Each API has ${RESOURCES} resources; the goal is for ${five.name}.`,
  );
  tellCounts();
  title(`${together.concurrent} at once, medians of the rounds`);
  console.log(
    figures.timesTable(
      timed.filter(({ concurrent }) => concurrent === together.concurrent),
      five.name,
    ),
  );
  title("Alone");
  console.log(figures.aloneTable(timed.filter(({ concurrent }) => concurrent === 1)));
  title(`Growth, interceptors: ${usual.name}; ${growing.concurrent} at once`);
  console.log(figures.growthTable(grown));
  title("Cold");
  console.log(figures.coldTable(colds));

  const made = {
    at: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    load,
    method,
    nginx: nginx?.version ?? null,
    compatibilityDate: config.compatibility_date,
  };
  const paces = { together, alone, growing };
  const options = { ...paces, logLevel: values["log-level"], answerBytes: ANSWER_BYTES, callHeaders, mixes };
  const told = { made, options, faults: Object.fromEntries(faults), counted, renewals, timed, grown, cold: colds };
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, "gateway.json"), JSON.stringify(told, null, 1));
  writeFileSync(join(results, "gateway.svg"), svgOf(figures.chartOf(grown)));

  title("Done");
  say(`Wrote gateway.json and gateway.svg to ${results}`);
  const goal = timed.find(({ side, concurrent }) => side === five.name && concurrent === together.concurrent);
  if (goal !== undefined && goal.ratio < figures.GOAL) {
    console.log(`Below the goal: ${five.name}. Where the time goes: node bench/gateway/profile.ts ${five.name}`);
  }
}
