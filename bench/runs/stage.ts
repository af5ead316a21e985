/** Product, plain code and tools in one process on one database, with a target beside them. */
import { buildOther } from "../build.ts";
import { ask, serving } from "../data.ts";
import type { Client } from "../load.ts";
import { pause } from "../machine.ts";
import { secret } from "../requests.ts";
import { productObjects, productVars, type Server, type WorkerSource } from "../serve.ts";
import { listedUnder, SIZE, storing, type Measured, type Side } from "./flows.ts";
import type { Target } from "./target.ts";

export interface Stage {
  readonly client: Client;
  readonly target: Target;
  readonly server: Server;
}

/** The product with its own orchestrator, as it is deployed; it may call the target on this machine. */
export const productWith = (bundle: string, name: string, logLevel = "info"): WorkerSource => ({
  name,
  bundle,
  objects: productObjects,
  vars: {
    ...productVars,
    ORCHESTRATOR: "embedded",
    HTTP_ALLOW_PRIVATE: "true",
    IAM_JWT_SECRET: secret,
    LOG_LEVEL: logLevel,
  },
});

const plain = (target: Target, bundle: string): WorkerSource => ({
  name: "runs",
  bundle,
  objects: { RUN: "BareRun" },
  vars: { TARGET: target.url },
});

/** Bundles that are the same for all parts. */
const others = { runs: buildOther("runs"), tools: buildOther("tools") };

/** Serves the Workers with the flows stored, for as long as something is done with them. */
export function staging<T>(
  product: WorkerSource,
  flows: readonly Measured[],
  { client, target }: Omit<Stage, "server">,
  run: (stage: Stage) => Promise<T>,
): Promise<T> {
  const workers = [product, plain(target, others.runs), { name: "tools", bundle: others.tools, objects: {} }];
  return serving(workers, { size: SIZE, say: () => undefined }, async (server) => {
    await ask(server, storing(flows));
    return run({ client, target, server });
  });
}

/** How many runs of a flow the list of runs shows, by status. */
export async function listed(server: Server, side: Side, flow: Measured): Promise<ReadonlyMap<string, number>> {
  const under = listedUnder(side, flow);
  if (under === undefined) return new Map();
  const sql = "SELECT status, count(*) AS runs FROM runs WHERE flow_id = ? GROUP BY status";
  const [rows] = await ask<{ status: string; runs: number }>(server, [{ sql, params: [under] }]);
  return new Map(rows!.map(({ status, runs }) => [status, runs]));
}

const MOST_WAIT_MS = 60_000;

/** Waits until the list of runs shows the end of each. */
export async function untilEnded(server: Server, side: Side, flow: Measured): Promise<void> {
  const under = listedUnder(side, flow);
  if (under === undefined) return;
  const sql = "SELECT 1 FROM runs WHERE flow_id = ? AND status = 'running' LIMIT 1";
  const deadline = Date.now() + MOST_WAIT_MS;
  while ((await ask(server, [{ sql, params: [under] }]))[0]!.length > 0) {
    if (Date.now() > deadline) throw new Error(`Runs of ${side} have not ended after ${MOST_WAIT_MS / 1000} s.`);
    await pause(5);
  }
}
