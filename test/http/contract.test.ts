import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Call, Caller } from "../support/api.ts";
import { OWNERSHIP, admin, flowOf, loner, newId, settle, someone, strictFlow } from "../support/given.ts";
import { deliverMessages, recordQueues } from "../support/queues.ts";

const strict = { FLOW_VALIDATION: "strict" };
const componentId = "5ca5c44c187c040010a9bb8b";
const node = (more: object = {}) => ({ id: "n1", componentId, function: "f", ...more });
const flow = (more: object = {}) => ({ ...strictFlow(), ...more });
const graph = (nodes: unknown, edges: unknown = []) => flow({ graph: { nodes, edges } });
const edge = (more: object) => graph([node(), node({ id: "n2" })], [{ source: "n1", target: "n2", ...more }]);
const [of31, of11] = ["x".repeat(31), "y".repeat(11)];

const noId = (leaf: string) =>
  `Cast to ObjectId failed for value "abc" (type string) at path "${leaf}" because of "BSONTypeError"`;
const noEntry = (leaf: string) =>
  `Cast to embedded failed for value "x" (type string) at path "${leaf}" because of "ObjectParameterError"`;
const noString = 'Cast to string failed for value "{ a: 1 }" (type Object) at path "name"';
const noGraph = 'Cast to Embedded failed for value "x" (type string) at path "graph" because of "ObjectExpectedError"';
const tooLong = (leaf: string, value: string, most: number) =>
  `Path \`${leaf}\` (\`${value}\`) is longer than the maximum allowed length (${most}).`;
const noStatus = "Flow status cannot be set manually. Use the flow start/stop end points instead.";
const noEnd = (end: string, id: string) => `Edge ${end} with id "${id}" could not be found among nodes.`;

/** What the original says of a flow, to the letter. */
const wrong: [string, object, ...string[]][] = [
  ["a name that is no text", flow({ name: { a: 1 } }), noString],
  ["a componentId that is no id", graph([node({ componentId: "abc" })]), noId("componentId")],
  ["a credentials_id that is no id", graph([node({ credentials_id: "abc" })]), noId("credentials_id")],
  ["a fromTemplate that is no id", flow({ fromTemplate: "abc" }), noId("fromTemplate")],
  ["a graph that is a text", flow({ graph: "x" }), noGraph],
  ["nodes that are a text", graph("x"), noEntry("nodes")],
  ["edges that are a text", graph([node()], "x"), noEntry("edges")],
  ["owners that are a text", flow({ owners: "x" }), noEntry("owners")],
  ["no graph", flow({ graph: undefined }), "Flows require a graph."],
  ["a graph that is null", flow({ graph: null }), "Flows require a graph."],
  ["a node without a function", graph([node({ function: "" })]), "Flow nodes require a function."],
  ["a node without a componentId", graph([node({ componentId: null })]), "Flow nodes require a componentId."],
  ["a node without an id", graph([node({ id: undefined })]), "Flow nodes require an id."],
  ["a node's id of 31 characters", graph([node({ id: of31 })]), tooLong("id", of31, 30)],
  ["no nodes", graph([]), "Flows require at least one node."],
  ["an edge without a target", edge({ target: "" }), "Flow edges require a target.", noEnd("target", "")],
  [
    "an edge without a source",
    edge({ source: undefined }),
    "Flow edges require a source.",
    noEnd("source", "undefined"),
  ],
  ["an edge's id of 11 characters", edge({ id: of11 }), tooLong("id", of11, 10)],
  ["a condition of 31 characters", edge({ config: { condition: of31 } }), tooLong("config.condition", of31, 30)],
  ["two nodes without edges", graph([node(), node({ id: "n2" })]), "Flows with more than one node require edges."],
  ["an owner without a type", flow({ owners: [{ id: newId() }] }), "Flow owners require a type."],
  ["an owner without an id", flow({ owners: [{ type: "user" }] }), "Flow owners require an id."],
  ["a status of its own", flow({ status: "active" }), noStatus],
  ["an edge from nowhere", edge({ source: "n9" }), noEnd("source", "n9")],
  ["an edge to nowhere", edge({ target: "n9" }), noEnd("target", "n9")],
  ["a cron expression that is none", flow({ cron: "@daily" }), "Invalid cron expression."],
];

describe("a flow that the original refuses is refused in its words", () => {
  it.each(wrong)("for %s, and not stored", async (_, body, ...messages) => {
    const caller = await admin();
    expect(await refusalsOf(caller, body)).toEqual(messages.map((message) => [message, 400]));
    const stored = env.DB.prepare(`SELECT count(*) AS n FROM ${OWNERSHIP} WHERE owner_id = ?`).bind(caller.sub);
    expect(await stored.first("n")).toBe(0);
  });

  it("and in its order, whatever is wrong at once", async () => {
    const nodes = [{}, { id: of31, componentId: "abc" }];
    const edges = [{}, { source: "n8", target: "n9", id: of11, config: { condition: of31 } }];
    const body = { cron: "x", status: "active", owners: [{}], graph: { edges, nodes }, name: { a: 1 } };
    expect((await refusalsOf(await admin(), body)).map(([message]) => message)).toEqual([
      noString,
      noId("componentId"),
      "Flow nodes require a function.",
      "Flow nodes require a componentId.",
      "Flow nodes require an id.",
      "Flow nodes require a function.",
      tooLong("id", of31, 30),
      "Flow edges require a target.",
      "Flow edges require a source.",
      tooLong("id", of11, 10),
      tooLong("config.condition", of31, 30),
      "Flow owners require a type.",
      "Flow owners require an id.",
      noStatus,
      noEnd("source", "n8"),
      noEnd("target", "n9"),
      "Invalid cron expression.",
    ]);
  });
});

describe("the tenant of a command", () => {
  it.each([
    ["the one that owns the flow, if the flow names none", {}],
    ["the one that owns the flow, if the flow names a foreign one", { tenant: newId() }],
  ])("is %s", async (_, changed) => {
    const caller = await someone();
    expect(await commandPayload(caller, changed)).toMatchObject({ tenant: caller.tenant, startedBy: caller.sub });
  });

  it("is left out if no tenant owns the flow", async () => {
    expect(await commandPayload(await loner(), { tenant: newId() })).not.toHaveProperty("tenant");
  });
});

describe("the database goes by a key", () => {
  it("to find a flow by its id within the caller's reach", async () => {
    const caller = await someone();
    const plans = await plansOf(caller, "getFlowById", { params: { id: await flowOf(caller) } });
    expect(plans).toHaveLength(1);
    expect(plans[0]).toContainEqual(byId);
    expect(plans[0]).toContainEqual(bySharer);
    expect(scansIn(plans)).toEqual([]);
  });

  it.each([
    "",
    "sort=-updatedAt",
    "sort=name",
    "page[number]=3",
    "filter[status]=active,starting",
    "filter[type]=ordinary&sort=name",
    "filter[user]=5c0000000000000000000002",
    "filter[createdFrom]=2026-01-01T00:00:00Z",
    "search=ab",
    "search=abc",
    "search=abc&sort=-name",
    "filter[componentId]=5ca5c44c187c040010a9bb8b&filter[type]=ordinary",
  ])("to find which flows the caller owns, with %j", async (query) => {
    const caller = await someone();
    await flowOf(caller);
    const [total, page, ...more] = await plansOf(caller, "getFlows", { query });
    expect(more).toEqual([]);
    const ways = query.startsWith("filter[user]") ? [byOwnerAndHome] : [byShareAndHome];
    for (const plan of [total!, page!]) for (const way of ways) expect(plan).toContainEqual(way);
    expect(page).toContainEqual(byPlace);
    expect(scansIn([total!, page!])).toEqual([]);
  });

  it.each(["", "sort=-createdAt", "sort=name", "sort=-name"])(
    "to list the flows of all, with %j: in order, and no further than the page",
    async (query) => {
      const [total, page] = await plansOf(await admin(), "getFlows", { query });
      expect(total).toContainEqual(expect.stringMatching(/^SEARCH flow_counts USING PRIMARY KEY \(scope=\?\)$/));
      expect(scansIn([total!])).toEqual([]);
      expect(scansIn([page!]).filter((step) => !/^SCAN flows(?: USING INDEX flows_name)?$/.test(step))).toEqual([]);
      expect(page!.filter((step) => /TEMP B-TREE FOR ORDER BY/.test(step))).toEqual([]);
    },
  );

  it.each<[string, string, (id: string, other: string) => Call]>([
    ["edit a flow", "updateFlow", (id) => ({ params: { id }, body: { name: "x" } })],
    ["edit several", "updateFlowBulk", (...ids) => ({ body: ids.map((id) => ({ id, name: "x" })) })],
    ["delete a flow", "deleteFlow", (id) => ({ params: { id } })],
    ["start several", "startMultipleFlows", (...ids) => ({ body: ids })],
  ])("to %s", async (_, operationId, requestOf) => {
    const caller = await someone();
    const plans = await plansOf(caller, operationId, requestOf(await flowOf(caller), await flowOf(caller)));
    expect(plans.filter((plan) => plan.some((step) => step.startsWith("SEARCH flows "))).length).toBeGreaterThan(1);
    const otherwise = plans
      .flat()
      .filter((step) => /^SEARCH flows (?!USING INDEX flows_id_unique \(id=\?\)$)/.test(step));
    expect(otherwise).toEqual([]);
    expect(scansIn(plans)).toEqual([]);
  });

  it("to take a deleted account off its flows", async () => {
    const caller = await loner();
    await flowOf(caller);
    await flowOf(caller);
    const message = { headers: { name: "iam.user.deleted" }, payload: { id: caller.sub } };
    const told = { id: newId(), timestamp: new Date(), attempts: 1, body: message };
    const plans = await plansDuring((DB) => deliverMessages("flow-reports", [told], { DB }));
    expect(plans.flat()).toContainEqual(byHome);
    expect(plans.flat()).toContainEqual(byShare);
    expect(plans.flat()).toContainEqual(byId);
    expect(plans.flat().filter((step) => /^SEARCH flows .*status/.test(step))).toEqual([]);
    expect(scansIn(plans)).toEqual([]);
  });
});

const byId = expect.stringMatching(/^SEARCH flows USING INDEX flows_id_unique \(id=\?\)$/);
const byPlace = expect.stringMatching(/^SEARCH flows USING INTEGER PRIMARY KEY \(rowid=\?\)$/);
const byHome = expect.stringMatching(/^SEARCH flows USING (?:COVERING )?INDEX flows_home_\w+ \(home=\?/);
const bySharer = expect.stringMatching(/^SEARCH flow_shares USING PRIMARY KEY \(owner_id=\? AND home=\? AND pos=\?\)$/);
const byShare = expect.stringMatching(/^SEARCH flow_shares USING PRIMARY KEY \(owner_id=\?\)$/);
const byOwnerAndHome = expect.stringMatching(/^SEARCH flow_shares USING PRIMARY KEY \(owner_id=\? AND home=\?\)$/);
const byShareAndHome = expect.stringMatching(
  /^SEARCH shared USING PRIMARY KEY \(owner_id=\? AND home>\? AND home<\?\)$/,
);

/** Steps that go through a whole table; not those through parameters, parts of the statement, or what an index finds. */
const scansIn = (plans: readonly string[][]): string[] =>
  plans
    .flat()
    .filter((step) => step.startsWith("SCAN"))
    .filter(
      (step) => !/^SCAN (?:\d+[- ]|CONSTANT ROW|\(subquery-\d+\)|page$|span$|owned$|choice$|json_each )/.test(step),
    )
    .filter((step) => !/^SCAN flow_search VIRTUAL TABLE INDEX \d+:M\d+$/.test(step));

async function refusalsOf(caller: Caller, body: object): Promise<[message: string, code: number][]> {
  const answer = await caller.call("addFlow", { body, env: strict });
  expect(answer.status).toBe(400);
  return (answer.body.errors as { message: string; code: number }[]).map(({ message, code }) => [message, code]);
}

/** What the orchestrator is told when the flow is started. */
async function commandPayload(caller: Caller, changed: Record<string, unknown>) {
  const id = await flowOf(caller, changed);
  const sent = await recordQueues(id);
  await caller.call("startFlow", { params: { id } });
  await settle(id);
  return sent.find((message) => message.queue === "commands")!.body.payload;
}

/** How the database goes about each statement of a request. */
const plansOf = (caller: Caller, operationId: string, request: Call): Promise<string[][]> =>
  plansDuring(async (DB) => {
    expect((await caller.call(operationId, { ...request, env: { DB } })).status).toBe(200);
  });

async function plansDuring(act: (DB: object) => Promise<unknown>): Promise<string[][]> {
  const asked: { sql: string; values: unknown[] }[] = [];
  const session = env.DB.withSession("first-primary");
  const prepare = (sql: string) => {
    const statement = session.prepare(sql);
    const bind = (...values: unknown[]) => {
      asked.push({ sql, values });
      return statement.bind(...values);
    };
    return { bind };
  };
  const batch = (statements: D1PreparedStatement[]) => session.batch(statements);
  const DB = { withSession: () => ({ prepare, batch, getBookmark: () => session.getBookmark() }) };
  await act(DB);
  const explain = ({ sql, values }: (typeof asked)[number]) =>
    env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
  const plans = await Promise.all(asked.map(explain));
  return plans.map(({ results }) => results.map(({ detail }) => detail));
}
