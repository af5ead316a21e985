import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import { Body } from "../../src/gateway/body.ts";
import type { Call, World } from "../../src/gateway/call.ts";
import { javascript } from "../../src/gateway/interceptors/javascript.ts";
import { apiOf, callGateway, entry, flowsOf, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

/** One script for each operation, by the name of its resource: on the request, or on the response. */
const onRequest: Record<string, object> = {
  changes: {
    body: true,
    script: `$request.setHeader("X-Made", $request.getHeader("x-sent") + "!"); $request.removeHeader("x-gone");
      $request.setQuery("b", $request.getQuery("a") + " é"); $request.setBody($request.getBodyAsString().toUpperCase());
      $call.contextVariables.by = $request.getMethod() + " " + $request.getRequestedUrl();`,
  },
  refuses: { script: "$call.decision.setAccept(false)" },
  answers: {
    // As such scripts are written elsewhere, save how a response is made.
    script: `stop(403, "No permission.");
      function stop(status, message) {
        $call.response = new ApiResponse();
        $call.response.setStatus(status);
        $call.response.getBody().setString(JSON.stringify({ message: message }), "utf-8");
        $call.response.setHeader("Content-type", "application/json");
        $call.stopFlow = true;
        $call.decision.setAccept(false);
      }`,
  },
  plain: { script: "$response.body = 'stopped'; $call.stopFlow = true" },
  fails: { script: "$request.setHeader('x-half', '1');\nnull.x" },
  hops: { script: "$request.setHeader('Transfer-Encoding', 'chunked')" },
  breaks: { script: "$request.setHeader('x-a', 'b\\r\\nx-c: d')" },
  endless: { script: "for(;;);" },
};
const onResponse: Record<string, object> = {
  standard: {
    body: true,
    script: `const status = $response.getStatus();
      switch (status) {
        case 503:
          $call.response.getBody().setString(JSON.stringify({ status: String(status), was: $response.body }), "UTF-8");
          $call.response.setHeader("Content-Type", "application/json");
          $call.response.setStatus(502);
          $call.stopFlow = true;
          $call.decision.setAccept(false);
      }`,
  },
  changed: {
    body: true,
    script: "$response.setBody($response.body + '!'); $response.setHeader('x-by', $call.api ? 'api' : 'none')",
  },
  anew: { script: "$response = new ApiResponse(); $response.setBody('new')" },
};

const resource = (id: string) => ({ id, path: `/${id}`, operations: [{ id: "post", method: "POST" }] });
const alone = (list: "request" | "response", id: string, config: object) => [
  id,
  { all: { request: [], response: [], [list]: [entry(`js-${id}`, "javascript", config)] }, operations: {} },
];

let base = "";
beforeAll(async () => {
  const caller = await someone();
  const ids = [...Object.keys(onRequest), ...Object.keys(onResponse), "failing"];
  const resources = Object.fromEntries([
    ...Object.entries(onRequest).map(([id, config]) => alone("request", id, config)),
    ...Object.entries(onResponse).map(([id, config]) => alone("response", id, config)),
    [
      "failing",
      {
        all: {
          request: [
            entry(
              "js-failing",
              "javascript",
              { script: "$request.setHeader('x-half', 1); throw 1" },
              { abortOnFail: false },
            ),
          ],
          response: [],
        },
        operations: {},
      },
    ],
  ]);
  ({ base } = await liveApi(caller, apiOf({ resources: ids.map(resource), flows: { ...flowsOf(), resources } })));
});
beforeEach(() => vi.restoreAllMocks());
afterEach(() => vi.restoreAllMocks());

const post = (path: string, init: RequestInit = {}) =>
  callGateway(base, path, { method: "POST", body: "text", ...init });

it("a script changes headers, query and body of the request", async () => {
  const asked = replaceNetwork(() => new Response("ok"));
  const headers = { "x-sent": "sent", "x-gone": "1" };
  expect((await post("/changes?a=%41&c=%2f", { headers })).status).toBe(200);
  expect(asked[0]).toMatchObject({ url: "https://backend.example/changes?a=%41&c=%2f&b=A%20%C3%A9", body: "TEXT" });
  const sent = new Headers(asked[0]!.headers);
  expect([sent.get("x-made"), sent.get("x-gone")]).toEqual(["sent!", null]);
});

it("a script ends the call, with the answer that it made or with ours", async () => {
  const asked = replaceNetwork(() => new Response("ok"));
  const refused = await post("/refuses");
  expect([refused.status, await refused.json()]).toMatchObject([403, { code: "SCRIPT_REFUSED" }]);
  const answered = await post("/answers");
  expect([answered.status, answered.headers.get("content-type"), await answered.text()]).toEqual([
    403,
    "application/json",
    '{"message":"No permission."}',
  ]);
  const plain = await post("/plain");
  expect([plain.status, plain.headers.get("content-type"), await plain.text()]).toEqual([
    403,
    "text/plain; charset=utf-8",
    "stopped",
  ]);
  expect(asked).toEqual([]);
});

it("a script changes the answer, or puts another in its place", async () => {
  const asked = replaceNetwork(
    ({ url }) =>
      new Response("was", {
        status: url.includes("standard") ? 503 : 201,
        headers: { "x-of": "backend", "content-type": "text/plain" },
      }),
  );
  const standard = await post("/standard");
  expect([standard.status, standard.headers.get("x-of"), await standard.json()]).toEqual([
    502,
    "backend",
    { status: "503", was: "was" },
  ]);
  const changed = await post("/changed");
  expect([changed.status, changed.headers.get("x-by"), changed.headers.get("x-of"), await changed.text()]).toEqual([
    201,
    "none",
    "backend",
    "was!",
  ]);
  const anew = await post("/anew");
  expect([anew.status, anew.headers.get("x-of"), await anew.text()]).toEqual([200, null, "new"]);
  expect(asked).toHaveLength(3);
});

it("a script that fails leaves the call as it was, and says nothing to the client", async () => {
  const asked = replaceNetwork(() => new Response("ok"));
  for (const path of ["/fails", "/hops", "/breaks", "/endless"]) {
    const answer = await post(path);
    expect([path, answer.status]).toEqual([path, 500]);
    expect(await answer.json()).toMatchObject({
      code: "INTERCEPTOR_FAILED",
      detail: `The interceptor js-${path.slice(1)} failed.`,
    });
  }
  expect(asked).toEqual([]);
  expect((await post("/failing")).status).toBe(200);
  expect(new Headers(asked[0]!.headers).has("x-half")).toBe(false);
  const large = await post("/changes", { body: "x".repeat(1_048_577) });
  expect([large.status, await large.json()]).toMatchObject([413, { code: "BODY_TOO_LARGE" }]);
});

it("context variables go from one script to what comes behind it, traces to the trace", async () => {
  const notes: string[] = [];
  const context: Record<string, unknown> = { kept: new Date(0), n: 1, gone: true };
  const call = {
    id: "id",
    at: 0,
    method: "GET",
    path: "/a",
    query: "",
    headers: new Headers(),
    context,
    token: { sub: "me" },
    api: { variables: { stage: "test" } },
    body: new Body("request", null),
    trace: { note: (text: string) => notes.push(text) },
  } as unknown as Call;
  const script = `const c = $call.contextVariables; c.n++; c.remove("gone"); c.put("__proto__", 1);
    Object.defineProperty(c, "__proto__", { value: { polluted: true }, enumerable: true });
    $call.tracer.trace([$call.env.stage, $call.environmentVariables.get("stage"), $call.token.sub, $call.app].join());`;
  const run = javascript({ script, body: false }, { stage: "request" } as Parameters<typeof javascript>[1]);
  expect(await run(call, { env } as World)).toBeUndefined();
  expect(notes).toEqual(["test,test,me,"]);
  expect(Object.keys(context)).toEqual(["kept", "n", "__proto__"]);
  expect([context["n"], context["kept"]]).toEqual([2, new Date(0)]);
  expect([Object.getPrototypeOf(context), (context as { polluted?: boolean }).polluted]).toEqual([
    Object.prototype,
    undefined,
  ]);
});
