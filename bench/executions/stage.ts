/** Product, bare objects and tools in one process on one database. */
import { buildOther } from "../build.ts";
import { ask, serving } from "../data.ts";
import { pause } from "../machine.ts";
import { secret } from "../requests.ts";
import { productObjects, productVars, type Server, type WorkerSource } from "../serve.ts";
import { SIZE, storing, type Document } from "./workflow.ts";
import type { Visitors } from "./visitors.ts";

export interface Stage {
  readonly server: Server;
  readonly visitors: Visitors;
}

/** The product with its own orchestrator, as it is deployed. */
export const productWith = (bundle: string, logLevel: string): WorkerSource => ({
  name: "product",
  bundle,
  objects: productObjects,
  vars: {
    ...productVars,
    ORCHESTRATOR: "embedded",
    IAM_JWT_SECRET: secret,
    EXECUTION_KEY: "a key of the bench that opens executions of the bench",
    LOG_LEVEL: logLevel,
  },
});

/** Serves the Workers with the workflow open, for as long as something is done with them. */
export function staging<T>(
  product: WorkerSource,
  documents: readonly Document[],
  visitors: Visitors,
  run: (stage: Stage) => Promise<T>,
): Promise<T> {
  const bare: WorkerSource = {
    name: "bare",
    bundle: buildOther("executions"),
    objects: { EXECUTION: "BareDocument" },
    vars: { DOCUMENTS: JSON.stringify(documents) },
  };
  const workers = [product, bare, { name: "tools", bundle: buildOther("tools"), objects: {} }];
  return serving(workers, { size: SIZE, say: () => undefined }, async (server) => {
    await ask(server, storing());
    return run({ server, visitors });
  });
}

const MOST_WAIT_MS = 30_000;

/** Waits until the list shows the end of every execution; answers how many there are. */
export async function untilListed(server: Server): Promise<number> {
  const sql = "SELECT count(*) AS n, sum(status <> 'terminated') AS open FROM executions";
  const deadline = Date.now() + MOST_WAIT_MS;
  for (;;) {
    const [rows] = await ask<{ n: number; open: number | null }>(server, [{ sql }]);
    const { n, open } = rows![0]!;
    if ((open ?? 0) === 0) return n;
    if (Date.now() > deadline) throw new Error(`${open} executions have not ended after ${MOST_WAIT_MS / 1000} s.`);
    await pause(20);
  }
}
