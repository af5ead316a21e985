/**
 * What the bridge carries, between a real broker and the product in a process of its own: messages per second in each
 * direction with the bridge alone at work, flows per second all the way round, and how long the last flow waits when
 * broker, bridge or product are killed in the middle. `node bench/bridge.ts [--flows 1000]`
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { connect } from "amqplib";

import { startBroker } from "../test/node/support/broker.ts";
import { layOutBridge, layOutProduct, type Program } from "../test/node/support/hub.ts";
import { startAnsweringService } from "../test/node/support/orchestrator.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({ options: { flows: { type: "string", default: "1000" } } });
const many = Number(values.flows);
const node = { id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f", fields: { interval: 5 } };

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function until(what: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 300_000; !(await what()); await pause(20)) {
    if (Date.now() > deadline) throw new Error("It takes too long.");
  }
}

const broker = await startBroker();
const product = await layOutProduct({ COMMAND_DEADLINE_SECONDS: "5", START_TRIES: "50", LOG_LEVEL: "silent" });
const bridge = await layOutBridge({
  RABBITMQ_URL: broker.url,
  PRODUCT_URL: product.base,
  BRIDGE_TOKEN: await product.tokenFor("bridge", "bridge"),
  BRIDGE_LEASE_SECONDS: "5",
});
await product.program.start();

const count = async (status: string): Promise<number> =>
  (await product.call("GET", `/flows?filter[status]=${status}&page[size]=1&fields=name`)).body.meta.total as number;
const settled = async () => (await count("starting")) + (await count("stopping")) === 0;
const waiting = async () => (await product.call("GET", "/healthcheck")).body.details.bridge.waiting as number;
const ids: string[] = [];
for (let made = 0; made < many; made += 500) {
  const flows = Array.from({ length: Math.min(500, many - made) }, (_, at) => ({
    name: `Flow ${made + at}`,
    graph: { nodes: [node] },
  }));
  const { body } = await product.call("POST", "/flows", flows);
  ids.push(...(body.data as { id: string }[]).map(({ id }) => id));
}
const command = async (verb: "start" | "stop", which = ids) => {
  for (let at = 0; at < which.length; at += 500) {
    await product.call("POST", `/flows/multiple/${verb}`, which.slice(at, at + 500));
  }
};
const timed = async (work: () => Promise<void>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};
const perSecond = (messages: number, seconds: number) => Math.round(messages / seconds);

// Outwards: created notices and start commands have gathered, then the bridge comes.
const service = await startAnsweringService(broker.url);
await service.close();
await command("start");
await until(async () => (await waiting()) >= 2 * many);
const outwards = await timed(async () => {
  await bridge.program.start();
  await until(async () => (await waiting()) === 0);
});
await bridge.program.end();

// Inwards: the reports lie in the queue, then the bridge comes.
const connection = await connect(broker.url);
const channel = await connection.createConfirmChannel();
for (const [at, id] of ids.entries()) {
  const report = {
    headers: { name: "flow.started", createdAt: Date.now() + at, serviceName: "bench" },
    payload: { id },
  };
  channel.publish("event-bus", "flow.started", Buffer.from(JSON.stringify(report)), { deliveryMode: 2 });
}
await channel.waitForConfirms();
await connection.close();
const inwards = await timed(async () => {
  await bridge.program.start();
  await until(settled);
});

const answering = await startAnsweringService(broker.url);
const round = await timed(async () => {
  await command("stop");
  await until(settled);
});

const part = ids.slice(0, 200);
const killed: Record<string, { awaySeconds: number; lastSettledSeconds: number }> = {};
const undisturbed = await timed(async () => {
  await command("start", part);
  await until(settled);
});
let verb: "start" | "stop" = "stop";
for (const [name, program] of Object.entries({ broker, bridge: bridge.program, product: product.program }) as [
  string,
  Pick<Program, "kill" | "start">,
][]) {
  await command(verb, part);
  const open = async () => (await count("starting")) + (await count("stopping"));
  await until(async () => (await open()) < 150);
  let awaySeconds = 0;
  const lastSettledSeconds = await timed(async () => {
    awaySeconds = await timed(async () => {
      await program.kill();
      await program.start();
    });
    await until(settled);
  });
  killed[name] = {
    awaySeconds: Number(awaySeconds.toFixed(1)),
    lastSettledSeconds: Number(lastSettledSeconds.toFixed(1)),
  };
  console.log(
    `${name}: away ${awaySeconds.toFixed(1)} s, all settled ${lastSettledSeconds.toFixed(1)} s after the kill`,
  );
  verb = verb === "stop" ? "start" : "stop";
}

const result = {
  machine: machine(),
  flows: many,
  outwardsPerSecond: perSecond(2 * many, outwards),
  inwardsPerSecond: perSecond(many, inwards),
  roundPerSecond: perSecond(many, round),
  undisturbed200Seconds: Number(undisturbed.toFixed(1)),
  killedWith200UnderWay: killed,
};
console.log(JSON.stringify(result, null, 2));
writeFileSync(new URL("results/bridge.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);

await answering.close();
await bridge.program.end();
await product.program.end();
await broker.end();
product.remove();
