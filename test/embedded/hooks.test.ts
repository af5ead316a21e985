import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { asJson, hookFlowOf, messageOf, postJson, receiptOf, runsOf } from "../support/hooks.ts";
import { bringTo, newId, someone } from "../support/given.ts";
import { ended, line, activeFlow } from "../support/runs.ts";
import { wire } from "../support/wire.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A hook's answer with the flow's id left out. */
async function speak(method: string, id: string, more = ""): Promise<[number, string, Record<string, string>]> {
  const body = method === "POST" ? { body: "{}", headers: asJson } : {};
  const answer = await wire(method, `/hook/${id}${more}`, body);
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => name !== "x-request-id"));
  return [answer.status, (await answer.text()).replaceAll(id, "<id>"), headers];
}

describe.each(["GET", "POST", "HEAD"])("%s of a hook that does not answer", (method) => {
  it.each(["", "/orders"])("is the same whatever is behind it%s", async (suffix) => {
    const caller = await someone();
    const unknown = await speak(method, newId(), suffix);
    expect(unknown[0]).toBe(404);
    for (const status of ["inactive", "starting", "stopping"] as const) {
      const id = await hookFlowOf(caller);
      await bringTo(id, { status });
      expect(await speak(method, id, suffix)).toEqual(unknown);
      expect(await runsOf(id)).toEqual([]);
    }
    for (const id of ["short", "z".repeat(24)]) expect(await speak(method, id, suffix)).toEqual(unknown);
  });

  it("is the same with an external orchestrator, whatever the flow's status", async () => {
    const id = await hookFlowOf(await someone());
    const answer = await wire(method, `/hook/${id}`, {
      env: { ORCHESTRATOR: "external" },
      ...(method === "POST" ? { body: "{}", headers: asJson } : {}),
    });
    expect(answer.status).toBe(404);
    const unknown = await speak(method, newId());
    expect((await answer.text()).replaceAll(id, "<id>")).toBe(unknown[1]);
  });
});

describe("a hook", () => {
  it("says in the original's words that there is no such flow", async () => {
    const id = newId();
    const answer = await wire("GET", `/hook/${id}`);
    const message = `Flow ${id} either does not exist or is inactive.`;
    expect(await answer.json()).toEqual({
      error: message,
      errors: [{ message, code: 404, error: "HOOK_NOT_FOUND" }],
    });
  });

  it.each(["", "/orders"])("answers HEAD and begins nothing%s", async (suffix) => {
    const id = await hookFlowOf(await someone(), { requireWebhookAuth: true });
    const answer = await wire("HEAD", `/hook/${id}${suffix}`);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(await runsOf(id)).toEqual([]);
  });

  it("makes the message of a GET as the original does", async () => {
    const id = await hookFlowOf(await someone());
    const path = `/hook/${id}/orders?a=1&b=2&b=3&c=x%20y&__proto__=no`;
    const answer = await wire("GET", path, { headers: { "x-request-id": "req-7", accept: "text/html" } });
    const receipt = await receiptOf(answer.clone());
    expect(receipt).toEqual({ requestId: "req-7", runId: receipt.runId, message: "thank you" });
    const query = JSON.parse('{"a":"1","b":["2","3"],"c":"x y","__proto__":"no"}') as object;
    expect(await messageOf(answer)).toEqual({
      id: "req-7",
      attachments: {},
      data: query,
      headers: { "x-request-id": "req-7", accept: "text/html" },
      metadata: { source: { name: "webhooks", type: "webhook", externalExecId: "req-7" } },
      url: path,
      method: "GET",
      originalUrl: path,
      query,
      params: { flowId: id },
      pathSuffix: "orders",
    });
  });

  it("makes the message of a POST of the body, and the id of the request itself", async () => {
    const id = await hookFlowOf(await someone());
    const answer = await wire("POST", `/hook/${id}?a=1`, { body: '{"n":1}', headers: asJson });
    const { requestId } = await receiptOf(answer.clone());
    expect(requestId).toMatch(/^[0-9a-f]{32}$/);
    const message = await messageOf(answer);
    expect(message).toMatchObject({ id: requestId, data: { n: 1 }, query: { a: "1" }, method: "POST" });
    expect(message).not.toHaveProperty("pathSuffix");
    expect(message).toMatchObject({ metadata: { source: { externalExecId: requestId } } });
  });

  it("keeps nothing by which the sender identified itself", async () => {
    const id = await hookFlowOf(await someone());
    const secret = "s".repeat(24);
    const headers = {
      authorization: `Bearer ${secret}`,
      "proxy-authorization": secret,
      cookie: `session=${secret}`,
      "cf-access-client-secret": secret,
      "x-other": "kept",
    };
    const message = await messageOf(await postJson(id, {}, { headers }));
    expect(JSON.stringify(message)).not.toContain(secret);
    expect(message["headers"]).toEqual({ ...asJson, "content-length": "2", "x-other": "kept" });
  });

  it("has its run known by the id of the request", async () => {
    const caller = await someone();
    const id = await hookFlowOf(caller);
    const { runId } = await receiptOf(await postJson(id, { n: 1 }, { headers: { "x-request-id": "order-7" } }));
    expect(await ended(caller, runId)).toMatchObject({ status: "completed", trigger: "webhook", requestId: "order-7" });
    expect(await runsOf(id)).toMatchObject([{ id: runId, trigger: "webhook" }]);
  });

  it("begins at the webhook step, wherever it stands, else at the entry", async () => {
    const caller = await someone();
    const twoWays = {
      nodes: [
        { id: "timer", componentId: "manual" },
        { id: "receive", componentId: "webhook" },
      ],
      edges: [{ source: "timer", target: "receive" }],
    };
    const steps = async (graph: unknown) => {
      const { runId } = await receiptOf(await postJson(await activeFlow(caller, graph), {}));
      return (await ended(caller, runId)).items.map(({ step }: { step: string }) => step);
    };
    expect(await steps(twoWays)).toEqual(["receive"]);
    expect(await steps(line({ id: "first" }, { id: "second" }))).toEqual(["first", "second"]);
  });

  it("of a flow without a beginning answers 409", async () => {
    const id = await activeFlow(await someone(), line({ id: "only" }));
    const graph = JSON.stringify({ nodes: [{ id: "a" }, { id: "b" }], edges: [] });
    await env.DB.prepare("UPDATE flows SET document = json_set(document, '$.graph', json(?)) WHERE id = ?")
      .bind(graph, id)
      .run();
    const answer = await postJson(id, {});
    expect([answer.status, await answer.json()]).toMatchObject([409, { errors: [{ error: "FLOW_HAS_NO_ENTRY" }] }]);
  });

  it.each(["two words", "a.b", "x".repeat(65)])("refuses the suffix %j", async (suffix) => {
    const id = await hookFlowOf(await someone());
    const answer = await wire("GET", `/hook/${id}/${encodeURIComponent(suffix)}`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { errors: [{ error: "INVALID_PARAMETER" }] }]);
  });

  it.each(["PUT", "PATCH", "DELETE"])("does not know %s", async (method) => {
    const id = await hookFlowOf(await someone());
    const answer = await wire(method, `/hook/${id}`);
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST, OPTIONS"]);
  });
});

const gzip = (text: string): Promise<ArrayBuffer> =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();

const send = async (body: BodyInit, headers: Record<string, string>) =>
  wire("POST", `/hook/${await hookFlowOf(await someone())}`, { body, headers });

describe("the body of a hook", () => {
  it("without a type is refused in the original's words", async () => {
    const answer = await send(new TextEncoder().encode("{}"), {});
    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject({
      error: "Content-Type header is missing",
      errors: [{ code: 415, error: "UNSUPPORTED_MEDIA_TYPE" }],
    });
  });

  it.each<[string, string, string, unknown]>([
    ["JSON", "application/json", '{"id":1}', { id: 1 }],
    ["JSON as text", "text/plain", '{"id":1}', { id: 1 }],
    ["a form", "application/x-www-form-urlencoded", "id=1&x=a&x=b", { id: "1", x: ["a", "b"] }],
    ["XML", "application/xml", "<id>1</id>", { text: "<id>1</id>" }],
    ["text", "text/plain", "hello", { text: "hello" }],
    ["a bare number", "application/json", "7", {}],
  ])("may be %s", async (_, type, body, data) => {
    expect(await messageOf(await send(body, { "content-type": type }))).toMatchObject({ data });
  });

  it("may be packed", async () => {
    const headers = { ...asJson, "content-encoding": "gzip" };
    expect(await messageOf(await send(await gzip('{"id":1}'), headers))).toMatchObject({ data: { id: 1 } });
    expect((await send(await gzip(`"${"x".repeat(1024 * 1024)}"`), headers)).status).toBe(413);
  });

  it.each<[string, number, string, string]>([
    ["of an unknown type", 415, "multipart/form-data; boundary=x", "--x--"],
    ["that is broken", 400, "application/json", '{"id":'],
    ["that is nested too deep", 400, "application/json", `${"[".repeat(300)}${"]".repeat(300)}`],
    ["that is too large", 413, "application/json", `{"x":"${"x".repeat(1024 * 1024)}"}`],
    // It fits, and the message that is made of it does not.
    ["that makes too large a message", 413, "application/json", `{"x":"${"x".repeat(1024 * 1024 - 20)}"}`],
    ["that grows as JSON", 413, "text/plain", "\n".repeat(700_000)],
  ])("%s answers %i and begins nothing", async (_, status, type, body) => {
    const id = await hookFlowOf(await someone());
    const answer = await wire("POST", `/hook/${id}`, { body, headers: { "content-type": type } });
    expect([answer.status, await answer.json()]).toMatchObject([status, { errors: [{ code: status }] }]);
    expect(await runsOf(id)).toEqual([]);
  });
});
