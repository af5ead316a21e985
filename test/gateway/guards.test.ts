import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { findFlow } from "../../src/flows/store.ts";
import { openApi } from "../../src/gateway/open.ts";
import { as, type Caller } from "../support/api.ts";
import { apiOf, callGateway, entry, flowsOf, freshBase, liveApi, renewGateway } from "../support/gateway.ts";
import { everyPermission, flowOf, newId, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

const told = ({ headers }: Response) => ["service-worker-allowed", "clear-site-data"].map((name) => headers.get(name));

let caller: Caller;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  caller = await someone();
});
beforeEach(() => {
  asked = replaceNetwork(({ headers }) => Response.json({ card: "4111", key: headers.get("x-api-key") }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const opened = async (owner: Caller, basePath: string) => {
  const id = await flowOf(owner, { kind: "api", graph: undefined, api: apiOf({ basePath, flows: flowsOf() }) });
  return openApi(databaseOf(env.DB), env, (await findFlow(databaseOf(env.DB), id, null))!, Date.now());
};

describe("a base path keeps others away", () => {
  it("from itself, from below it and from above it, also while it is stopped; not its owner", async () => {
    const stranger = await someone();
    const base = freshBase();
    const { id } = await liveApi(caller, apiOf({ basePath: `${base}/v1`, flows: flowsOf() }));
    const taken = "Another API stands";
    const around = [`${base}/v1`, `${base}/v1/orders`, base];
    for (const path of around) expect(await opened(stranger, path)).toContain(taken);
    expect(await opened(stranger, `${base}/v10`)).toBeUndefined();
    await env.DB.prepare("UPDATE flows SET status = 'inactive', updated_at = ? WHERE id = ?")
      .bind(Date.now(), id)
      .run();
    for (const path of around) expect(await opened(stranger, path)).toContain(taken);
    await env.DB.prepare("UPDATE flows SET updated_at = 0 WHERE id = ?").bind(id).run();
    expect(await opened(stranger, `${base}/v1/orders`)).toBeUndefined();
    expect(await opened(caller, base)).toContain(taken);
  });

  it("a host name of its own serves no API that does not stand there", async () => {
    const { base } = await liveApi(caller);
    const at = (host: string) => exports.default.fetch(`https://${host}/gateway${base}/orders/1`);
    expect((await at("flows.test")).status).toBe(200);
    expect((await at("own.example.com")).status).toBe(404);
  });
});

describe("what would go past an interceptor", () => {
  it("a range of an answer that is looked at; a method in a header", async () => {
    const { base } = await liveApi(
      caller,
      apiOf({ flows: flowsOf([], [entry("mask", "mask", { fields: ["card"] })]) }),
    );
    const headers = { range: "bytes=8-25", "if-range": '"1"', "x-http-method-override": "DELETE" };
    const answer = await callGateway(base, "/orders/1", { headers });
    expect(await answer.json()).toMatchObject({ card: "****" });
    expect(Object.keys(headers).map((name) => asked[0]!.headers.get(name))).toEqual([null, null, null]);
  });

  it.each([
    ["application/json, text/plain", "[[[[1]]]]", "JSON_REFUSED"],
    ["text/plain,application/json", "[[[[1]]]]", "JSON_REFUSED"],
    ["application/json", '{"admin":true}{', "JSON_REFUSED"],
    ["application/xml, text/plain", "<a><b><c/></b></a>", "XML_REFUSED"],
    ["application/json", '{"admin":true}', "CONDITION_REFUSED"],
  ])("a body of the type %s: %s", async (type, body, code) => {
    const request = [
      entry("condition", "condition", {
        expression: "$not(body.admin = true)",
        readsBody: true,
        refuse: { status: 403 },
      }),
      entry("json", "jsonThreat", { maxDepth: 2 }),
      entry("xml", "xmlThreat", { maxDepth: 2 }),
    ];
    const { base } = await liveApi(caller, apiOf({ flows: flowsOf(request) }));
    const answer = await callGateway(base, "/orders/1", { method: "POST", body, headers: { "content-type": type } });
    expect(await answer.json()).toMatchObject({ code });
    expect(asked).toEqual([]);
  });

  it("a cache, for whoever is told by a header of their own", async () => {
    const { base } = await liveApi(caller, apiOf({ flows: flowsOf([entry("cache", "cache", {})]) }));
    const keyOf = async (key: string) =>
      (await (await callGateway(base, "/orders/1", { headers: { "x-api-key": key } })).json<{ key: string }>()).key;
    expect([await keyOf("a"), await keyOf("b"), await keyOf("a")]).toEqual(["a", "b", "a"]);
  });
});

it("what runs on every answer runs on one that was refused on the response too", async () => {
  const response = [
    entry("cors", "cors", { origins: ["https://app.example.com"] }),
    entry("refuse", "condition", { expression: "false", refuse: { status: 409 } }),
    entry("late", "header", { set: { "x-late": "1" } }),
  ];
  const { base } = await liveApi(caller, apiOf({ flows: flowsOf([], response) }));
  const answer = await callGateway(base, "/orders/1", { headers: { origin: "https://app.example.com" } });
  expect([answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("x-late")]).toEqual([
    409,
    "https://app.example.com",
    null,
  ]);
});

it("what a save makes live runs in the name of the one who saved it", async () => {
  const tenant = newId();
  const [first, second] = await Promise.all(
    [newId(), newId()].map((sub) => as({ sub, tenant, permissions: everyPermission })),
  );
  const api = apiOf({ flows: flowsOf() });
  const { id } = await liveApi(first!, api);
  const changed = { ...api, flows: flowsOf([entry("x", "header", { set: { "x-x": "1" } })]) };
  await second!.call("replaceApiDraft", { params: { id }, body: changed });
  expect((await second!.call("saveApi", { params: { id }, body: {} })).status).toBe(200);
  const row = await env.DB.prepare("SELECT started_by FROM flows WHERE id = ?").bind(id).first("started_by");
  expect(row).toBe(second!.sub);
});

it("what an API says of its whole origin is left out where that is everybody's", async () => {
  replaceNetwork(() => new Response("x", { headers: { "service-worker-allowed": "/", "clear-site-data": '"*"' } }));
  const { base } = await liveApi(caller, apiOf({ flows: flowsOf(), hostnames: ["api.example.com"] }));
  await renewGateway();
  expect(told(await callGateway(base, "/orders/1"))).toEqual([null, null]);
  expect(told(await exports.default.fetch(`https://api.example.com${base}/orders/1`))).toEqual(["/", '"*"']);
});

it("the view of a scope may be put back as it is, and changes nothing", async () => {
  const api = apiOf({ flows: flowsOf([entry("x", "header", { set: { "x-x": "1" } })]) });
  const added = await caller.call("addFlow", { body: { name: "Orders", kind: "api", api } });
  const { id } = added.body.data;
  const scopes = [
    { resource: "all", operation: "all" },
    { resource: "order", operation: "get" },
  ];
  for (const scope of scopes) {
    const params = { id, ...scope };
    await caller.call("replaceApiFlow", { params, body: (await caller.call("getApiFlow", { params })).body.data });
    const { own, destination, request } = (await caller.call("getApiFlow", { params })).body.data;
    const url = "https://backend.example";
    expect([own, destination.url, request.length]).toEqual([scope.resource === "all" ? { url } : null, url, 1]);
  }
});

it("a save needs no body", async () => {
  const api = apiOf({ flows: flowsOf() });
  const { id } = (await caller.call("addFlow", { body: { kind: "api", api } })).body.data;
  await caller.call("replaceApiDraft", { params: { id }, body: { ...api, settings: { traceSampling: 1 } } });
  expect((await caller.call("saveApi", { params: { id }, raw: "" })).status).toBe(200);
});
