import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Demo } from "./demo-talk.ts";

/** The five steps of an integration flow, as seed 002 tells them. */
const flowTo = (target: string) => ({
  name: "Orders to the shop system",
  graph: {
    nodes: [
      { id: "receive", name: "Receive a webhook message and say where it came from", componentId: "webhook" },
      {
        id: "mark",
        name: "Inject metadata",
        componentId: "transform",
        fields: { expression: '{ "shop": "north", "received": $now() }', into: "metadata.origin" },
      },
      { id: "large", name: "Only large orders", componentId: "filter", fields: { condition: "data.amount >= 100" } },
      {
        id: "shape",
        name: "The form of the target",
        componentId: "transform",
        fields: { expression: '{ "order": data.id, "total": data.amount, "source": metadata.origin.shop }' },
      },
      { id: "push", name: "Push to the target", componentId: "http", fields: { method: "POST", url: target } },
      {
        id: "note",
        name: "Log the response code",
        componentId: "log",
        fields: { message: "The target answered {{metadata.response.status}} for order {{data.stored}}." },
      },
    ],
    edges: ["receive", "mark", "large", "shape", "push", "note"].slice(1).map((to, index) => ({
      source: ["receive", "mark", "large", "shape", "push"][index],
      target: to,
    })),
  },
});

interface StepRun {
  readonly step: string;
  readonly state: string;
  readonly milliseconds: number | null;
  readonly input: { data: unknown };
}

/** A webhook payload goes through five steps to a target; another is stopped by the filter. */
export async function integration(demo: Demo): Promise<void> {
  const received: unknown[] = [];
  const target = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const order = JSON.parse(text) as { order: string };
      received.push(order);
      console.log(`  [target] got ${text}`);
      response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ stored: order.order }));
    });
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(target.address() as AddressInfo).port}/orders`;
  console.log(`\n# A target listens on ${address}`);
  try {
    console.log("\n# Store the flow, have it checked, start it");
    const flow = flowTo(address);
    const { body } = await demo.call("POST", "/flows/validate", 200, flow, false);
    const { valid, findings } = body["data"] as { valid: boolean; findings: unknown[] };
    console.log(`  valid: ${valid}`);
    if (!valid) throw new Error(`The flow is not valid: ${JSON.stringify(findings)}`);
    const path = await demo.store(flow);
    await demo.call("POST", `${path}/start`, 200);
    await demo.until(path, (status) => status === "active", false);

    console.log("\n# A large order goes through all steps");
    const first = await hook(demo, path, { id: "A-1", amount: 150 });
    const done = await demo.until(`/runs/${first}`, (status) => status !== "running", false);
    history(done);
    if (done["status"] !== "completed" || received.length !== 1) throw new Error("The order did not reach the target.");
    await demo.call("GET", `${path}/steps/note/logs`, 200);

    console.log("\n# A small one is stopped by the filter");
    const second = await hook(demo, path, { id: "A-2", amount: 5 });
    const filtered = await demo.until(`/runs/${second}`, (status) => status !== "running", false);
    history(filtered);
    if (filtered["status"] !== "filtered" || received.length !== 1) {
      throw new Error("The small order was not filtered.");
    }

    console.log("\n# The runs of the flow");
    await demo.call("GET", `${path}/runs`, 200);
    await demo.call("POST", `${path}/stop`, 200);
    await demo.until(path, (status) => status === "inactive", false);
  } finally {
    target.close();
  }
}

/** Sends a message to the flow's hook, as a system outside would, and answers the id of the run. */
async function hook(demo: Demo, path: string, payload: unknown): Promise<string> {
  const url = `${demo.base}/hook/${path.split("/").at(-1)}`;
  console.log(`\n> POST ${new URL(url).pathname} ${JSON.stringify(payload)}`);
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
  const text = await answer.text();
  console.log(`< ${answer.status} ${text}`);
  return (JSON.parse(text) as { data: { runId: string } }).data.runId;
}

function history(run: Record<string, unknown>): void {
  console.log(`  run ${String(run["id"])} ended ${String(run["status"])}`);
  for (const { step, state, milliseconds, input } of run["items"] as StepRun[]) {
    console.log(
      `    ${step.padEnd(8)} ${state.padEnd(9)} ${String(milliseconds ?? "–").padStart(4)} ms  ${JSON.stringify(input.data)}`,
    );
  }
}
