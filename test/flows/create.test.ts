import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, exampleFlow, loner, newId, outboxOf, rowOf, settle, someone, strictFlow } from "../support/given.ts";
import { recordQueues } from "../support/queues.ts";

const hexId = /^[0-9a-f]{24}$/;
const isoDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const strict = { FLOW_VALIDATION: "strict" };
/** A courier that does not come, so that what waits for it can be seen. */
const noCourier = { FLOW_OBJECT: { getByName: () => ({ relay: () => Promise.resolve() }) } };
const lostCourier = { FLOW_OBJECT: { getByName: () => ({ relay: () => Promise.reject(new Error("Lost.")) }) } };

const ownersOf = (caller: Caller) => [
  { id: caller.sub, type: "user" },
  ...(caller.tenant === undefined ? [] : [{ id: caller.tenant, type: "tenant" }]),
];
const stored = async (caller: Caller): Promise<number> => (await caller.call("getFlows")).body.meta.total as number;
const waitingOf = async (caller: Caller): Promise<number> => {
  const found = await env.DB.prepare("SELECT count(*) AS n FROM outbox WHERE instr(body, ?) > 0")
    .bind(caller.sub)
    .first("n");
  return found as number;
};

/** What a client may write, in the order of the schema. */
const whole = (caller: Caller) => ({
  name: "WiceToSnazzy",
  description: "A description",
  graph: {
    nodes: [
      {
        id: "n1",
        componentId: "5ca5c44c187c040010a9bb8b",
        function: "f",
        name: "nm",
        credentials_id: "5ca5c44c187c040010a9bb8c",
        description: "d",
        fields: { a: 1 },
        nodeSettings: { x: 1 },
      },
    ],
    edges: [],
  },
  type: "ordinary",
  tenant: "t1",
  owners: ownersOf(caller),
  cron: "*/3 * * * *",
  fromTemplate: "5ca5c44c187c040010a9bb8c",
  flowSettings: { webhooks: { requireWebhookAuth: true } },
});

describe("a stored flow", () => {
  it.each([{}, strict])(
    "is answered key by key, the document first and then what the repository knows, with the settings %j",
    async (settings) => {
      const caller = await someone();
      const { owners, ...sent } = whole(caller);
      const { status, body, headers } = await caller.call("addFlow", {
        body: { status: "inactive", ...sent },
        env: settings,
      });
      const { createdAt, id } = body.data as { createdAt: string; id: string };
      expect([status, id, createdAt]).toEqual([201, expect.stringMatching(hexId), expect.stringMatching(isoDate)]);
      const ours = { revision: 1, statusSeq: 0, startedBy: null, startedAt: null, lastError: null, stalled: false };
      const data = { ...whole(caller), owners, status: "inactive", createdAt, updatedAt: createdAt, id, ...ours };
      expect([headers.get("etag"), headers.get("x-d1-bookmark")]).toEqual(['"1-0"', expect.stringMatching(/^[\w-]+$/)]);
      expect(JSON.stringify(body)).toBe(JSON.stringify({ data, meta: {} }));
    },
  );

  it("is what is read afterwards", async () => {
    const caller = await someone();
    const { data } = (await caller.call("addFlow", { body: exampleFlow() })).body;
    expect((await caller.call("getFlowById", { params: { id: data.id } })).body.data).toEqual(data);
    expect((await caller.call("getFlows")).body.data).toEqual([data]);
  });

  it("has its keys in the order of the schema, whatever the order in which they came", async () => {
    const caller = await someone();
    const { name, graph, type } = strictFlow();
    const { data } = (await caller.call("addFlow", { body: { cron: null, type, graph, name } })).body;
    const known = ["name", "graph", "type", "owners", "cron", "status", "createdAt", "updatedAt", "id"];
    expect(Object.keys(data as object).slice(0, known.length)).toEqual(known);
  });

  it("gets id, times and status from the repository, whatever the client says", async () => {
    const caller = await someone();
    const other = (await caller.call("addFlow", { body: exampleFlow() })).body.data as { id: string };
    const times = {
      createdAt: "2001-01-01T00:00:00.000Z",
      updatedAt: "garbage",
      startedAt: "2001-01-01T00:00:00.000Z",
    };
    const more = { revision: 9, statusSeq: 9, lastError: { code: "FLOW_FAILED" }, stalled: true, __v: 7 };
    const sent = {
      ...exampleFlow(),
      _id: other.id,
      id: other.id,
      status: "inactive",
      startedBy: caller.sub,
      ...times,
      ...more,
    };
    const { status, body } = await caller.call("addFlow", { body: sent });
    expect(status).toBe(201);
    expect(body.data.id).not.toBe(other.id);
    expect(Math.abs(Date.now() - Date.parse(body.data.createdAt as string))).toBeLessThan(60_000);
    expect(body.data).toMatchObject({ updatedAt: body.data.createdAt, startedAt: null, startedBy: null, revision: 1 });
    expect(body.data).toMatchObject({ statusSeq: 0, lastError: null, stalled: false, status: "inactive" });
    expect(await stored(caller)).toBe(2);
  });

  it.each([null, "", "inactive"])(
    "is inactive if the status %j was sent, and can be edited and deleted",
    async (status) => {
      const caller = await someone();
      const { data } = (await caller.call("addFlow", { body: { ...exampleFlow(), status } })).body;
      expect(data.status).toBe("inactive");
      const params = { id: data.id as string };
      expect((await caller.call("updateFlow", { params, body: { name: "x" } })).status).toBe(200);
      expect((await caller.call("deleteFlow", { params })).status).toBe(200);
    },
  );

  it("keeps empty objects and any key where anything may stand", async () => {
    const caller = await someone();
    const kept = '{"a":{},"b":[],"c":null,"$set":{"x.y":1},"__proto__":{"z":{}},"constructor":{}}';
    const node = `{"id":"n1","fields":${kept},"nodeSettings":{"a":{}}}`;
    const edges = `[{"config":{},"source":"n1","target":"n2"},{"config":{"mapper":${kept}},"source":"n1","target":"n2"}]`;
    const graph = `{"nodes":[${node},{"id":"n2","fields":{}}],"edges":${edges}}`;
    const raw = `{"graph":${graph},"flowSettings":{}}`;
    const { status, body } = await caller.call("addFlow", { raw, headers: { "content-type": "application/json" } });
    expect(status).toBe(201);
    expect([JSON.stringify(body.data.graph), JSON.stringify(body.data.flowSettings)]).toEqual([graph, "{}"]);
  });

  it.each([
    ["a NUL", "\u0000"],
    ["half a character", "\ud800"],
    ["any script", "👩‍👩‍👧 Ωmega ﷺ"],
    ["SQL", "'; DROP TABLE flows; --"],
    ["very much text", "ﷺ".repeat(100_000)],
  ])("may be called %s", async (_, name) => {
    const caller = await someone();
    const { status, body } = await caller.call("addFlow", { body: { ...exampleFlow(), name, description: name } });
    expect([status, body.data?.name]).toEqual([201, name]);
    expect((await caller.call("getFlowById", { params: { id: body.data.id } })).body.data.description).toBe(name);
  });
});

describe("a flow that is not right", () => {
  it("is refused with all that is wrong, and not stored", async () => {
    const caller = await someone();
    const body = { name: { a: 1 }, graph: { nodes: [{}] }, status: "active", cron: "@daily" };
    const answer = await caller.call("addFlow", { body, env: { ...strict, ...noCourier } });
    expect(answer.status).toBe(400);
    expect(
      answer.body.errors.map((found: { message: string; code: number; pointer: string }) => [
        found.message,
        found.code,
        found.pointer,
      ]),
    ).toEqual([
      ['Cast to string failed for value "{ a: 1 }" (type Object) at path "name"', 400, "/name"],
      ["Flow nodes require a function.", 400, "/graph/nodes/0/function"],
      ["Flow nodes require a componentId.", 400, "/graph/nodes/0/componentId"],
      ["Flow nodes require an id.", 400, "/graph/nodes/0/id"],
      ["Flow status cannot be set manually. Use the flow start/stop end points instead.", 400, "/status"],
      ["Invalid cron expression.", 400, "/cron"],
    ]);
    expect([await stored(caller), await waitingOf(caller)]).toEqual([0, 0]);
  });

  it("cannot be made active", async () => {
    const caller = await someone();
    const { status, body } = await caller.call("addFlow", { body: { ...exampleFlow(), status: "active" } });
    const message = "Flow status cannot be set manually. Use the flow start/stop end points instead.";
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ message, code: 400, error: "STATUS_NOT_WRITABLE", pointer: "/status" }]);
  });

  it("may be right in the lenient mode and wrong in the strict one", async () => {
    const caller = await someone();
    expect((await caller.call("addFlow", { body: exampleFlow() })).status).toBe(201);
    expect((await caller.call("addFlow", { body: exampleFlow(), env: strict })).status).toBe(400);
    expect((await caller.call("addFlow", { body: strictFlow(), env: strict })).status).toBe(201);
  });

  it("is told and not stumbled over, however odd it is", async () => {
    const caller = await someone();
    const graph = '{"nodes":[{"id":"a"}],"edges":[{"source":{"toString":1,"valueOf":1},"target":"a"}]}';
    const headers = { "content-type": "application/json" };
    expect((await caller.call("addFlow", { raw: `{"graph":${graph}}`, headers })).status).toBe(400);
  });
});

describe("the owners of a new flow", () => {
  it("are its maker and the tenant, whose people see it", async () => {
    const caller = await someone();
    const { data } = (await caller.call("addFlow", { body: exampleFlow() })).body;
    expect(data.owners).toEqual(ownersOf(caller));
    expect(data.tenant).toBeUndefined();
    const colleague = await someone({ tenant: caller.tenant! });
    expect([await stored(colleague), await stored(await someone())]).toEqual([1, 0]);
  });

  it("are only its maker, if there is no tenant", async () => {
    const caller = await loner();
    expect((await caller.call("addFlow", { body: exampleFlow() })).body.data.owners).toEqual(ownersOf(caller));
  });

  it("stay as sent if they are the maker's own, duplicates too", async () => {
    const caller = await someone();
    const [me, us] = ownersOf(caller);
    const owners = [us, me, me];
    expect((await caller.call("addFlow", { body: { ...exampleFlow(), owners } })).body.data.owners).toEqual(owners);
  });

  it("cannot be strangers, at whose place the refusal points", async () => {
    const caller = await someone();
    const victim = await someone();
    const owners = [...ownersOf(caller), { id: victim.tenant, type: "tenant" }];
    const { status, body } = await caller.call("addFlow", { body: { ...exampleFlow(), owners }, env: noCourier });
    expect(status).toBe(403);
    expect(body.errors).toEqual([
      {
        message: "Only yourself, your tenant or, with the permission all, anyone can be made an owner.",
        code: 403,
        error: "OWNER_NOT_ALLOWED",
        pointer: "/owners/2/id",
      },
    ]);
    expect([await stored(caller), await stored(victim), await waitingOf(caller)]).toEqual([0, 0, 0]);
  });

  it("may be anyone if an admin says so", async () => {
    const [caller, other] = [await admin(), await someone()];
    const owners = [{ id: other.tenant, type: "tenant" }];
    const { status, body } = await caller.call("addFlow", { body: { ...exampleFlow(), owners } });
    expect([status, body.data.owners]).toEqual([201, [...owners, { id: caller.sub, type: "user" }]]);
    expect(await stored(other)).toBe(1);
  });

  it("are not those of the template that the flow was made from", async () => {
    const [caller, author] = [await someone(), await someone()];
    const sent = { ...exampleFlow(), fromTemplate: newId(), owners: ownersOf(author) };
    const { status, body } = await caller.call("addFlow", { body: sent });
    expect([status, body.data.owners]).toEqual([201, ownersOf(caller)]);
    expect(await stored(author)).toBe(0);
  });

  it.each([["x"], [5], [{ id: "x" }], [[null]], [["x"]], [[[]]], [[{}]]])(
    "must be a list of owners, not %j",
    async (owners) => {
      const caller = await someone();
      const { status, body } = await caller.call("addFlow", { body: { ...exampleFlow(), owners } });
      expect(status).toBe(400);
      expect(body.errors.map(({ pointer }: { pointer: string }) => pointer.split("/")[1])).toContain("owners");
      expect(await stored(caller)).toBe(0);
    },
  );
});

describe("whoever listens is told of a new flow", () => {
  it.each([
    ["with the maker's tenant", someone],
    ["with an empty tenant, if the maker has none", loner],
  ])("%s", async (_, someoneOf) => {
    const caller: Caller = await someoneOf();
    const { data } = (await caller.call("addFlow", { body: exampleFlow(), env: noCourier })).body;
    const id = data.id as string;
    const waiting = (await outboxOf(id)).map(({ queue, body }) => ({ queue, body: JSON.parse(body) as unknown }));
    const headers = {
      name: "flowrepo.flow.created",
      createdAt: Date.parse(data.createdAt as string),
      serviceName: "flow-repository",
    };
    const payload = { tenant: caller.tenant ?? "", user: caller.sub, flowId: id };
    expect(waiting).toEqual([{ queue: "notices", body: { headers, payload } }]);
    const sent = await recordQueues(id);
    await settle(id);
    expect([sent, await outboxOf(id)]).toEqual([waiting, []]);
  });

  it("also if the courier could not be reached at first", async () => {
    const caller = await someone();
    const { status, body } = await caller.call("addFlow", { body: exampleFlow(), env: lostCourier });
    expect(status).toBe(201);
    expect(await rowOf(body.data.id as string)).toMatchObject({ revision: 1, status: "inactive", status_seq: 0 });
    expect(await outboxOf(body.data.id as string)).toHaveLength(1);
  });
});
