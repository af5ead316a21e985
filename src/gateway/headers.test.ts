import { describe, expect, it } from "vitest";

import type { Caller } from "../apis/client-ip.ts";
import { answerHeaders, calloutHeaders, destinationHeaders, isReadable, isUpgrade, type Inbound } from "./headers.ts";

const caller: Caller = { address: "203.0.113.7", chain: ["203.0.113.7"], viaProxy: false };
const inbound: Inbound = { caller, protocol: "https", host: "gw.example", isUpgrade: false, readsAnswer: false };
const set = { "x-forwarded-for": "203.0.113.7", "x-forwarded-host": "gw.example", "x-forwarded-proto": "https" };

const sent = (written: Record<string, string>) => new Headers({ accept: "*/*", ...written });
const received = (written: Record<string, string> = {}) => new Headers({ etag: '"1"', ...written });
const told = (headers: Headers) => Object.fromEntries(headers);

describe("headers that the destination gets", () => {
  it.each([
    "authorization",
    "cookie",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "user-agent",
    "origin",
    "range",
    "if-none-match",
    "via",
    "x-request-id",
    "traceparent",
    "sec-websocket-protocol",
    "x-forwarded",
    "cfx",
    "proxied",
  ])("%s goes on as it is", (name) => {
    expect(told(destinationHeaders(sent({ [name]: "x, y" }), inbound))).toEqual({
      accept: "*/*",
      ...set,
      [name]: "x, y",
    });
  });

  it.each([
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authorization",
    "Proxy-Anything",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "HTTP2-Settings",
    "Expect",
    "Host",
    "Content-Length",
    "CDN-Loop",
    "CF-Connecting-IP",
    "CF-Ray",
    "cf-access-jwt-assertion",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Real-IP",
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Version",
  ])("%s does not", (name) => {
    expect(told(destinationHeaders(sent({ [name]: "evil" }), inbound))).toEqual({ accept: "*/*", ...set });
  });

  it("nobody but a configured proxy says how it was called", () => {
    const forged = sent({ "x-forwarded-proto": "http", "x-forwarded-host": "evil.example" });
    expect(told(destinationHeaders(forged, inbound))).toEqual({ accept: "*/*", ...set });
  });

  it("what connection names stays behind, but nothing that is set here", () => {
    const connection = "close, X-Hop ,, no name, x-forwarded-for, X-FORWARDED-HOST";
    const headers = sent({ connection, "x-hop": "1", "x-kept": "1" });
    expect(told(destinationHeaders(headers, inbound))).toEqual({ accept: "*/*", ...set, "x-kept": "1" });
  });

  it("changes nothing of what was sent", () => {
    const headers = sent({ connection: "x-hop", "x-hop": "1", "cf-ray": "1" });
    destinationHeaders(headers, inbound);
    expect([...headers.keys()]).toEqual(["accept", "cf-ray", "connection", "x-hop"]);
  });

  it("what proxies say counts if they are configured", () => {
    const headers = sent({
      "x-forwarded-for": "1.1.1.1, 198.51.100.1",
      "x-forwarded-proto": "https, HTTP",
      "x-forwarded-host": "old.example, shop.example:8080",
      "x-forwarded-port": "1",
      forwarded: "for=1.1.1.1",
    });
    const chain = ["198.51.100.1", "10.0.0.1"];
    const viaProxy = { ...inbound, caller: { address: "198.51.100.1", chain, viaProxy: true } };
    expect(told(destinationHeaders(headers, viaProxy))).toEqual({
      accept: "*/*",
      "x-forwarded-for": "198.51.100.1, 10.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.example:8080",
    });
    const rubbish = sent({ "x-forwarded-proto": "gopher", "x-forwarded-host": "a b/c" });
    expect(told(destinationHeaders(rubbish, viaProxy))).toMatchObject({
      "x-forwarded-proto": "https",
      "x-forwarded-host": "gw.example",
    });
    expect(told(destinationHeaders(sent({}), viaProxy))).toMatchObject({ "x-forwarded-host": "gw.example" });
  });

  it("nobody is forwarded for whose address is unknown", () => {
    const unknown = { ...inbound, caller: { address: undefined, chain: [], viaProxy: false } };
    expect(destinationHeaders(sent({ "x-forwarded-for": "1.1.1.1" }), unknown).has("x-forwarded-for")).toBe(false);
  });

  it("an answer that is read has an encoding that can be undone", () => {
    const headers = sent({ "accept-encoding": "zstd" });
    expect(destinationHeaders(headers, { ...inbound, readsAnswer: true }).get("accept-encoding")).toBe("gzip, br");
    expect(destinationHeaders(headers, inbound).get("accept-encoding")).toBe("zstd");
  });
});

describe("a WebSocket", () => {
  const handshake = {
    connection: "Upgrade",
    upgrade: "WebSocket",
    "sec-websocket-key": "k",
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "chat",
  };

  it("is asked for anew", () => {
    expect(told(destinationHeaders(sent(handshake), { ...inbound, isUpgrade: true }))).toEqual({
      accept: "*/*",
      ...set,
      upgrade: "websocket",
      "sec-websocket-protocol": "chat",
    });
  });

  it.each<[method: string, upgrade: string | undefined, is: boolean]>([
    ["GET", "websocket", true],
    ["GET", "WebSocket", true],
    ["POST", "websocket", false],
    ["GET", "h2c", false],
    ["GET", undefined, false],
  ])("%s with %s: %s", (method, upgrade, is) => {
    expect(isUpgrade({ method, headers: new Headers(upgrade === undefined ? {} : { upgrade }) })).toBe(is);
  });

  it("its answer leaves without the destination's half of the handshake", () => {
    const headers = new Headers({ upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": "a" });
    headers.set("sec-websocket-protocol", "chat");
    expect(told(answerHeaders(headers, "passed", "GET"))).toEqual({ "sec-websocket-protocol": "chat" });
  });
});

describe("headers that a callout gets", () => {
  it.each(["host", "content-length", "transfer-encoding", "connection", "te", "cf-ray", "x-forwarded-for", "proxy-x"])(
    "%s is none of them",
    (name) => {
      expect(told(calloutHeaders(sent({ [name]: "x" })))).toEqual({ accept: "*/*" });
    },
  );

  it("all others are", () => {
    expect(told(calloutHeaders(sent({ cookie: "a=1", authorization: "x" })))).toEqual({
      accept: "*/*",
      cookie: "a=1",
      authorization: "x",
    });
  });
});

describe("headers that the client gets", () => {
  it.each([
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "content-length",
  ])("%s is none of them", (name) => {
    expect(told(answerHeaders(received({ [name]: "1" }), "passed", "GET"))).toEqual({ etag: '"1"' });
    expect(told(answerHeaders(received({ [name]: "1" }), "read", "GET"))).toEqual({ etag: '"1"' });
  });

  it.each<[body: "passed" | "read", method: string, kept: string[]]>([
    ["passed", "GET", ["content-encoding"]],
    ["read", "GET", []],
    ["passed", "HEAD", ["content-encoding", "content-length"]],
    ["read", "HEAD", []],
  ])("of a body that is %s, to %s, %j", (body, method, kept) => {
    const headers = new Headers({ "content-length": "9", "content-encoding": "gzip" });
    expect([...answerHeaders(headers, body, method).keys()]).toEqual(kept);
  });

  it("each cookie, and not what connection names", () => {
    const headers = received({ connection: "x-hop", "x-hop": "1", "www-authenticate": "Bearer" });
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2, c");
    const kept = answerHeaders(headers, "passed", "GET");
    expect(kept.getSetCookie()).toEqual(["a=1; Path=/", "b=2, c"]);
    expect([...new Set(kept.keys())]).toEqual(["etag", "set-cookie", "www-authenticate"]);
  });
});

it.each<[encoding: string | undefined, request: boolean, answer: boolean]>([
  [undefined, true, true],
  ["identity", true, true],
  ["gzip", false, true],
  ["br", false, true],
  ["GZIP", false, false],
  ["x-gzip", false, false],
  ["deflate", false, false],
  ["zstd", false, false],
  ["gzip, br", false, false],
])("a body with the encoding %s can be read: of a request %s, of an answer %s", (encoding, request, answer) => {
  const headers = new Headers(encoding === undefined ? {} : { "content-encoding": encoding });
  expect([isReadable(headers, "request"), isReadable(headers, "answer")]).toEqual([request, answer]);
});
