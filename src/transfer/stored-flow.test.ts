import { describe, expect, it } from "vitest";

import { plainLine, type Read } from "./head.ts";
import { formNeeded, readFlow, type StoredFlow } from "./stored-flow.ts";

const ID = "6b0259e4ef2fe4ca09ca001d";
const COMPONENT = "5ca5c44c187c040010a9bb8b";
const [USER, TENANT] = ["5c0000000000000000000002", "5d0000000000000000000001"];
const owners = [
  { id: USER, type: "user" },
  { id: TENANT, type: "tenant" },
];
const NOW = Date.UTC(2026, 11, 1);
const CREATED = Date.UTC(2026, 10, 22);

/** A document as the original stores it. */
const original = (changed: Record<string, unknown> = {}) => ({
  _id: { $oid: ID },
  name: "A flow",
  graph: {
    nodes: [
      {
        id: "a",
        componentId: { $oid: COMPONENT },
        function: "f",
        credentials_id: null,
        fields: { n: { $numberInt: "5" }, $own: { $x: 1 } },
      },
      { id: "b", componentId: { $oid: COMPONENT.toUpperCase() }, function: "f" },
    ],
    edges: [{ source: "a", target: "b" }],
  },
  owners,
  status: "inactive",
  createdAt: { $date: "2026-11-22T00:00:00.000Z" },
  updatedAt: { $date: { $numberLong: String(CREATED + 1000) } },
  __v: { $numberInt: "3" },
  ...changed,
});

const form = { graph: { nodes: [{ id: "t", componentId: COMPONENT, function: "f" }], edges: [] } };
const around = { forms: new Map([["5ca5c44c187c040010a9bb8d/3", form]]), now: NOW, newStartId: () => "new-start" };
const read = (line: Record<string, unknown>) => readFlow(plainLine(line), around);

function stored(result: Read<StoredFlow>): StoredFlow {
  if (!result.ok) throw new Error(JSON.stringify(result.findings));
  return result.stored;
}
const faultsOf = (result: Read<StoredFlow>) =>
  result.ok ? [] : result.findings.map(({ error, pointer }) => [error, pointer]);

describe("a document of the original", () => {
  it("is stored with its id, dates, owners and status, and its extended JSON plain", () => {
    const flow = stored(read(original()));
    expect(flow).toMatchObject({
      id: ID,
      createdAt: CREATED,
      updatedAt: CREATED + 1000,
      revisedAt: CREATED + 1000,
      revision: 1,
      revisedBy: null,
      revisionNote: "Imported.",
      status: "inactive",
      statusSeq: 0,
      startId: null,
      startedBy: null,
      startedIn: null,
      startedAt: null,
      lastError: null,
      deadlineAt: null,
      tries: 0,
      home: TENANT,
      kind: "integration",
      sentStartId: undefined,
    });
    const document = JSON.parse(flow.kept) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(["name", "graph", "owners"]);
    expect(document).toMatchObject({
      owners,
      graph: {
        nodes: [
          { id: "a", componentId: COMPONENT, credentials_id: null, fields: { n: 5, $own: { $x: 1 } } },
          { id: "b", componentId: COMPONENT },
        ],
      },
    });
    expect(flow.kept).toBe(flow.document);
  });

  it.each<[string, unknown, object]>([
    [
      "active",
      "active",
      {
        status: "active",
        startId: "new-start",
        startedBy: USER,
        startedIn: TENANT,
        startedAt: CREATED + 1000,
        deadlineAt: null,
        tries: 0,
      },
    ],
    [
      "starting",
      "starting",
      {
        status: "starting",
        startId: "new-start",
        startedBy: USER,
        startedIn: TENANT,
        startedAt: CREATED + 1000,
        deadlineAt: NOW,
        tries: 1,
      },
    ],
    [
      "stopping",
      "stopping",
      { status: "stopping", startId: "new-start", startedBy: USER, startedAt: null, deadlineAt: NOW, tries: 1 },
    ],
    ["empty", "", { status: "inactive", startId: null }],
    ["null", null, { status: "inactive", startId: null }],
    ["missing", undefined, { status: "inactive", startId: null }],
  ])("of the status %s becomes what the lifecycle goes on from", (_, status, row) => {
    expect(stored(read(original({ status })))).toMatchObject(row);
  });

  it.each<[string, unknown, string | null, string | null, string | null]>([
    ["a tenant alone", [{ id: TENANT, type: "tenant" }], TENANT, TENANT, TENANT],
    ["a user alone", [{ id: USER, type: "user" }], USER, USER, null],
    ["the user behind the tenant", [owners[1], owners[0]], TENANT, USER, TENANT],
    ["others", [{ id: "x", type: "team" }], "x", "x", null],
    ["nobody", [], null, null, null],
    ["none told", undefined, null, null, null],
    ["null", null, null, null, null],
  ])("that is active and owned by %s says who started it", (_, owned, home, startedBy, startedIn) => {
    expect(stored(read(original({ status: "active", owners: owned })))).toMatchObject({ home, startedBy, startedIn });
  });

  it.each<[string, Record<string, unknown>, number, number]>([
    [
      "no dates has those of its id",
      { createdAt: undefined, updatedAt: undefined },
      0x6b0259e4 * 1000,
      0x6b0259e4 * 1000,
    ],
    ["no time of change has that of its making", { updatedAt: undefined }, CREATED, CREATED],
    [
      "dates as plain text",
      { createdAt: "2026-11-22T00:00:00Z", updatedAt: "2026-11-22T00:00:01Z" },
      CREATED,
      CREATED + 1000,
    ],
    ["dates as numbers", { createdAt: { $date: CREATED }, updatedAt: CREATED }, CREATED, CREATED],
  ])("with %s", (_, dates, createdAt, updatedAt) => {
    expect(stored(read(original(dates)))).toMatchObject({ createdAt, updatedAt });
  });

  it("may not say what only an export says", () => {
    const flow = stored(read(original({ revision: 7, statusSeq: 9, startId: "x", instance: { revision: 1 } })));
    expect(flow).toMatchObject({ revision: 1, statusSeq: 0, startId: null });
    expect(flow.kept).not.toContain("instance");
  });

  it.each<[string, Record<string, unknown>, string[][]]>([
    ["no id", { _id: { $oid: "xyz" } }, [["ID_INVALID", "/_id"]]],
    ["an unknown status", { status: "paused" }, [["STATUS_UNKNOWN", "/status"]]],
    ["a status that is no text", { status: { a: 1 } }, [["STATUS_UNKNOWN", "/status"]]],
    ["no graph", { graph: undefined }, [["GRAPH_REQUIRED", "/graph"]]],
    [
      "a dangling edge",
      { graph: { nodes: [{ id: "a" }], edges: [{ source: "a", target: "z" }] } },
      [["EDGE_TARGET_UNKNOWN", "/graph/edges/0/target"]],
    ],
    ["a cron that never fires", { cron: "61 * * * *" }, [["CRON_INVALID", "/cron"]]],
    ["an owner without a type", { owners: [{ id: "x" }] }, [["OWNER_TYPE_REQUIRED", "/owners/0/type"]]],
    ["a date that is none", { createdAt: { $date: "never" } }, [["TIME_INVALID", "/createdAt"]]],
    ["a date before 1970", { createdAt: { $date: "1969-12-31T00:00:00Z" } }, [["TIME_INVALID", "/createdAt"]]],
    ["a date far ahead", { updatedAt: { $date: "2500-01-01T00:00:00Z" } }, [["TIME_INVALID", "/updatedAt"]]],
    [
      "all of it",
      { _id: 5, status: "x", graph: undefined },
      [
        ["ID_INVALID", "/_id"],
        ["STATUS_UNKNOWN", "/status"],
        ["GRAPH_REQUIRED", "/graph"],
      ],
    ],
    ["more than 1 MiB", { flowSettings: "x".repeat(1024 * 1024) }, [["BODY_TOO_LARGE", ""]]],
  ])("with %s is refused", (_, changed, faults) => {
    expect(faultsOf(read(original(changed)))).toEqual(faults);
  });

  it("that is refused is told by its id", () => {
    expect(read(original({ status: "x" }))).toMatchObject({ ok: false, id: ID });
  });
});

const exported = (changed: Record<string, unknown> = {}) => ({
  id: ID,
  status: "active",
  createdAt: "2026-11-22T00:00:00.000Z",
  updatedAt: "2026-11-22T00:00:02.000Z",
  revision: 4,
  revisedAt: "2026-11-22T00:00:01.000Z",
  revisionNote: "Name changed.",
  statusSeq: 2,
  startId: "start",
  startedBy: "me",
  startedIn: null,
  startedAt: "2026-11-22T00:00:02.000Z",
  lastError: { code: "FLOW_FAILED", reason: "It did.", at: "2026-11-22T00:00:00.000Z" },
  name: "A flow",
  graph: { nodes: [{ id: "a", fields: { since: { $date: "2026-11-22T00:00:00.000Z" } } }], edges: [] },
  owners,
  ...changed,
});

describe("a line of an export", () => {
  it("is stored with all that it says, and its own dollars stay", () => {
    const flow = stored(read(exported()));
    expect(flow).toMatchObject({
      revision: 4,
      revisedAt: CREATED + 1000,
      revisionNote: "Name changed.",
      statusSeq: 2,
      startId: "start",
      sentStartId: "start",
      startedBy: "me",
      startedIn: null,
      startedAt: CREATED + 2000,
    });
    expect(JSON.parse(flow.lastError!)).toMatchObject({ code: "FLOW_FAILED" });
    expect(flow.kept).toContain('{"$date":"2026-11-22T00:00:00.000Z"}');
  });

  it("keeps the order of its keys where it says the same, and is brought into order where it does not", () => {
    const { graph, name, ...rest } = exported();
    const turned = stored(read({ graph, name, ...rest }));
    expect(Object.keys(JSON.parse(turned.kept) as object)).toEqual(["graph", "name", "owners"]);
    const wider = stored(read({ graph: { ...graph, nodes: [{ ...graph.nodes[0], unknown: 1 }] }, name, ...rest }));
    expect(Object.keys(JSON.parse(wider.kept) as object)).toEqual(["name", "graph", "owners"]);
  });

  it("that is active without a start gets one", () => {
    expect(stored(read(exported({ startId: null })))).toMatchObject({ startId: "new-start", sentStartId: null });
  });

  it.each([
    ["revision", 0],
    ["statusSeq", -1],
    ["startId", 5],
    ["startedBy", ""],
    ["revisionNote", "x".repeat(501)],
    ["lastError", "no"],
  ])("with a %s of %j is refused", (key, value) => {
    expect(faultsOf(read(exported({ [key]: value })))).toEqual([["WRONG_TYPE", `/${key}`]]);
  });

  it.each(["startedAt", "revisedAt"])("with a %s that is no time is refused", (key) => {
    expect(faultsOf(read(exported({ [key]: "never" })))).toEqual([["TIME_INVALID", `/${key}`]]);
  });

  const instance = exported({
    graph: undefined,
    fromTemplate: "5CA5c44c187c040010a9bb8d",
    instance: { revision: 3, values: { a: 1 } },
  });

  it("of an instance is read with the graph of its template and kept without", () => {
    const flow = stored(read(instance));
    expect(JSON.parse(flow.document)).toMatchObject({ graph: { nodes: [{ id: "t" }] } });
    expect(JSON.parse(flow.kept)).not.toHaveProperty("graph");
    expect(JSON.parse(flow.kept)).toMatchObject({ instance: { revision: 3, values: { a: 1 } } });
    expect(formNeeded(plainLine(instance))).toBe("5ca5c44c187c040010a9bb8d/3");
  });

  it.each<[string, Record<string, unknown>, string[][]]>([
    [
      "whose template's revision is not here",
      { instance: { revision: 4, values: {} } },
      [["TEMPLATE_REVISION_NOT_FOUND", "/fromTemplate"]],
    ],
    [
      "whose template is not here",
      { fromTemplate: "0".repeat(24) },
      [["TEMPLATE_REVISION_NOT_FOUND", "/fromTemplate"]],
    ],
    ["of no template", { fromTemplate: undefined }, [["TEMPLATE_REVISION_NOT_FOUND", "/fromTemplate"]]],
    ["that is no object", { instance: 3 }, [["WRONG_TYPE", "/instance"]]],
    ["whose values are no object", { instance: { revision: 3, values: [] } }, [["WRONG_TYPE", "/instance"]]],
  ])("of an instance %s is refused", (_, changed, faults) => {
    expect(faultsOf(read({ ...instance, ...changed }))).toEqual(faults);
  });
});
