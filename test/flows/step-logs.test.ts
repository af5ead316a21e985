import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { admin, everyPermission, flowOf, newId, someone } from "../support/given.ts";

const logs = (caller: Caller, id: string, stepId = "step_1", query = ""): Promise<Answer> =>
  caller.call("getStepLogs", { params: { id, stepId }, query });

const oneNode = (id: string) => ({ graph: { nodes: [{ id }], edges: [] } });

it("answers the logs of a step, a thousand to a page", async () => {
  const caller = await someone();
  const { status, body } = await logs(caller, await flowOf(caller));
  expect(status).toBe(200);
  expect(body).toEqual({ data: [], meta: { pageSize: 1000, nextPageToken: null } });
});

it.each(["1", "10", "1000"])("takes a page size of %s", async (pageSize) => {
  const caller = await someone();
  const { status, body } = await logs(caller, await flowOf(caller), "step_2", `pageSize=${pageSize}`);
  expect([status, body.meta.pageSize]).toEqual([200, Number(pageSize)]);
});

it.each(["0", "-1", "1001", "abc", "3abc", "2.9", "1e2", "", "10&pageSize=10"])(
  "refuses a page size of %j and names the parameter",
  async (pageSize) => {
    const caller = await someone();
    const { status, body } = await logs(caller, await flowOf(caller), "step_1", `pageSize=${pageSize}`);
    expect(status).toBe(400);
    expect(body.errors[0]).toMatchObject({
      message: "Invalid pageSize parameter",
      error: "INVALID_PARAMETER",
      parameter: "pageSize",
    });
  },
);

it("needs the permission to read, even of one's own flow", async () => {
  const owner = await someone();
  const id = await flowOf(owner);
  const permissions = everyPermission.filter((permission) => permission !== "flows.read");
  const { status, body } = await logs(await as({ ...owner, permissions }), id);
  expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
});

it("does not know a flow of others, nor one that does not exist", async () => {
  const id = await flowOf(await someone());
  const caller = await someone();
  const foreign = await logs(caller, id);
  expect([foreign.status, foreign.body.errors[0].message]).toEqual([404, "Flow not found"]);
  expect(foreign.body).toEqual((await logs(caller, newId())).body);
  expect((await logs(await admin(), id)).status).toBe(200);
});

it("does not tell a stranger whether a flow has a step", async () => {
  const id = await flowOf(await someone());
  const caller = await someone();
  expect((await logs(caller, id, "step_1")).body).toEqual((await logs(caller, id, "step_9")).body);
});

it.each(["step_3", "Step_1", "step_", "toString", "__proto__", " step_1", "step_1/..", "../step_1"])(
  "does not know the step %j",
  async (step) => {
    const caller = await someone();
    const { status, body } = await logs(caller, await flowOf(caller), step);
    expect([status, body.errors[0].error]).toEqual([404, "STEP_NOT_FOUND"]);
  },
);

it.each([
  "..%2F..%2Fadmin",
  "..%2F..%2F..%2Fadmin%2Fsecrets",
  "%2E%2E%2F%2E%2E%2Fadmin",
  "..%252F..%252Fadmin",
  "step_1%2F..%2F..%2Fadmin",
  "..%5C..%5Cadmin",
  "step_1%00",
  "step_1%3Fx=",
  "%zz",
])("leads nowhere else by the step %s", async (segment) => {
  const caller = await someone();
  const id = await flowOf(caller);
  const answer = await exports.default.fetch(`http://flows.test/flows/${id}/steps/${segment}/logs`, {
    headers: { authorization: caller.authorization },
  });
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ errors: [{ code: 404, error: "STEP_NOT_FOUND" }] });
});

it("takes the same path, sent through the client, for an unknown step", async () => {
  const caller = await someone();
  const { status, body } = await logs(caller, await flowOf(caller), "../../admin");
  expect([status, body.errors[0].error]).toEqual([404, "STEP_NOT_FOUND"]);
});

it.each(["a/b", "../../admin", "step 1", "100%", "Schritt-ü"])("finds a step whose id is %j", async (step) => {
  const caller = await someone();
  const id = await flowOf(caller, oneNode(step));
  expect((await logs(caller, id, step)).status).toBe(200);
});

it.each(["flow", "6b0259e4ef2fe4ca09ca001", "überraschung"])(
  "answers the id %j with 400 and does not hang",
  async (id) => {
    const { status, body } = await logs(await someone(), id);
    expect(status).toBe(400);
    expect(body.errors[0]).toMatchObject({ message: "Invalid id", code: 400, error: "INVALID_ID" });
  },
);
