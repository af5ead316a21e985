import type { Caller } from "../apis/client-ip.ts";

/** What is known of a call besides its headers. */
export interface Inbound {
  readonly caller: Caller;
  /** Of the address that was called. */
  readonly protocol: "http" | "https";
  readonly host: string;
  readonly isUpgrade: boolean;
  /** Whether something reads the body of the answer, which then has an encoding that the runtime undoes. */
  readonly readsAnswer: boolean;
}

/** Between two neighbours (RFC 9110, 7.6.1). All `proxy-` headers belong here too. */
const hopByHop = ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"];
const ofCallouts = new Set([...hopByHop, "host", "content-length", "expect", "cdn-loop"]);
/** Said by proxies; a client that says it would choose its own address, or another path of some servers. */
const ofProxies = ["forwarded", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip"];
const ofPaths = ["x-original-url", "x-rewrite-url"];
/** Another method than the one whose interceptors have run. */
const ofMethods = ["x-http-method-override", "x-http-method", "x-method-override"];
const ofDestinations = new Set([...ofCallouts, ...ofProxies, ...ofPaths, ...ofMethods]);
const ofAnswers = new Set([...hopByHop, "trailers"]);
/** Encodings that the runtime undoes where an answer is read: in this spelling alone, and never of a request. */
const undone = new Set(["gzip", "br"]);
const plainHost = /^[\w.:[\]-]{1,255}$/;

/** Whether a request wants a WebSocket, which the destination then is asked for. */
export const isUpgrade = ({ method, headers }: Pick<Request, "method" | "headers">): boolean =>
  method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";

/** Whether a browser asks if it may call. */
export const isPreflight = ({ method, sent }: { readonly method: string; readonly sent: Headers }): boolean =>
  method === "OPTIONS" && sent.has("origin") && sent.has("access-control-request-method");

/**
 * The headers for the destination, before any interceptor, so that interceptors see and change what will be sent.
 * X-Forwarded-For begins with the client's address, and what comes before it in a list that was sent is left out.
 */
export function destinationHeaders(sent: Headers, call: Inbound): Headers {
  const headers = without(sent, notForDestinations);
  const { chain, viaProxy } = call.caller;
  if (chain.length > 0) headers.set("x-forwarded-for", chain.join(", "));
  headers.set("x-forwarded-proto", (viaProxy && protocolIn(sent)) || call.protocol);
  headers.set("x-forwarded-host", (viaProxy && hostIn(sent)) || call.host);
  if (call.isUpgrade) headers.set("upgrade", "websocket");
  if (call.readsAnswer) headers.set("accept-encoding", "gzip, br");
  return headers;
}

/** Headers of a call that go on to a service callout or to another API. */
export const calloutHeaders = (headers: Headers): Headers => without(headers, notForCallouts);

/**
 * The headers for the client. `passed`: the body goes on unread. Then content-encoding stays and says what its bytes
 * are; the runtime would decode a body that lost it. `read`: the body is text or bytes that something has read, and
 * leaves without the encoding. It has a new length either way, save that an answer to HEAD has none to count.
 */
export function answerHeaders(received: Headers, body: "passed" | "read", method: string): Headers {
  const headers = without(received, notForClients);
  const length = body === "passed" && method === "HEAD" ? received.get("content-length") : null;
  if (length !== null) headers.set("content-length", length);
  if (body === "read") headers.delete("content-encoding");
  return headers;
}

/** Whether a body can be read as what it is. Others only go on as they are. */
export function isReadable(headers: Headers, of: "request" | "answer"): boolean {
  const encoding = headers.get("content-encoding")?.trim() ?? "";
  return encoding === "" || encoding.toLowerCase() === "identity" || (of === "answer" && undone.has(encoding));
}

/** Cloudflare's, or a proxy's. */
const isInternal = (name: string): boolean =>
  name.startsWith("cf-") || name.startsWith("x-forwarded-") || name.startsWith("proxy-");

/** What both ends of a WebSocket settle with us, each for itself; the protocol is settled between them. */
const isHandshake = (name: string): boolean => name.startsWith("sec-websocket-") && name !== "sec-websocket-protocol";

const MOST_REMEMBERED = 500;

/** Remembers what is said of a name: most calls have the same ones. */
function remembered(drops: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const said = drops(name);
    if (known.size < MOST_REMEMBERED && name.length < 100) known.set(name, said);
    return said;
  };
}

const notForDestinations = remembered((name) => ofDestinations.has(name) || isInternal(name) || isHandshake(name));
const notForCallouts = remembered((name) => ofCallouts.has(name) || isInternal(name) || isHandshake(name));
const notForClients = remembered(
  (name) => ofAnswers.has(name) || name === "content-length" || name.startsWith("proxy-") || isHandshake(name),
);

/** One pass: what is copied first and taken away then costs each call twice. */
function without(headers: Headers, drops: (name: string) => boolean): Headers {
  const kept = new Headers(headers);
  for (const name of headers.keys()) if (drops(name)) kept.delete(name);
  const connection = headers.get("connection");
  if (connection === null || usual.has(connection.toLowerCase())) return kept;
  for (const name of connection.split(",")) drop(kept, name.trim());
  return kept;
}

const usual = new Set(["keep-alive", "close", "upgrade"]);

/** Whatever else stands in `connection` is no name, and names nothing. */
function drop(headers: Headers, name: string): void {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers.delete(name);
}

/** The last one is what the nearest proxy says. */
const lastOf = (headers: Headers, name: string): string => headers.get(name)?.split(",").at(-1)?.trim() ?? "";

function protocolIn(headers: Headers): string | undefined {
  const said = lastOf(headers, "x-forwarded-proto").toLowerCase();
  return said === "http" || said === "https" ? said : undefined;
}

function hostIn(headers: Headers): string | undefined {
  const said = lastOf(headers, "x-forwarded-host");
  return plainHost.test(said) ? said : undefined;
}
