import { beforeAll, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { apiOf, flowsOf, freshBase } from "../support/gateway.ts";
import { flowOf, someone } from "../support/given.ts";

let caller: Caller;
beforeAll(async () => {
  caller = await someone();
});

const errors = (answer: Answer) => [
  answer.status,
  ...answer.body.errors.map(({ error, pointer }: { error: string; pointer?: string }) =>
    pointer === undefined ? error : `${error} ${pointer}`,
  ),
];
const document = "openapi: 3.1.0\ninfo: { title: Orders, version: '1' }\npaths: { /orders: { get: {} } }\n";
const asText = { raw: document, headers: { "content-type": "application/yaml" } };
const imported = (more: object = {}, query: Record<string, string> = {}) =>
  caller.call("importApi", { ...asText, query, ...more });

describe("an import", () => {
  it("takes JSON and YAML under any of their names, and makes a flow of kind api", async () => {
    const asJson = JSON.stringify({
      openapi: "3.0.3",
      info: { title: "T", version: "1" },
      paths: { "/a": { get: {} } },
    });
    const types = ["application/yaml; charset=utf-8", "text/yaml", "application/x-yaml", "text/plain"];
    for (const [type, raw] of [["application/json", asJson], ...types.map((one) => [one, document])]) {
      const answer = await imported({ raw, headers: { "content-type": type } }, { basePath: freshBase() });
      expect([type, answer.status]).toEqual([type, 201]);
      const flow = (await caller.call("getFlowById", { params: { id: answer.body.data.id } })).body.data;
      const resources = [{ operations: [{ method: "GET" }] }];
      expect(flow).toMatchObject({ kind: "api", status: "inactive", api: { resources } });
    }
  });

  it("takes name and base path as asked, and the first server as destination", async () => {
    const raw = `${document}servers: [{ url: "https://b.example.com/v2" }]\nwebhooks: { gone: {} }\n`;
    const basePath = freshBase();
    const { body } = await imported({ raw }, { basePath, name: "Mine" });
    expect(body).toMatchObject({
      data: { name: "Mine", basePath, resources: 1, draft: null },
      meta: { warnings: [{ pointer: "/webhooks" }] },
    });
    const draft = (await caller.call("getApiDraft", { params: { id: body.data.id } })).body.data;
    expect(draft.flows.all.destination).toEqual({ url: "https://b.example.com/v2" });
  });

  it("is refused in words that say why", async () => {
    const cases: [string, object, Record<string, string>, unknown[]][] = [
      ["of no OpenAPI", { raw: "hello: world" }, {}, [422, "VERSION_REQUIRED "]],
      ["of Swagger 2", { raw: "swagger: '2.0'" }, {}, [422, "SWAGGER_UNSUPPORTED /swagger"]],
      ["of broken YAML", { raw: "a: [" }, {}, [422, expect.any(String)]],
      ["of nothing", { raw: " " }, {}, [400, "INVALID_BODY"]],
      ["of XML", { headers: { "content-type": "application/xml" } }, {}, [415, "UNSUPPORTED_MEDIA_TYPE"]],
      ["of more than 1 MiB", { raw: document.padEnd(1024 * 1024 + 1) }, {}, [413, "BODY_TOO_LARGE"]],
      ["to a base path that is none", {}, { basePath: "orders" }, [400, "INVALID_PARAMETER"]],
    ];
    for (const [what, more, query, expected] of cases) {
      expect([what, ...errors(await imported(more, query))]).toEqual([what, ...expected]);
    }
  });

  it("into a draft replaces its resources and keeps the flows whose scopes are still there", async () => {
    const resources = [
      {
        id: "a",
        path: "/a",
        operations: [
          { id: "get", method: "GET" },
          { id: "post", method: "POST" },
        ],
      },
      { id: "b", path: "/b", operations: [{ id: "get", method: "GET" }] },
    ];
    const own = { request: [], response: [] };
    const flows = {
      ...flowsOf(),
      resources: { a: { operations: { get: own, post: own } }, b: { all: own, operations: { get: own } } },
    };
    const api = apiOf({ resources, flows });
    const id = await flowOf(caller, { kind: "api", graph: undefined, api });
    const call = (operationId: string, more: object = {}) => caller.call(operationId, { params: { id }, ...more });
    const paths = { "/a": { get: { operationId: "get" } }, "/c": { get: {} } };
    const raw = JSON.stringify({ openapi: "3.1.0", info: { title: "T", version: "1" }, paths });
    const answer = await call("importIntoApi", { raw, headers: { "content-type": "application/json" } });
    const { data } = (await call("getApiDraft")).body;
    expect(answer.body.data).toMatchObject({ resources: 2, draft: { edits: 1 } });
    expect(data.resources.map(({ path }: { path: string }) => path)).toEqual(["/a", "/c"]);
    expect([data.basePath, data.flows.all]).toEqual([api.basePath, flowsOf().all]);
    expect(data.flows.resources).toEqual({ a: { operations: { get: own } } });
    expect(answer.body.meta.removed).toEqual(
      expect.arrayContaining([
        { resource: "a", operation: "post" },
        { resource: "b", operation: "all" },
        { resource: "b", operation: "get" },
      ]),
    );
    const stale = { raw, headers: { "content-type": "application/json", "if-match": '"1-0"' } };
    expect(errors(await call("importIntoApi", stale))).toEqual([412, "PRECONDITION_FAILED"]);
  });
});
