import { afterEach, describe, expect, it, vi } from "vitest";

import { replaceNetwork } from "../../test/support/iam.ts";
import { callHttp, ConnectorError, type HttpCall } from "./call.ts";

const secret = "t0p-s3cret";
const start: HttpCall = {
  method: "GET",
  url: "https://a.example/0",
  headers: {},
  timeoutMs: 5000,
  mostBytes: 1000,
  allowPrivate: false,
};

/** Answers each request with the next of these redirects, and the last with 200. */
function chain(...steps: readonly (readonly [status: number, location: string])[]) {
  const left = [...steps];
  return replaceNetwork(() => {
    const step = left.shift();
    return step === undefined
      ? new Response("end")
      : new Response("moved", { status: step[0], headers: { location: step[1] } });
  });
}

async function faultOf(call: HttpCall): Promise<ConnectorError> {
  const error: unknown = await callHttp(call).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConnectorError)) throw new Error("The call was not refused.", { cause: error });
  expect(error.message).not.toContain(secret);
  return error;
}

const kept = (method: string) => [method, method === "GET" || method === "HEAD" ? "" : "content"];
const steps = (count: number) => Array.from({ length: count }, (_, index) => [302, `/${index + 1}`] as const);
afterEach(() => vi.restoreAllMocks());

describe("the request that follows a redirect", () => {
  const rewritten = ["GET", ""];

  it.each(
    [301, 302, 303, 307, 308].flatMap((status) =>
      ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map((method) => [status, method] as const),
    ),
  )("after %i to %s", async (status, method) => {
    const asked = chain([status, "/1"]);
    const [, body] = kept(method);
    const headers = { "content-type": "text/plain", accept: "text/html" };
    await callHttp({ ...start, method, headers, ...(body === "" ? {} : { body }) });
    const becomesGet = status === 303 ? method !== "GET" && method !== "HEAD" : status < 303 && method === "POST";
    expect(asked).toHaveLength(2);
    expect([asked[1]?.method, asked[1]?.body]).toEqual(becomesGet ? rewritten : kept(method));
    expect(asked[1]?.headers.get("content-type")).toBe(becomesGet ? null : "text/plain");
    expect(asked[1]?.headers.get("accept")).toBe("text/html");
  });

  it.each([
    ["/1?a=b", "https://a.example/1?a=b"],
    ["1", "https://a.example/x/1"],
    ["//b.example/1", "https://b.example/1"],
    ["https://b.example:8443/", "https://b.example:8443/"],
  ])("to %s goes to %s", async (location, url) => {
    const asked = chain([302, location]);
    const answer = await callHttp({ ...start, url: "https://a.example/x/y" });
    expect(asked[1]?.url).toBe(url);
    expect(answer).toMatchObject({ status: 200, text: "end", url });
  });

  it.each([300, 304, 305, 306])("is none after %i", async (status) => {
    const asked = replaceNetwork(() => new Response(null, { status, headers: { location: "/1" } }));
    expect(await callHttp(start)).toMatchObject({ status });
    expect(asked).toHaveLength(1);
  });

  it("is none where no location is told", async () => {
    const asked = replaceNetwork(() => new Response("where?", { status: 302 }));
    expect(await callHttp(start)).toMatchObject({ status: 302, text: "where?" });
    expect(asked).toHaveLength(1);
  });
});

describe("credentials", () => {
  const headers = {
    Authorization: secret,
    cookie: secret,
    "proxy-authorization": secret,
    "X-Shop": secret,
    accept: "x",
  };
  const all = ["accept", "authorization", "cookie", "proxy-authorization", "x-shop"];
  const few = ["accept"];

  it.each([
    ["the same origin", ["https://a.example/1"], [all, all]],
    ["its default port", ["https://a.example:443/1"], [all, all]],
    ["another host", ["https://b.example/1"], [all, few]],
    ["a host below", ["https://x.a.example/1"], [all, few]],
    ["another port", ["https://a.example:8443/1"], [all, few]],
    ["there and back", ["https://b.example/1", "https://a.example/2"], [all, few, few]],
  ])("follow to %s as they should", async (_, locations, told) => {
    const asked = chain(...locations.map((location) => [307, location] as const));
    await callHttp({ ...start, headers, sensitive: ["x-SHOP"] });
    expect(asked.map((one) => [...one.headers.keys()])).toEqual(told);
  });

  it("and what describes the body stay behind where the body does", async () => {
    const asked = chain([303, "https://b.example/1"]);
    await callHttp({
      ...start,
      method: "POST",
      headers: { ...headers, "content-type": "text/plain" },
      body: "content",
    });
    expect([...(asked[1]?.headers.keys() ?? [])]).toEqual(["accept", "x-shop"]);
  });

  it("do not follow from http to https either", async () => {
    const asked = chain([308, "https://a.example/1"]);
    await callHttp({ ...start, url: "http://a.example/0", headers });
    expect(asked[1]?.headers.has("authorization")).toBe(false);
  });
});

describe("a redirect that is not followed", () => {
  it.each([
    ["to a private address", `http://169.254.169.254/latest?key=${secret}`],
    ["to a private address on https", `https://127.0.0.1/?key=${secret}`],
    ["to a decimal address", "//2130706433/"],
    ["to IPv6", "https://[::ffff:7f00:1]/"],
    ["to localhost", "https://localhost/"],
    ["to another scheme", `ftp://a.example/${secret}`],
    ["with credentials", `https://ada:${secret}@a.example/`],
    ["to no address", `https://[${secret}`],
    ["from https to http", `http://a.example/?key=${secret}`],
  ])("%s", async (_, location) => {
    const asked = chain([302, "/1"], [302, location]);
    expect(await faultOf(start)).toMatchObject({ code: "ADDRESS_REFUSED", mayPass: false });
    expect(asked).toHaveLength(2);
  });

  it("from https to http is followed where private addresses are", async () => {
    const asked = chain([302, "http://127.0.0.1/1"]);
    expect(await callHttp({ ...start, allowPrivate: true })).toMatchObject({ url: "http://127.0.0.1/1" });
    expect(asked).toHaveLength(2);
  });

  it("with credentials is not followed there either", async () => {
    chain([302, `https://ada:${secret}@a.example/`]);
    expect(await faultOf({ ...start, allowPrivate: true })).toMatchObject({ code: "ADDRESS_REFUSED" });
  });
});

describe("many redirects", () => {
  it("are followed up to five", async () => {
    const asked = chain(...steps(5));
    expect(await callHttp(start)).toMatchObject({ url: "https://a.example/5", text: "end" });
    expect(asked).toHaveLength(6);
  });

  it("are too many from six on", async () => {
    const asked = chain(...steps(6));
    expect(await faultOf(start)).toMatchObject({
      code: "TOO_MANY_REDIRECTS",
      mayPass: false,
      message: "https://a.example redirects more than 5 times.",
    });
    expect(asked).toHaveLength(6);
  });
});
