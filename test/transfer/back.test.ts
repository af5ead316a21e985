import { describe, expect, it } from "vitest";

import { originalOf } from "../../scripts/export/original.ts";
import { admin, newId, someone } from "../support/given.ts";
import { COMPONENT, exported, idOf, originalFlow, sent, type Line } from "./given.ts";

/** The line of a flow in an export of everything. */
async function lineOf(id: string, what: "flows" | "templates" = "flows"): Promise<Line> {
  const text = (await exported(await admin(), what)).split("\n").find((line) => line.includes(`"id":"${id}"`));
  return JSON.parse(text ?? "") as Line;
}

describe("an export for the original's database", () => {
  it.each<[string, Line]>([
    ["as it was", {}],
    [
      "active, with all that a flow can have",
      {
        status: "active",
        tenant: "5d0000000000000000000001",
        cron: "*/3 * * * *",
        fromTemplate: { $oid: "5ca5c44c187c040010a9bb8d" },
        flowSettings: { webhooks: { requireWebhookAuth: true } },
        graph: {
          nodes: [
            {
              id: "n1",
              componentId: { $oid: COMPONENT },
              function: "f",
              name: "One",
              credentials_id: { $oid: "5ca5c44c187c040010a9bb8c" },
              description: "d",
              fields: { a: [1, null, { b: {} }] },
              nodeSettings: { x: 1 },
            },
            { id: "n2", componentId: { $oid: COMPONENT }, function: "g", credentials_id: null },
          ],
          edges: [{ id: "e1", config: { condition: "a > 1", mapper: { a: "b" } }, source: "n1", target: "n2" }],
        },
      },
    ],
  ])("tells a flow that came from there %s", async (_, changed) => {
    const plain = {
      graph: { nodes: [{ id: "n1", componentId: { $oid: COMPONENT }, function: "f" }], edges: [] },
      ...changed,
    };
    const original = { ...originalFlow(await someone(), plain), __v: 0 };
    await sent(await admin(), [original], { imported: 1 });
    expect(originalOf(await lineOf(idOf(original)), "flows")).toEqual(original);
  });

  it("tells a template that came from there", async () => {
    const { _id, name, owners, createdAt, updatedAt } = originalFlow(await someone()) as Record<string, never>;
    const node = { id: "n1", componentId: { $oid: COMPONENT }, function: "f", authorization: { authType: "API_KEY" } };
    const original = {
      _id,
      name,
      graph: { nodes: [node], edges: [] },
      tenant: newId(),
      owners,
      status: "published",
      sourceTemplate: { $oid: newId() },
      createdAt,
      updatedAt,
      __v: 0,
    };
    await sent(await admin(), [original], { imported: 1 }, {}, "importTemplates");
    const line = await lineOf(idOf(original), "templates");
    expect(originalOf(line, "flowTemplates")).toEqual(original);
  });

  it.each<[string, Line]>([
    ["a workflow", { kind: "workflow", graph: { nodes: [], edges: [] } }],
    ["an API", { kind: "api", graph: { nodes: [], edges: [] } }],
    ["an instance without a graph", { instance: { revision: 1, values: {} } }],
  ])("leaves out %s", (_, line) => {
    expect(originalOf({ id: newId(), status: "inactive", ...line }, "flows")).toBeUndefined();
  });

  it("leaves out what the original's schema does not have, and leaves names of components as they are", () => {
    const told = originalOf(
      {
        id: "6b0259e4ef2fe4ca09ca001d",
        revision: 3,
        values: { a: 1 },
        graph: {
          nodes: [{ id: "n", componentId: "http" }],
          edges: [{ source: "n", target: "n", config: { loop: true, condition: "x" } }],
        },
        createdAt: "2024-01-02T03:04:05.678Z",
        updatedAt: "2024-01-02T03:04:05.678Z",
      },
      "flows",
    );
    expect(told).toEqual({
      _id: { $oid: "6b0259e4ef2fe4ca09ca001d" },
      graph: {
        nodes: [{ id: "n", componentId: "http" }],
        edges: [{ source: "n", target: "n", config: { condition: "x" } }],
      },
      createdAt: { $date: "2024-01-02T03:04:05.678Z" },
      updatedAt: { $date: "2024-01-02T03:04:05.678Z" },
      __v: 0,
    });
  });
});
