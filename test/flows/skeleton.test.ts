import { expect, it } from "vitest";

import { flowOf, outboxOf, someone } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";

it("stores, starts, reports and stops a flow", async () => {
  const caller = await someone();
  const id = await flowOf(caller);
  const sent = await recordQueues(id);
  expect((await caller.call("startFlow", { params: { id } })).body.data).toEqual({ id, status: "starting" });
  await expect.poll(() => namesOf(sent)).toEqual(["flow.starting"]);
  const startId = sent[0]!.body.headers["startId"] as string;
  expect((await deliver("flow-reports", report("flow.started", id, { startId }))).explicitAcks).toHaveLength(1);
  expect((await caller.call("getFlowById", { params: { id } })).body.data.status).toBe("active");
  expect((await caller.call("stopFlow", { params: { id } })).body.data.status).toBe("stopping");
  await deliver("flow-reports", report("flow.stopped", id, { startId }));
  expect((await caller.call("getFlowById", { params: { id } })).body.data.status).toBe("inactive");
  expect((await caller.call("getFlows")).body.meta.total).toBe(1);
  expect(await outboxOf(id)).toEqual([]);
});
