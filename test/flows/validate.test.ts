import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { OWNERSHIP, admin, exampleFlow, loner, newId, someone, strictFlow } from "../support/given.ts";

const modes = ["lenient", "strict"] as const;
const noCourier = { FLOW_OBJECT: { getByName: () => ({ relay: () => Promise.resolve() }) } };

/** Rows that name the caller, anywhere. */
async function tracesOf(caller: Caller): Promise<number> {
  const count = (table: string, column: string) =>
    env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE instr(${column}, ?) > 0`)
      .bind(caller.sub)
      .first<number>("n");
  const counts = await Promise.all([count("flows", "document"), count(OWNERSHIP, "owner_id"), count("outbox", "body")]);
  return counts.reduce<number>((sum, rows) => sum + (rows ?? 0), 0);
}

const validate = (caller: Caller, body: unknown, mode: (typeof modes)[number] = "lenient") =>
  caller.call("validateFlow", { body, env: { FLOW_VALIDATION: mode, ...noCourier } });

const node = (more: object = {}) => ({ id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f", ...more });
const graph = (nodes: unknown[], edges: unknown[] = []) => ({ graph: { nodes, edges } });
const two = [node(), node({ id: "n2" })];

const wrong: [string, unknown][] = [
  ["no flow", {}],
  ["a name that is no text", { ...graph([node()]), name: { a: 1 } }],
  ["a graph that is a text", { graph: "x" }],
  ["no nodes", graph([])],
  ["a node that is null", graph([null])],
  ["a node that is empty", graph([{}])],
  ["ids that are too long", graph([node({ id: "x".repeat(65) })])],
  ["references that are none", { ...graph([node({ credentials_id: "x" })]), fromTemplate: "y" }],
  ["nodes without edges", graph(two)],
  ["an edge that leads nowhere", graph(two, [{ source: "n1", target: "n3" }])],
  ["an edge without ends", graph(two, [{}])],
  [
    "a cycle",
    graph(two, [
      { source: "n1", target: "n2" },
      { source: "n2", target: "n1" },
    ]),
  ],
  ["an id twice", graph([node(), node()], [{ source: "n1", target: "n1" }])],
  ["a status", { ...graph([node()]), status: "active" }],
  ["a cron expression that never fires", { ...graph([node()]), cron: "0 0 31 2 *" }],
  ["owners that are no list", { ...graph([node()]), owners: "x" }],
  ["owners that are null", { ...graph([node()]), owners: [null] }],
  ["owners without id and type", { ...graph([node()]), owners: [{}] }],
  ["a stranger as owner", { ...graph([node()]), owners: [{ id: "stranger", type: "user" }] }],
  [
    "much at once",
    { name: [], ...graph([{}, node({ componentId: "x" })], [{}]), status: "x", cron: "x", owners: [{}] },
  ],
];

describe.each(modes)("checked in %s mode", (mode) => {
  it("a right flow is valid, and nothing is stored", async () => {
    const caller = await someone();
    const { status, body } = await validate(caller, strictFlow(), mode);
    expect([status, body]).toEqual([200, { data: { valid: true, findings: [] }, meta: {} }]);
    expect(await tracesOf(caller)).toBe(0);
  });

  it.each(wrong)("%s is told as storing tells it, and nothing is stored", async (_, flow) => {
    const caller = await someone();
    const { status, body } = await validate(caller, flow, mode);
    const settings = { FLOW_VALIDATION: mode, ...noCourier };
    const refused = await caller.call("addFlow", { body: flow, env: settings });
    expect([status, body.meta, body.data.valid]).toEqual([200, {}, false]);
    expect(body.data.findings).toEqual(refused.body.errors);
    expect(await tracesOf(caller)).toBe(0);
  });
});

describe("a check", () => {
  it("tells how the flow stands to the mode of the service", async () => {
    const caller = await someone();
    expect((await validate(caller, exampleFlow(), "lenient")).body.data).toEqual({ valid: true, findings: [] });
    const { valid, findings } = (await validate(caller, exampleFlow(), "strict")).body.data;
    expect([valid, findings.length]).toEqual([false, 4]);
    expect(findings[0]).toEqual({
      message: "Flow nodes require a function.",
      code: 400,
      error: "NODE_FUNCTION_REQUIRED",
      pointer: "/graph/nodes/0/function",
    });
  });

  it("tells a stranger among the owners beside all else that is wrong", async () => {
    const caller = await someone();
    const flow = {
      ...graph([]),
      owners: [
        { id: caller.sub, type: "user" },
        { id: newId(), type: "user" },
      ],
    };
    const { data } = (await validate(caller, flow)).body;
    expect(data.findings.map(({ error, pointer }: { error: string; pointer: string }) => [error, pointer])).toEqual([
      ["NODES_REQUIRED", "/graph/nodes"],
      ["OWNER_NOT_ALLOWED", "/owners/1/id"],
    ]);
  });

  it("is about what this caller may store", async () => {
    const flow = { ...exampleFlow(), owners: [{ id: newId(), type: "tenant" }] };
    expect((await validate(await admin(), flow)).body.data.valid).toBe(true);
    expect((await validate(await someone(), flow)).body.data.valid).toBe(false);
    expect((await validate(await loner(), exampleFlow())).body.data.valid).toBe(true);
    expect((await validate(await someone(), { ...flow, fromTemplate: newId() })).body.data.valid).toBe(true);
  });

  it("is about one flow, not a list", async () => {
    const { status, body } = await validate(await someone(), [exampleFlow()]);
    expect([status, body.data.valid]).toEqual([200, false]);
    expect(body.data.findings).toEqual([
      { message: "A flow must be a JSON object.", code: 400, error: "WRONG_TYPE", pointer: "" },
    ]);
  });

  it("needs the permission to write, and not more", async () => {
    const reader = await someone({ permissions: ["flows.read", "flows.control", "flows.bulk"] });
    expect((await validate(reader, exampleFlow())).status).toBe(403);
    const writer = await someone({ permissions: ["flows.write"] });
    expect((await validate(writer, exampleFlow())).status).toBe(200);
  });
});
