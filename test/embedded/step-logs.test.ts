import { expect, it } from "vitest";

import { someone } from "../support/given.ts";
import { activeFlow, line, ran } from "../support/runs.ts";

const steps = line(
  { id: "in", componentId: "manual" },
  { id: "note", componentId: "log", fields: { message: "got {{data.n}}", level: "warn" } },
  { id: "check", componentId: "error", fields: { message: "No good: {{data.n}}", code: "NO_GOOD" } },
);

interface Line {
  readonly timestamp: string;
  readonly message: { readonly msg: string; readonly level: string; readonly runId: string };
}

it("tells what a step logged and why it failed, with the run", async () => {
  const caller = await someone();
  const id = await activeFlow(caller, steps);
  const run = await ran(caller, id, { n: 1 });
  const logged = await caller.call("getStepLogs", { params: { id, stepId: "note" } });
  expect(logged.body).toEqual({
    data: [{ timestamp: expect.any(String), message: { msg: "got 1", level: "warn", runId: run.id } }],
    meta: { pageSize: 1000, nextPageToken: null },
  });
  const failed = await caller.call("getStepLogs", { params: { id, stepId: "check" } });
  expect(failed.body.data).toMatchObject([{ message: { msg: "NO_GOOD: No good: 1", level: "error", runId: run.id } }]);
  expect((await caller.call("getStepLogs", { params: { id, stepId: "in" } })).body.data).toEqual([]);
});

it("goes from the newest runs to older ones, each page's lines oldest first", async () => {
  const caller = await someone();
  const id = await activeFlow(caller, steps);
  for (let n = 1; n <= 5; n += 1) await ran(caller, id, { n });
  const seen: string[][] = [];
  let pageToken: string | undefined;
  do {
    const query = { pageSize: "2", ...(pageToken === undefined ? {} : { pageToken }) };
    const { body } = await caller.call("getStepLogs", { params: { id, stepId: "note" }, query });
    seen.push((body.data as Line[]).map(({ message }) => message.msg));
    pageToken = body.meta.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  expect(seen).toEqual([["got 4", "got 5"], ["got 2", "got 3"], ["got 1"]]);
});

it("takes no page token of another flow", async () => {
  const caller = await someone();
  const id = await activeFlow(caller, steps);
  const other = await ran(caller, await activeFlow(caller, steps), { n: 1 });
  const query = { pageToken: other.id };
  const { status, body } = await caller.call("getStepLogs", { params: { id, stepId: "note" }, query });
  expect([status, body.errors[0].parameter]).toEqual([400, "pageToken"]);
});
