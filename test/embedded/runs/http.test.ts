import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { limits } from "../../../src/runs/model.ts";
import { secretOf } from "../../secrets/given.ts";
import type { Caller } from "../../support/api.ts";
import { newId, someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import { activeFlow, cameTo, line, ran, rushed } from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const url = "https://target.example/orders";
const flowWith = (fields: object, more: object = {}) =>
  activeFlow(caller, line({ id: "call", componentId: "http", fields: { url, ...fields }, ...more }, { id: "end" }));
const called = async (fields: object, data: unknown = { n: 1 }, more: object = {}) =>
  ran(caller, await flowWith(fields, more), data);
const json = (body: unknown, init?: ResponseInit) => replaceNetwork(() => Response.json(body, init));

describe("a call", () => {
  it.each([
    ["GET", {}, "", null],
    ["HEAD", {}, "", null],
    ["DELETE", {}, "", null],
    ["POST", {}, '{"n":1}', "application/json"],
    ["PUT", { body: { m: "{{data.n}}" } }, '{"m":1}', "application/json"],
    ["PATCH", { body: "n={{data.n}}", bodyType: "text" }, "n=1", "text/plain; charset=utf-8"],
    [
      "POST",
      { body: { a: "{{data.n}}", b: "x y" }, bodyType: "form" },
      "a=1&b=x+y",
      "application/x-www-form-urlencoded",
    ],
    ["POST", { headers: { "Content-Type": "application/vnd.x+json" } }, '{"n":1}', "application/vnd.x+json"],
    ["DELETE", { body: { m: 2 } }, '{"m":2}', "application/json"],
    ["GET", { body: { m: 2 } }, "", null],
  ])("with %s and %j sends %j", async (method, fields, body, type) => {
    const asked = replaceNetwork(() => new Response(null, { status: 204 }));
    const run = await called({ method, ...fields });
    expect(run.status).toBe("completed");
    expect(asked).toMatchObject([{ method, url, body }]);
    expect(asked[0]!.headers.get("content-type")).toBe(type);
    const key = method === "GET" || method === "HEAD" ? null : `${run.id}/call/1`;
    expect(asked[0]!.headers.get("idempotency-key")).toBe(key);
  });

  it("makes its address, query and headers of the payload", async () => {
    const asked = json({});
    const query = { q: "a b", list: "{{data.list}}", gone: "{{data.none}}" };
    await called(
      { url: `${url}/{{data.id}}?x=1`, query, headers: { "X-Id": "{{data.id}}", "x-none": null } },
      { id: 7, list: [1, 2] },
    );
    expect(asked[0]!.url).toBe(`${url}/7?x=1&q=a+b&list=1&list=2`);
    expect(asked[0]!.headers.get("x-id")).toBe("7");
    expect(asked[0]!.headers.has("x-none")).toBe(false);
  });

  it.each([
    ["SIMPLE", { username: "me", passphrase: "pässword" }, "authorization", "Basic bWU6cMOkc3N3b3Jk"],
    ["API_KEY", { key: "k-123456", headerName: "X-Key" }, "x-key", "k-123456"],
  ])("identifies itself by a secret of the type %s", async (type, value, header, sent) => {
    const asked = json({});
    const secret = await secretOf(caller, { name: "s", type, value });
    expect((await called({}, {}, { credentials_id: secret })).status).toBe("completed");
    expect(asked[0]!.headers.get(header)).toBe(sent);
  });

  it("uses values of a secret where its author writes them", async () => {
    const asked = json({});
    const payload = JSON.stringify({ token: "t-123456" });
    const secret = await secretOf(caller, { name: "s", type: "MIXED", value: { payload } });
    const run = await called({ headers: { "x-token": "{{$secret.token}}" } }, {}, { credentials_id: secret });
    expect(run.status).toBe("completed");
    expect(asked[0]!.headers.get("x-token")).toBe("t-123456");
    expect(asked[0]!.headers.has("authorization")).toBe(false);
  });

  it("does not go out with a secret of somebody else", async () => {
    const asked = json({});
    const secret = await secretOf(await someone());
    const run = await called({}, {}, { credentials_id: secret });
    expect(run).toMatchObject({ status: "failed", error: { step: "call" }, items: [{ attempts: 1 }] });
    expect(run.error.message).toContain("is not known to who started the flow");
    expect((await called({}, {}, { credentials_id: newId() })).status).toBe("failed");
    expect(asked).toEqual([]);
  });

  it.each([
    "http://127.0.0.1/x",
    "http://localhost/x",
    "http://10.1.2.3/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://2130706433/",
    "ftp://target.example/x",
    "https://user:pass@target.example/",
  ])("to %s is refused", async (address) => {
    const asked = json({});
    const run = await called({ url: "{{data.to}}" }, { to: address });
    expect(run).toMatchObject({ status: "failed", error: { step: "call" }, items: [{ attempts: 1 }] });
    expect(["HTTP_ADDRESS_REFUSED", "HTTP_REQUEST_INVALID"]).toContain(run.error.code);
    expect(asked).toEqual([]);
  });
});

describe("an answer", () => {
  it("replaces the payload; its status and headers stand beside it", async () => {
    json({ id: 7 }, { status: 201, headers: { "x-page": "2", "set-cookie": "a=b" } });
    const run = await called({});
    expect(run.items[1].input).toMatchObject({
      data: { id: 7 },
      metadata: { response: { status: 201, headers: { "x-page": "2" } } },
    });
    expect(JSON.stringify(run)).not.toContain("a=b");
  });

  it.each([
    ["data.customer", { n: 1, customer: { id: 7 } }],
    ["data.a.b", { n: 1, a: { b: { id: 7 } } }],
    ["data", { id: 7 }],
  ])("goes into %s", async (into, data) => {
    json({ id: 7 });
    expect(cameTo(await called({ into }), "end")).toEqual([data]);
  });

  it.each([
    ["text", "plain", "text/plain", "plain"],
    ["text that looks like JSON", "[1]", "text/plain", "[1]"],
    ["JSON by its suffix", "[1]", "application/problem+json; charset=utf-8", [1]],
    ["nothing", "", "application/json", null],
    ["XML", "<a/>", "application/xml", "<a/>"],
    ["no text", new Uint8Array([0xff, 0xd8, 0]), "image/jpeg", "/9gA"],
  ])("of %s becomes the payload", async (_, body, type, data) => {
    replaceNetwork(() => new Response(body as string, { headers: { "content-type": type } }));
    expect(cameTo(await called({}), "end")).toEqual([data]);
  });

  it.each([
    [
      "broken JSON",
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      "HTTP_ANSWER_INVALID",
    ],
    ["too many bytes", () => new Response("x".repeat(limits.messageBytes + 1)), "HTTP_ANSWER_TOO_LARGE"],
    ["a message too large for the way on", () => new Response("x".repeat(limits.messageBytes)), "MESSAGE_TOO_LARGE"],
    [
      "a redirect to a private address",
      () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } }),
      "HTTP_ADDRESS_REFUSED",
    ],
    [
      "redirects without end",
      () => new Response(null, { status: 302, headers: { location: url } }),
      "HTTP_TOO_MANY_REDIRECTS",
    ],
  ])("that is %s ends the message's way", async (_, answer, code) => {
    replaceNetwork(answer);
    expect(await called({})).toMatchObject({
      status: "failed",
      error: { code, step: "call" },
      items: [{ attempts: 1 }],
    });
  });

  it("that redirects is followed, without what identifies the caller if it leads elsewhere", async () => {
    const secret = await secretOf(caller, {
      name: "s",
      type: "API_KEY",
      value: { key: "k-123456", headerName: "x-key" },
    });
    const asked = replaceNetwork((one) =>
      one.url === url
        ? new Response(null, { status: 307, headers: { location: "https://other.example/x" } })
        : Response.json({ moved: true }),
    );
    const run = await called({ method: "POST" }, { n: 1 }, { credentials_id: secret });
    expect(cameTo(run, "end")).toEqual([{ moved: true }]);
    expect(asked.map(({ headers, body }) => [headers.get("x-key"), body])).toEqual([
      ["k-123456", '{"n":1}'],
      [null, '{"n":1}'],
    ]);
  });

  it.each([
    [404, [200, 404], "completed"],
    [201, [200], "failed"],
    [503, [503], "completed"],
    [304, undefined, "failed"],
  ])("of %i counts by what the step accepts: %j", async (status, accept, expected) => {
    replaceNetwork(() => new Response(null, { status }));
    const run = await rushed(caller, await flowWith({ accept }));
    expect(run.status).toBe(expected);
    expect(run.error?.code).toBe(expected === "failed" ? "HTTP_STATUS" : undefined);
  });
});
