/** The interceptors of the APIs that are called, as somebody would have them, and what must be seen of them. */

export interface Interceptor {
  readonly type: string;
  readonly config: object;
  readonly when?: string;
}

export interface Mix {
  readonly name: string;
  /** How many interceptors a call meets. */
  readonly count: number;
  /** Nothing but the isolate is asked for a call. */
  readonly isStateless: boolean;
  readonly request: readonly Interceptor[];
  /** From left to right; they run from right to left. */
  readonly response: readonly Interceptor[];
  /** What the backend and the caller must see, so that no interceptor is measured that does nothing. */
  readonly seen: Seen;
}

interface Seen {
  /** The query that the backend gets. */
  readonly query?: string;
  /** Headers that the backend gets, or does not get. */
  readonly sent?: Readonly<Record<string, string | null>>;
  /** Headers that the caller gets, or does not get. */
  readonly told?: Readonly<Record<string, string | null>>;
}

export const PLAN = "plan_bench";
export const CLIENT_ID = "app_5ca5c44c187c040010a9bb8c";
/** Of the caller, in the range for documentation. */
export const CALLER = "203.0.113.7";
export const ORIGIN = "https://app.example.com";
export const QUERY = "?expand=items&debug=1";

const one = (type: string, config: object, when?: string): Interceptor => ({
  type,
  config,
  ...(when === undefined ? {} : { when }),
});

const offices = ["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"];
const blocked = Array.from({ length: 50 }, (_, nth) => `192.0.${nth}.0/28`);
const hsts = { "strict-transport-security": "max-age=31536000" };
const noSniff = { "x-content-type-options": "nosniff" };
const cors = one("cors", { origins: [ORIGIN], exposed: ["x-gateway"] });
const corsSeen = { "access-control-allow-origin": ORIGIN };

/** A stateless interceptor costs what its work costs: nobody is asked. */
const mix = (
  name: string,
  request: readonly Interceptor[],
  response: readonly Interceptor[],
  seen: Seen = {},
  isStateless = true,
): Mix => ({ name, count: request.length + response.length, isStateless, request, response, seen });

export const none = mix("none", [], []);

export const five = mix(
  "five",
  [
    one("ipFilter", { list: "allow", addresses: offices }),
    one("requestSize", { mostBytes: 65_536 }),
    one("query", { set: { tenant: "acme" } }),
  ],
  [one("header", { remove: ["server", "x-powered-by"], set: { ...hsts, ...noSniff } }), cors],
  {
    query: `${QUERY}&tenant=acme`,
    told: { ...hsts, ...noSniff, ...corsSeen, server: null, "x-powered-by": null },
  },
);

const twenty = mix(
  "twenty",
  [
    cors,
    one("ipFilter", { list: "block", addresses: blocked }),
    one("ipFilter", { list: "allow", addresses: offices }),
    one("requestSize", { mostBytes: 65_536 }),
    one("condition", { expression: "headers.`x-tenant` in ['acme', 'umbrella']", refuse: { status: 403 } }),
    one("header", { remove: ["x-debug", "x-internal"] }),
    one("header", { set: { "x-gateway": "bench" } }),
    one("header", { set: { "x-expand": "{{query.expand}}" } }),
    one("query", { remove: ["debug"] }),
    one("query", { set: { tenant: "acme" } }),
  ],
  [
    one("header", { set: hsts }),
    one("header", { set: noSniff }),
    one("header", { set: { "x-frame-options": "DENY" } }),
    one("header", { set: { "referrer-policy": "no-referrer" } }),
    one("header", { set: { "content-security-policy": "default-src 'none'" } }),
    one("header", { remove: ["server"] }),
    one("header", { remove: ["x-powered-by"] }),
    one("header", { set: { "x-served": "yes" } }, "status = 200"),
    one("mask", { headers: ["x-account"], keepLast: 2 }),
    one("condition", { expression: "status < 500", variable: "served" }),
  ],
  {
    query: "?expand=items&tenant=acme",
    sent: { "x-gateway": "bench", "x-expand": "items", "x-debug": null },
    told: { ...hsts, ...noSniff, ...corsSeen, "x-served": "yes", "x-account": "******78", server: null },
  },
);

export const mixes: readonly Mix[] = [
  none,
  mix("one", [one("header", { set: { "x-gateway": "bench" } })], [], { sent: { "x-gateway": "bench" } }),
  five,
  twenty,
  mix("rateLimit", [one("rateLimit", { calls: 1_000_000_000, interval: "day" })], [], {}, false),
  // The app and its plan are read once and kept.
  mix("clientId", [one("clientId", { location: "header", name: "client_id" })], []),
];
