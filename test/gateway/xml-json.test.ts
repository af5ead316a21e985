import { afterEach, beforeAll, expect, it, vi } from "vitest";

import { apiOf, callGateway, entry, flowsOf, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

const lists: Record<string, [request: object[], response: object[]]> = {
  json: [[entry("jt", "jsonThreat", { maxDepth: 2 })], []],
  xml: [[entry("xt", "xmlThreat", { maxDepth: 2 })], []],
  to: [[entry("in", "jsonXml", { to: "xml" })], [entry("out", "jsonXml", { to: "json" })]],
  back: [
    [entry("in-2", "jsonXml", { to: "json", attributePrefix: "_" })],
    [entry("out-2", "jsonXml", { to: "xml", root: "all" })],
  ],
};

let base = "";
beforeAll(async () => {
  const resources = Object.fromEntries(
    Object.entries(lists).map(([id, [request, response]]) => [id, { all: { request, response }, operations: {} }]),
  );
  const paths = Object.keys(lists).map((id) => ({ id, path: `/${id}`, operations: [{ id: "post", method: "POST" }] }));
  ({ base } = await liveApi(await someone(), apiOf({ resources: paths, flows: { ...flowsOf(), resources } })));
});
afterEach(() => vi.restoreAllMocks());

const post = (path: string, type: string, body: string) =>
  callGateway(base, path, { method: "POST", headers: { "content-type": type }, body });
const problem = async (answer: Response) => [answer.status, (await answer.json<{ code: string }>()).code];

it("JSON above a limit is refused with the limit and the place, and other bodies pass untouched", async () => {
  const asked = replaceNetwork(() => new Response("ok"));
  const refused = await post("/json", "application/json; charset=utf-8", '{"a":[{"secret":1}]}');
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { code: "JSON_REFUSED", detail: "It is above maxDepth, which is 2, at character 7." },
  ]);
  const broken = await post("/json", "application/vnd.a+json", "{secret}");
  expect([broken.status, await broken.json()]).toMatchObject([400, { detail: "It is no JSON, at character 2." }]);
  expect(asked).toEqual([]);
  const passing: [string, string][] = [
    ["application/json", '{"a":[ 1 ]}'],
    ["application/json", ""],
    ["text/plain", "[[[["],
  ];
  for (const [type, body] of passing) expect((await post("/json", type, body)).status).toBe(200);
  expect(asked.map(({ body }) => body ?? "")).toEqual(passing.map(([, body]) => body));
});

it("XML above a limit or with a document type is refused, and other bodies pass untouched", async () => {
  const asked = replaceNetwork(() => new Response("ok"));
  const refused = await post("/xml", "text/xml", "<a>\n<b><secret/></b></a>");
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { code: "XML_REFUSED", detail: "It is above maxDepth, which is 2. Line 2." },
  ]);
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>';
  expect(await problem(await post("/xml", "application/soap+xml", bomb))).toEqual([400, "XML_REFUSED"]);
  expect(asked).toEqual([]);
  const passing: [string, string][] = [
    ["application/xml", "<a> <b/> </a>"],
    ["application/xml", ""],
    ["text/plain", bomb],
  ];
  for (const [type, body] of passing) expect((await post("/xml", type, body)).status).toBe(200);
  expect(asked.map(({ body }) => body ?? "")).toEqual(passing.map(([, body]) => body));
});

it("a body is made into the other format on its way, in both directions", async () => {
  const asked = replaceNetwork(() => new Response('<r x="1">t</r>', { headers: { "content-type": "text/xml" } }));
  const answer = await post("/to", "application/json", '{"n":12345678901234567890.10,"l":["a","b"]}');
  const xml = '<?xml version="1.0" encoding="UTF-8"?><root><n>12345678901234567890.10</n><l>a</l><l>b</l></root>';
  expect([asked[0]!.body, new Headers(asked[0]!.headers).get("content-type")]).toEqual([xml, "application/xml"]);
  expect([await answer.json(), answer.headers.get("content-type")]).toEqual([
    { r: { "@x": "1", "#text": "t" } },
    "application/json",
  ]);

  const others = replaceNetwork(() => Response.json([1, 2]));
  const back = await post("/back", "application/xml", '<a x="1"/>');
  expect(others[0]!.body).toBe('{"a":{"_x":"1"}}');
  expect([await back.text(), back.headers.get("content-type")]).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?><all><item>1</item><item>2</item></all>',
    "application/xml",
  ]);
});

it("what cannot be made is the client's fault on the request, and not on the response", async () => {
  const asked = replaceNetwork(() => new Response("<!DOCTYPE a><a/>", { headers: { "content-type": "text/xml" } }));
  expect(await problem(await post("/to", "application/json", '{"a b":1}'))).toEqual([400, "JSON_REFUSED"]);
  expect(await problem(await post("/to", "application/json", "{"))).toEqual([400, "JSON_REFUSED"]);
  expect(await problem(await post("/back", "application/xml", "<!DOCTYPE a><a/>"))).toEqual([400, "XML_REFUSED"]);
  expect(asked).toEqual([]);
  expect(await problem(await post("/to", "text/plain", "{"))).toEqual([500, "INTERCEPTOR_FAILED"]);
  expect(asked.map(({ body }) => body)).toEqual(["{"]);
});
