/** Where the gateway's own time goes: `node bench/gateway/profile.ts [five] [--log-level error]`. */
import { readFileSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { buildProduct, scratch } from "../build.ts";
import { aligned, Client } from "../load.ts";
import { inspect, selfTimes, type Profile } from "../profile.ts";
import { prepared, productWith } from "./stage.ts";
import { callsOf, standing } from "./apis.ts";
import { Backend } from "./backend.ts";
import { five, mixes } from "./mixes.ts";

const SAMPLE_US = 100;
const TOP = 40;

type Frame = Profile["nodes"][number]["callFrame"];

/** The function as somebody wrote it, with file and line. */
function placeOf(map: SourceMap, { url, lineNumber, columnNumber, functionName }: Frame): string {
  const name = functionName || "(anonymous)";
  if (name.startsWith("(") && name !== "(anonymous)") return name;
  if (!/index\.js|script-\d+/.test(url)) return `${name}  ${url || "native"}`;
  const entry = map.findEntry(lineNumber, columnNumber);
  if (!("originalSource" in entry)) return `${name}  bundle`;
  return `${name}  ${entry.originalSource.replace(/^.*?(?=src\/|node_modules\/)/, "")}:${entry.originalLine + 1}`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "log-level": { type: "string", default: "info" } },
});
const wanted = positionals[0] ?? five.name;
const mix = mixes.find(({ name }) => name === wanted);
if (mix === undefined) throw new Error(`There is no ${wanted}, but ${mixes.map(({ name }) => name).join(", ")}.`);

const bundle = buildProduct({ minify: false });
const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, "utf8")));
const [client, backend] = [new Client(), await Backend.begin()];
const stood = standing(mix);
const { start, remove } = await prepared(productWith(bundle, values["log-level"]), [stood], backend);
const server = await start({ inspector: true });
try {
  client.load("product", callsOf(`/gateway${stood.base}`));
  const job = { load: "product", port: server.ports["product"]!, connections: 16, from: 0, once: false };
  await client.run({ ...job, milliseconds: 2000 });
  const inspector = await inspect(server, "product");
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: SAMPLE_US });
  await inspector.send("Profiler.start");
  const { times: answers, statuses } = await client.run({ ...job, milliseconds: 5000 });
  const { profile } = await inspector.send<{ profile: Profile }>("Profiler.stop");
  inspector.close();
  const file = join(scratch, `gateway-${mix.name}.cpuprofile`);
  writeFileSync(file, JSON.stringify(profile));
  const sums = new Map<string, number>();
  for (const [frame, own] of selfTimes(profile)) {
    const place = placeOf(map, frame);
    if (place !== "(idle)") sums.set(place, (sums.get(place) ?? 0) + own);
  }
  const all = [...sums.values()].reduce((sum, own) => sum + own, 0);
  const rows = [...sums].toSorted(([, one], [, other]) => other - one).slice(0, TOP);
  console.log(`${mix.name}: ${answers.length} calls, ${JSON.stringify(statuses)}; self time, µs a call\n`);
  const share = (own: number): string => `${((own * 100) / all).toFixed(1)} %`;
  const lines = rows.map(([place, own]) => [place, (own / answers.length).toFixed(1), share(own)]);
  console.log(aligned([["by function", "µs", "share"], ...lines, ["all", (all / answers.length).toFixed(1), ""]]));
  console.log(`\n${file} opens in the performance tab of a browser's developer tools.`);
} finally {
  await server.end();
  remove();
  client.end();
  backend.end();
}
