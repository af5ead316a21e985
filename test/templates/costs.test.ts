import { expect, it } from "vitest";

import type { Call } from "../support/api.ts";
import { flowOf, someone } from "../support/given.ts";
import { instanceOf, templateOf } from "./given.ts";

const form = /^d1;desc="rows_read=(\d+) rows_written=(\d+) trips=(\d+)"$/;

it("an instance costs two rows and at most one trip more than any flow, a page of them as much", async () => {
  const caller = await someone();
  const cost = async (operationId: string, request: Call) => {
    const { headers } = await caller.call(operationId, { ...request, env: { SERVER_TIMING: "true" } });
    const [, read, , trips] = form.exec(headers.get("server-timing") ?? "") ?? [];
    return { read: Number(read), trips: Number(trips) };
  };
  const plain = await flowOf(caller);
  const template = await templateOf(caller);
  const ids = [];
  for (let n = 0; n < 10; n += 1) ids.push(await instanceOf(caller, template));
  const ofFlow = await cost("getFlowById", { params: { id: plain } });
  const ofInstance = await cost("getFlowById", { params: { id: ids[0]! } });
  expect(ofInstance.read).toBeLessThanOrEqual(ofFlow.read + 2);
  expect(ofInstance.trips).toBeLessThanOrEqual(2);
  const page = await cost("getFlows", { query: { sort: "-createdAt" } });
  const light = await cost("getFlows", { query: { sort: "-createdAt", fields: "name" } });
  expect(page.read).toBeLessThanOrEqual(light.read + 2);
  expect(page.trips).toBeLessThanOrEqual(2);
});

it("a page of instances is weighed with the graphs that they are told with", async () => {
  const caller = await someone();
  const graph = { nodes: [{ id: "a", fields: "x".repeat(900_000) }] };
  const template = await templateOf(caller, { graph, variables: {} });
  for (let n = 0; n < 25; n += 1) await instanceOf(caller, template, { values: {} });
  const listed = (query: Record<string, string>) =>
    caller.call("getTemplateInstances", { params: { id: template }, query });
  expect(await listed({ "page[size]": "100" })).toMatchObject({
    status: 400,
    body: { errors: [{ parameter: "page[size]" }] },
  });
  expect((await listed({ "page[size]": "100", fields: "name" })).body.data).toHaveLength(25);
  expect((await listed({ "page[size]": "5" })).body.data).toHaveLength(5);
});
