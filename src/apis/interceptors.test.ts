import { describe, expect, it } from "vitest";
import { z } from "zod";

import { checkPlan } from "./check.ts";
import { Configs } from "./entry-check.ts";
import { configOf, interceptorOf, interceptors, interceptorTypes, type InterceptorType } from "./interceptors.ts";
import type { Json } from "./model.ts";

const fixed = { secret: "5ca5c44c187c040010a9bb8b", jwksUrl: "https://id.example.com/keys" };

/** Type, category, stages, places (all, or not in plans), a config that is enough, and the body it then needs. */
const catalogue: [InterceptorType, string, "Q" | "QP", "all" | "api", Record<string, Json>, string?][] = [
  ["rateLimit", "traffic", "Q", "all", { calls: 1, interval: "day" }],
  ["spikeArrest", "traffic", "Q", "all", { limit: 1, interval: "second" }],
  ["ipFilter", "traffic", "Q", "all", { list: "allow", addresses: ["10.0.0.0/8", "2001:db8::1"] }],
  ["clientId", "security", "Q", "api", {}],
  ["clientIdSecret", "security", "Q", "api", {}],
  ["accessToken", "security", "Q", "api", {}],
  ["oauth", "security", "Q", "api", { action: "issue" }, "request"],
  ["oauth", "security", "Q", "api", { action: "validate" }],
  ["jwt", "security", "Q", "all", { algorithms: ["RS256", "EdDSA"], jwksUrl: fixed.jwksUrl }],
  ["jwt", "security", "Q", "all", { algorithms: ["HS256"], secret: fixed.secret }],
  ["jsonThreat", "security", "Q", "all", {}, "request"],
  ["xmlThreat", "security", "Q", "all", {}, "request"],
  ["cors", "security", "QP", "api", { origins: ["*"] }],
  ["requestSize", "security", "Q", "all", {}],
  ["serviceCallout", "mediation", "QP", "all", { variable: "a", url: "https://a.example.com" }],
  [
    "serviceCallout",
    "mediation",
    "QP",
    "all",
    { mode: "forget", url: "https://a.example.com", method: "POST", preserveBody: true },
    "stage",
  ],
  ["internalCall", "mediation", "Q", "api", { variable: "a", api: fixed.secret, resource: "r", operation: "o" }],
  ["cache", "mediation", "Q", "api", {}],
  ["cacheClear", "mediation", "QP", "api", {}],
  ["mock", "mediation", "Q", "all", {}],
  ["condition", "mediation", "QP", "all", { expression: "app.id != null", refuse: {} }],
  ["condition", "mediation", "QP", "all", { expression: "body.a", readsBody: true, variable: "a" }, "stage"],
  ["header", "transformation", "QP", "all", { set: { "x-app": "{{app.id}}" } }],
  ["query", "transformation", "Q", "all", { remove: ["debug"] }],
  ["destination", "transformation", "Q", "all", { url: "{{app.fields.backend}}" }],
  ["jsonXml", "transformation", "QP", "all", { to: "xml" }, "stage"],
  ["bodyTransform", "transformation", "QP", "all", { expression: "body.a" }, "stage"],
  ["mask", "transformation", "QP", "all", { headers: ["x-account"] }],
  ["mask", "transformation", "QP", "all", { fields: ["a.*.b"] }, "stage"],
  ["log", "tracing", "QP", "all", {}],
  ["log", "tracing", "QP", "all", { body: true }, "stage"],
  ["logObfuscation", "tracing", "QP", "all", { location: "body", pattern: "\\d+" }],
  ["logObfuscation", "tracing", "QP", "all", { location: "header", names: ["x-account"] }],
  ["javascript", "custom", "QP", "all", { script: "1" }],
  ["javascript", "custom", "QP", "all", { script: "1", body: true }, "stage"],
];

it.each(catalogue)("%s: %s, %s, %s", (type, category, stages, places, config, body) => {
  const kind = interceptorOf(type)!;
  expect(kind).toMatchObject({ type, category });
  expect(kind.stages).toEqual(stages === "Q" ? ["request"] : ["request", "response"]);
  expect(kind.scopes).toEqual(["api", "resource", "operation", ...(places === "all" ? ["plan"] : [])]);
  const read = configOf(type, config);
  for (const stage of kind.stages) {
    expect(kind.needsBody?.(read, stage)).toBe(body === "stage" ? stage : body);
  }
});

it("the table has every type, and every type its own name", () => {
  expect([...new Set(catalogue.map(([type]) => type))]).toEqual(interceptorTypes);
  expect(interceptorTypes.map((type) => interceptors[type].type)).toEqual(interceptorTypes);
  expect(interceptorOf("constructor")).toBeUndefined();
});

it.each(interceptorTypes)("every field of %s has a description and an example", (type) => {
  const { config, description } = interceptors[type];
  expect(description).toMatch(/^[A-Z].*\.$/s);
  const schema = z.toJSONSchema(config, { io: "input" }) as Described;
  const fields = (schema.oneOf ?? [schema]).flatMap((one) => Object.entries(one.properties ?? {}));
  const bare = fields.filter(([, field]) => field.description?.endsWith(".") !== true || field.example === undefined);
  expect(fields.length).toBeGreaterThan(0);
  expect(bare.map(([name]) => name)).toEqual([]);
});

interface Described {
  readonly description?: string;
  readonly example?: unknown;
  readonly oneOf?: readonly Described[];
  readonly properties?: Readonly<Record<string, Described>>;
}

it("says which ask a counter, and which tell the app", () => {
  expect(interceptorTypes.filter((type) => interceptorOf(type)!.keeps !== undefined)).toEqual([
    "rateLimit",
    "spikeArrest",
  ]);
  const tells = catalogue.filter(([type, , , , config]) => interceptorOf(type)!.identifies?.(configOf(type, config)));
  expect(tells.map(([type, , , , config]) => [type, config])).toEqual([
    ["clientId", {}],
    ["clientIdSecret", {}],
    ["accessToken", {}],
    ["oauth", { action: "validate" }],
  ]);
  const claim = configOf("jwt", { algorithms: ["RS256"], jwksUrl: fixed.jwksUrl, clientIdClaim: "azp" });
  expect(interceptors.jwt.identifies?.(claim)).toBe(true);
});

it("fills in what is left unsaid", () => {
  expect(configOf("rateLimit", { calls: 1, interval: "day" })).toEqual({
    calls: 1,
    interval: "day",
    by: "total",
    soft: false,
    quotaHeaders: false,
  });
  expect(configOf("jsonThreat", {})).toEqual({
    maxDepth: 100,
    maxEntries: 100,
    maxItems: 100,
    maxNameLength: 100,
    maxValueLength: 500,
  });
  expect(() => configOf("rateLimit", {})).toThrow("calls");
});

/** Codes and places of what is wrong with a config. */
function found(type: InterceptorType, config: Record<string, Json>): string[] {
  const read = new Configs().of({ id: "a", type, enabled: true, config });
  return read.ok ? [] : read.faults.map(({ code, path }) => `${code} ${path.join("/")}`);
}

const limited = { calls: 300, interval: "minute" };
const callout = { variable: "a", url: "https://a.example.com" };
const keys = { algorithms: ["RS256"], jwksUrl: fixed.jwksUrl };

describe("configs that are none", () => {
  it.each<[string, InterceptorType, Record<string, Json>, ...string[]]>([
    ["no calls", "rateLimit", { interval: "day" }, "REQUIRED calls"],
    ["another interval", "rateLimit", { ...limited, interval: "week" }, "VALUE_UNKNOWN interval"],
    ["no call at all", "rateLimit", { ...limited, calls: 0 }, "TOO_SMALL calls"],
    ["unknown key", "rateLimit", { ...limited, count: 1 }, "KEY_UNKNOWN count"],
    ["soft without percent", "rateLimit", { ...limited, soft: true }, "SOFT_LIMIT_INVALID softPercent"],
    ["percent without soft", "rateLimit", { ...limited, softPercent: 30 }, "SOFT_LIMIT_INVALID softPercent"],
    ["soft with percent", "rateLimit", { ...limited, soft: true, softPercent: 30 }],
    ["a day of spikes", "spikeArrest", { limit: 1, interval: "day" }, "VALUE_UNKNOWN interval"],
    ["no addresses", "ipFilter", { list: "block", addresses: [] }, "TOO_SMALL addresses"],
    [
      "no ranges",
      "ipFilter",
      { list: "block", addresses: ["10.0.0.1", "localhost", "10.0.0.0/33"] },
      "RANGE_INVALID addresses/1",
      "RANGE_INVALID addresses/2",
    ],
    ["a cookie", "clientId", { location: "cookie" }, "VALUE_UNKNOWN location"],
    ["no header name", "clientId", { name: "client id" }, "WRONG_FORM name"],
    ["no action", "oauth", {}, "ACTION_REQUIRED action"],
    ["another grant", "oauth", { action: "issue", grantTypes: ["password"] }, "VALUE_UNKNOWN grantTypes/0"],
    ["field of the other action", "oauth", { action: "validate", expires: 60 }, "KEY_UNKNOWN expires"],
    ["no algorithms", "jwt", { jwksUrl: fixed.jwksUrl }, "REQUIRED algorithms"],
    ["an empty list of them", "jwt", { ...keys, algorithms: [] }, "TOO_SMALL algorithms"],
    ["none", "jwt", { ...keys, algorithms: ["none"] }, "VALUE_UNKNOWN algorithms/0"],
    ["an unpinned one", "jwt", { ...keys, algorithms: ["RS256", "HS512"] }, "VALUE_UNKNOWN algorithms/1"],
    ["no keys", "jwt", { algorithms: ["ES256"] }, "JWT_KEY_INVALID jwksUrl"],
    ["a secret beside keys", "jwt", { ...keys, secret: fixed.secret }, "JWT_KEY_INVALID secret"],
    ["HS256 without secret", "jwt", { algorithms: ["HS256"] }, "JWT_KEY_INVALID secret"],
    [
      "HS256 with public keys",
      "jwt",
      { ...keys, algorithms: ["RS256", "HS256"], secret: fixed.secret },
      "JWT_KEY_INVALID algorithms",
      "JWT_KEY_INVALID jwksUrl",
    ],
    ["a secret itself", "jwt", { algorithms: ["HS256"], secret: "s3cr3t" }, "WRONG_FORM secret"],
    ["clocks too far apart", "jwt", { ...keys, clockTolerance: 301 }, "TOO_LARGE clockTolerance"],
    ["less than off", "jsonThreat", { maxDepth: -2 }, "TOO_SMALL maxDepth"],
    ["off", "xmlThreat", { maxDepth: -1 }],
    ["no origins", "cors", { origins: [] }, "TOO_SMALL origins"],
    ["an origin with a path", "cors", { origins: ["https://a.example.com/"] }, "WRONG_FORM origins/0"],
    ["credentials for all", "cors", { origins: ["*"], credentials: true }, "CORS_TOO_WIDE credentials"],
    ["too large a body", "requestSize", { mostBytes: 104_857_601 }, "TOO_LARGE mostBytes"],
    ["no variable", "serviceCallout", { url: callout.url }, "VARIABLE_INVALID variable"],
    ["a variable for nothing", "serviceCallout", { ...callout, mode: "forget" }, "VARIABLE_INVALID variable"],
    ["a bad variable", "serviceCallout", { ...callout, variable: "a-b" }, "WRONG_FORM variable"],
    ["GET with a body", "serviceCallout", { ...callout, body: {} }, "BODY_INVALID body"],
    ["GET with the body", "serviceCallout", { ...callout, preserveBody: true }, "BODY_INVALID preserveBody"],
    ["two bodies", "serviceCallout", { ...callout, method: "PUT", body: 1, preserveBody: true }, "BODY_INVALID body"],
    ["a bad body", "serviceCallout", { ...callout, method: "PUT", body: { a: ["{{"] } }, "EXPRESSION_INVALID body/a/0"],
    ["a long wait", "serviceCallout", { ...callout, timeout: 61 }, "TOO_LARGE timeout"],
    ["a header of ours", "serviceCallout", { ...callout, headers: { host: "a" } }, "KEY_INVALID headers/host"],
    ["no such status", "serviceCallout", { ...callout, expected: [700] }, "TOO_LARGE expected/0"],
    [
      "no API",
      "internalCall",
      { variable: "a", api: "orders", resource: "a/b", operation: "o" },
      "WRONG_FORM api",
      "WRONG_FORM resource",
    ],
    ["cached for ever", "cache", { ttl: 86_401 }, "TOO_LARGE ttl"],
    ["informational", "mock", { status: 101 }, "TOO_SMALL status"],
    ["nothing follows", "condition", { expression: "true" }, "CONDITION_IDLE refuse"],
    ["no expression", "condition", { expression: "a +", refuse: {} }, "EXPRESSION_INVALID expression"],
    ["refused with success", "condition", { expression: "a", refuse: { status: 200 } }, "TOO_SMALL refuse/status"],
    ["no headers", "header", {}, "NOTHING_TO_DO set"],
    ["a hop-by-hop header", "header", { remove: ["Transfer-Encoding"] }, "HEADER_INVALID remove/0"],
    ["a header that is none", "header", { set: { "x y": "a" } }, "KEY_INVALID set/x y"],
    ["a bad value", "header", { set: { x: "{{a" } }, "EXPRESSION_INVALID set/x"],
    ["no parameters", "query", { set: {} }, "NOTHING_TO_DO set"],
    ["no address", "destination", {}, "REQUIRED url"],
    ["to where", "jsonXml", {}, "VALUE_UNKNOWN to"],
    ["no name of an element", "jsonXml", { to: "xml", root: "a b" }, "WRONG_FORM root"],
    ["nothing to mask", "mask", { keepLast: 4 }, "NOTHING_TO_DO fields"],
    ["a pattern for a path", "mask", { fields: ["a[0-9]+..b"] }, "WRONG_FORM fields/0"],
    ["two signs", "mask", { fields: ["a"], sign: "**" }, "WRONG_FORM sign"],
    ["a level", "log", { level: "loud" }, "VALUE_UNKNOWN level"],
    ["look-behind", "logObfuscation", { location: "body", pattern: "(?<=a)b" }, "PATTERN_INVALID pattern"],
    ["nothing to hide", "logObfuscation", { location: "body" }, "NOTHING_TO_DO fields"],
    ["no names", "logObfuscation", { location: "header", names: [] }, "TOO_SMALL names"],
    ["a long script", "javascript", { script: "a".repeat(32_769) }, "TOO_LARGE script"],
  ])("%s (%s)", (_name, type, config, ...faults) => {
    expect(found(type, config)).toEqual(faults);
  });

  it("tells what would be right", () => {
    const read = new Configs().of({ id: "a", type: "rateLimit", enabled: true, config: { calls: "many", wait: 1 } });
    expect(read.ok ? [] : read.faults.map(({ message }) => message)).toEqual([
      "calls must be a number.",
      "interval must be one of second, minute, hour, day, month.",
      'Unknown key "wait". Here stand calls, interval, by, soft, softPercent, quotaHeaders.',
    ]);
  });
});

const plan = (request: unknown[], more: object = {}) => ({ name: "Gold", request, ...more });

describe("plans", () => {
  const limit = { id: "limit", type: "rateLimit", config: { ...limited, by: "app" } };

  it.each<[string, unknown, ...string[]]>([
    ["no object", null, "WRONG_TYPE "],
    ["no name", { request: [] }, "REQUIRED name"],
    ["a limit", plan([limit])],
    ["an identification", plan([{ id: "who", type: "clientId" }]), "SCOPE_NOT_ALLOWED request/0/type"],
    ["a limit on the response", plan([], { response: [limit] }), "STAGE_NOT_ALLOWED response/0/type"],
    [
      "the same id on both lists",
      plan([limit], { response: [{ id: "limit", type: "log" }] }),
      "ID_REPEATED response/0/id",
    ],
    ["a config", plan([{ ...limit, config: { calls: 1 } }]), "VALUE_UNKNOWN request/0/config/interval"],
    ["a destination", plan([], { destination: { url: "https://a.example.com" } }), "KEY_UNKNOWN destination"],
    ["a variable that nobody knows here", plan([{ id: "a", type: "destination", config: { url: "{{env.B}}/x" } }])],
    [
      "an expression behind one",
      plan([{ id: "a", type: "destination", config: { url: "{{env.B}}/{{x +}}" } }]),
      "ADDRESS_INVALID request/0/config/url",
    ],
    [
      "an address",
      plan([{ id: "a", type: "destination", config: { url: "ftp://a.example.com" } }]),
      "ADDRESS_INVALID request/0/config/url",
    ],
  ])("%s", (_name, input, ...faults) => {
    const checked = checkPlan(input);
    const told = checked.ok ? checked.warnings : checked.faults;
    expect(told.map(({ code, path }) => `${code} ${path.join("/")}`)).toEqual(faults);
    expect(checked.ok).toBe(faults.length === 0);
  });
});
