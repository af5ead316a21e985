import { describe, expect, it } from "vitest";

import { flowOf, newId, someone } from "../support/given.ts";
import { wire } from "../support/wire.ts";

const component = "5ca5c44c187c040010a9bb8b";

/** The services of the Open Integration Hub that call the repository, each in its own words (contract 1.14). */
describe("the web UI", () => {
  it("lists, stores, sends the whole flow back, starts, stops and deletes, from its own origin", async () => {
    const owner = await someone();
    const headers = {
      authorization: owner.authorization,
      origin: "https://ui.example.com",
      "content-type": "application/json",
    };
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await wire(method, path, {
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://ui.example.com");
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      return {
        status: answer.status,
        body: await answer.json<{ data: Record<string, unknown>; meta: object; msg?: string }>(),
      };
    };
    const stored = await ask("POST", "/flows", {
      name: "A flow",
      graph: { nodes: [{ id: "step_1", componentId: component, function: "f", credentials_id: null }], edges: [] },
    });
    expect(stored.status).toBe(201);
    const listed = await ask("GET", "/flows?page[number]=1");
    expect(listed).toMatchObject({
      status: 200,
      body: { data: [{ status: "inactive" }], meta: { total: 1, totalPages: 1 } },
    });
    const edited = await ask("PATCH", `/flows/${String(stored.body.data["id"])}`, {
      ...stored.body.data,
      name: "Renamed",
    });
    expect(edited).toMatchObject({ status: 200, body: { data: { name: "Renamed", status: "inactive" } } });
    const path = `/flows/${String(stored.body.data["id"])}`;
    expect(await ask("GET", path)).toMatchObject({ status: 200, body: { data: { name: "Renamed" } } });
    expect(await ask("POST", `${path}/start`)).toMatchObject({ status: 200, body: { data: { status: "starting" } } });
    expect(await ask("POST", `${path}/stop`)).toMatchObject({ status: 200, body: { data: { status: "stopping" } } });
    const other = await ask("POST", "/flows", { graph: { nodes: [{ id: "n" }] } });
    const deleted = await ask("DELETE", `/flows/${String(other.body.data["id"])}`);
    expect(deleted).toMatchObject({ status: 200, body: { msg: "Flow was successfully deleted" } });
  });
});

describe("the Template Repository", () => {
  it("gets 201 and the flow for a whole template, with what flows do not have left out", async () => {
    const caller = await someone();
    const author = { id: newId(), type: "user" };
    const answer = await caller.call("addFlow", {
      body: {
        name: "From a template",
        tenant: newId(),
        fromTemplate: newId(),
        createdAt: "2020-01-01T00:00:00.000Z",
        updatedAt: "2020-01-01T00:00:00.000Z",
        owners: [author, { id: caller.sub, type: "user" }],
        graph: {
          nodes: [
            {
              id: "step_1",
              componentId: component,
              function: "f",
              tenant: "t",
              authorization: { authType: "API_KEY", authClientId: "c" },
            },
          ],
          edges: [],
        },
      },
    });
    expect(answer.status).toBe(201);
    const { data } = answer.body;
    expect(data.graph.nodes).toEqual([{ id: "step_1", componentId: component, function: "f" }]);
    expect(data.createdAt).not.toBe("2020-01-01T00:00:00.000Z");
    expect(data.owners).not.toContainEqual(author);
  });
});

describe("the dispatcher", () => {
  it("stores a placeholder, puts the graph in its place, and starts the flow once it is inactive", async () => {
    const caller = await someone();
    const placeholder = {
      name: "Hub to application",
      graph: { nodes: [{ id: "empty", componentId: component, function: "empty" }] },
    };
    const { status, body } = await caller.call("addFlow", { body: { ...placeholder, cron: "* * * * *" } });
    expect(status).toBe(201);
    const params = { id: body.data.id as string };
    const graph = {
      nodes: ["adapter", "transformer"].map((id) => ({
        id,
        componentId: component,
        function: id,
        credentials_id: undefined,
      })),
      edges: [{ source: "adapter", target: "transformer" }],
    };
    expect((await caller.call("updateFlow", { params, body: { graph } })).status).toBe(200);
    expect((await caller.call("getFlowById", { params })).body.data.status).toBe("inactive");
    expect((await caller.call("startFlow", { params })).status).toBe(200);
  });
});

it("analytics and governance ask for page=N, which is not looked at, and read the number of pages", async () => {
  const caller = await someone();
  await flowOf(caller);
  const { status, body } = await caller.call("getFlows", { query: { page: "7" } });
  expect(status).toBe(200);
  expect(body).toMatchObject({ data: [{ status: "inactive" }], meta: { page: 1, totalPages: 1 } });
});

it("the load test asks for a thousand at once", async () => {
  const answer = await (await someone()).call("getFlows", { query: { "page[size]": "1000" } });
  expect(answer).toMatchObject({ status: 200, body: { meta: { perPage: 1000 } } });
});

it("the set-up takes 401 without a token for a sign that the service is there", async () => {
  expect((await wire("GET", "/flows")).status).toBe(401);
});
