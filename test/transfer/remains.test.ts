import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { databaseWith } from "../support/faults.ts";
import { admin, settle, someone } from "../support/given.ts";
import { idOf, originalFlow, sent, type Line } from "./given.ts";

let root: Caller;
beforeAll(async () => {
  root = await admin();
});

const later = { $date: "2024-03-01T00:00:00.000Z" };
const statements = {
  runs: `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at)
    VALUES (?1, ?2, 'run_' || ?1 || '_' || lower(hex(randomblob(14))), 'manual', 1, 'r', 1)`,
  executions: `INSERT INTO executions (uuid, flow_id, home, workflow, revision, status, started_at)
    VALUES (?1 || ?2, ?1, 'h', 'w', 1, ?2, 1)`,
  traces: `INSERT INTO gateway_traces (flow_id, id, status, method, path, revision, ms, body)
    VALUES (?1, 'trace_' || ?2, 200, 'GET', '/', 1, 1, '{}')`,
  snapshots: "INSERT INTO snapshots (flow_id, step, updated_at, body) VALUES (?1, ?2, 1, '{}')",
};

/** What runs, executions and calls of a flow leave in the lists; of each one that goes on and one that ended. */
async function leave(id: string): Promise<void> {
  const all = Object.values(statements);
  const statuses = ["running", "failed"];
  await env.DB.batch(all.flatMap((text) => statuses.map((status) => env.DB.prepare(text).bind(id, status))));
}

const LEFT = `SELECT 'run ' || status AS told FROM runs WHERE flow_id = ?1
  UNION ALL SELECT 'execution ' || status FROM executions WHERE flow_id = ?1
  UNION ALL SELECT id FROM gateway_traces WHERE flow_id = ?1
  UNION ALL SELECT 'snapshot ' || step FROM snapshots WHERE flow_id = ?1 ORDER BY 1`;
const leftOf = async (id: string): Promise<string[]> =>
  (await env.DB.prepare(LEFT).bind(id).all<{ told: string }>()).results.map(({ told }) => told);

/** A line whose flow was here, left much, and was deleted. */
async function deleted(owner: Caller): Promise<Line> {
  const line = originalFlow(owner);
  const id = idOf(line);
  await sent(root, [line], { imported: 1 });
  expect((await owner.call("deleteFlow", { params: { id } })).status).toBe(200);
  await settle(id);
  await leave(id);
  return line;
}

it("a flow that is imported under the id of a deleted one tells its owner nothing of what that one did", async () => {
  const [before, owner] = [await someone(), await someone()];
  const line = await deleted(before);
  const id = idOf(line);
  const { owners } = originalFlow(owner);
  const other = originalFlow(owner);
  await leave(idOf(other));
  await sent(root, [{ ...line, owners }, originalFlow(owner)], { imported: 2 });
  // What goes on is ended by the message that the deletion left, which finds it in these lists.
  expect(await leftOf(id)).toEqual(["execution running", "run running"]);
  expect(await leftOf(idOf(other))).toHaveLength(8);
  const { body } = await owner.call("listRuns", { params: { id } });
  expect(body.data.map(({ status }: { status: string }) => status)).toEqual(["running"]);
});

it("a flow that is here keeps what it did, whatever is imported over it", async () => {
  const owner = await someone();
  const line = originalFlow(owner);
  const id = idOf(line);
  await sent(root, [line], { imported: 1 });
  await leave(id);
  await sent(root, [line, { ...line, name: "Newer", updatedAt: later }], { unchanged: 1, updated: 1 });
  expect(await leftOf(id)).toHaveLength(8);
});

it("a dry run, and an import that comes too late, forget nothing", async () => {
  const owner = await someone();
  const line = await deleted(owner);
  const id = idOf(line);
  await sent(root, [line], { imported: 1 }, { query: { dryRun: "true" } });
  expect(await leftOf(id)).toHaveLength(8);
  let rivals = 0;
  const DB = databaseWith(async ({ sql, run }) => {
    if (sql.some((text) => text.startsWith("INSERT INTO flows")) && (rivals += 1) === 1) {
      await sent(root, [line], { imported: 1 });
      await env.DB.prepare(statements.runs).bind(id, "completed").run();
    }
    return run();
  });
  await sent(root, [line], { unchanged: 1 }, { env: { DB } });
  expect(await leftOf(id)).toEqual(["execution running", "run completed", "run running"]);
});
