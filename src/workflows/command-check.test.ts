import { describe, expect, it } from "vitest";

import { checkWorkflow } from "./check.ts";

const script = (commands: unknown, more: object = {}) => ({ name: "test", commands, ...more });
const ask = { command: "route", name: "basic", uri: "/basic", validate: { age: { rule: "number" } } };
const log = { command: "log", message: "Here." };

/** Codes and places of all that is found, warnings with a question mark. */
function found(input: unknown): string[] {
  const checked = checkWorkflow(input);
  const faults = checked.ok ? checked.warnings : checked.faults;
  return faults.map(({ code, path, warning }) => `${code}${warning === true ? "?" : ""} ${path.join("/")}`);
}

const messages = (input: unknown) => {
  const checked = checkWorkflow(input);
  return (checked.ok ? checked.warnings : checked.faults).map(({ message }) => message);
};

const wait = { command: "wait", event: "e" };
const one = (command: object, more: object = {}) => script([command], more);
const inSwitch = (...cases: object[]) => one({ command: "switch", value: "it.x", cases });
const exchange = (more: object) => one({ command: "exchange", url: "https://a.example.com", ...more });

describe("commands", () => {
  it.each<[string, unknown, ...string[]]>([
    ["a route with a uri", one({ command: "route", uri: "/x", validate: {} })],
    ["a route that keeps nothing", one({ command: "route", uri: "/x" }), "ROUTE_PAYLOAD_LOST? commands/0"],
    ["a route with a namespace", one({ command: "route", uri: "/x", namespace: "a" })],
    ["a route that ends", one({ command: "route", uri: "/x", terminal: true })],
    ["a url of text", exchange({ url: "https://a.example.com/x" })],
    ["a url that is one expression", exchange({ url: "{{it.url}}" })],
    ...[
      "https://a.example.com/{{it.x}}",
      "https://a.example.com/{{it.x}}/{{it.y}}",
      "https://a.example.com?x={{it.x}}",
      "https://a.example.com:8080/#{{it.x}}",
    ].map((url): [string, unknown] => [`the url ${url}`, exchange({ url })]),
    ...[
      "https://{{it.x}}/",
      "https://a.example.com{{it.x}}",
      "https://a.example.com:{{it.x}}/",
      "https://me:{{it.x}}@a.example.com/",
      "{{it.x}}://a.example.com/",
      "{{it.x}}/path",
      " {{it.x}}",
      "https:///{{it.x}}",
      "https:{{it.x}}",
      "/{{it.x}}",
    ].map((url): [string, unknown, string] => [
      `the url ${url}`,
      exchange({ url }),
      "URL_HOST_TEMPLATED commands/0/url",
    ]),
    ["a route without", one({ command: "route" }), "ROUTE_URI_REQUIRED commands/0/uri"],
    ["a route with an empty one", one({ command: "route", name: "a", uri: " " }), "ROUTE_URI_REQUIRED commands/0/uri"],
    ["a terminal route without", one({ command: "route", terminal: true }), "ROUTE_URI_REQUIRED commands/0/uri"],
    ["a registered route", one({ command: "route", name: "a" }, { routes: { a: { uri: "/a" } } })],
    [
      "a registered one without",
      one({ command: "route", name: "a" }, { routes: { a: {} } }),
      "ROUTE_URI_REQUIRED commands/0/uri",
    ],
    ["a registered one, uri here", one({ command: "route", name: "a", uri: "/" }, { routes: { a: {} } })],
    ["a route that is not registered", one({ command: "route", name: "a" }), "ROUTE_UNKNOWN commands/0/name"],
    [
      "a route named as what objects inherit",
      one({ command: "route", name: "toString" }, { routes: {} }),
      "ROUTE_UNKNOWN commands/0/name",
    ],
    ["an exchange with an empty url", one({ command: "exchange", url: "" }), "EXCHANGE_URL_REQUIRED commands/0/url"],
    ["a fallback", exchange({ fallback: [log] })],
    ["a fallback of async", exchange({ async: true, name: "x", fallback: [] }), "FALLBACK_ASYNC commands/0/fallback"],
    ["async with a namespace", exchange({ async: true, namespace: "x" })],
    ["async with a name", exchange({ async: true, name: "x" })],
    ["async without", exchange({ async: true }), "ASYNC_UNNAMED commands/0/async"],
    ["not async without", exchange({ async: false })],
    ["an unknown function", one({ command: "function", name: "f" }), "FUNCTION_UNKNOWN commands/0/name"],
    [
      "a function like what objects inherit",
      one({ command: "function", name: "constructor" }, { functions: {} }),
      "FUNCTION_UNKNOWN commands/0/name",
    ],
    ["a known function", one({ command: "function", name: "f" }, { functions: { f: { commands: [] } } })],
    ["an unknown path", one({ command: "path", name: "p" }), "PATH_UNKNOWN commands/0/name"],
    ["a known path", one({ command: "path", name: "p" }, { paths: { p: [] } })],
    ["a wait for nothing", one({ command: "wait", namespace: "a" }), "WAIT_EMPTY commands/0"],
    ["a wait for a time", one({ command: "wait", seconds: 1 })],
    ["a wait for an event", one(wait)],
    ["a case with equals", inSwitch({ equals: null, do: [] })],
    ["a case with in", inSwitch({ in: [], do: [] })],
    ["a case with matches", inSwitch({ matches: "a", do: [] })],
    ["a case with a condition", inSwitch({ condition: "true", do: [] })],
    ["a case with nothing", inSwitch({ equals: 1, do: [] }, { do: [] }), "CASE_INVALID commands/0/cases/1"],
    ["a case with two", inSwitch({ equals: 1, condition: "true", do: [] }), "CASE_INVALID commands/0/cases/0"],
    ["a case with a bad pattern", inSwitch({ matches: "(", do: [] }), "PATTERN_INVALID commands/0/cases/0/matches"],
    ["conditions without a value", one({ command: "switch", cases: [{ condition: "true", do: [] }] })],
    ...[{ equals: 1 }, { in: [1] }, { matches: "1" }].map((kind): [string, unknown, string] => [
      `${Object.keys(kind)[0]} without a value`,
      one({ command: "switch", cases: [{ ...kind, do: [] }] }),
      "SWITCH_VALUE_REQUIRED commands/0/value",
    ]),
    ["a sharable of an execution", one({ command: "sharable", of: "execution" })],
    ["a sharable of a payload", one({ command: "sharable", of: "payload", payload: null })],
    ["a sharable of none", one({ command: "sharable", of: "payload" }), "PAYLOAD_REQUIRED commands/0/payload"],
    ...["it", "init", "execution", "share", "it.x", "a.__proto__.b"].flatMap(
      (namespace): [string, unknown, string][] => [
        [
          `${namespace} of a route`,
          one({ command: "route", uri: "/", namespace }),
          "NAMESPACE_RESERVED commands/0/namespace",
        ],
        [`${namespace} of an exchange`, exchange({ namespace }), "NAMESPACE_RESERVED commands/0/namespace"],
        [`${namespace} of a wait`, one({ ...wait, namespace }), "NAMESPACE_RESERVED commands/0/namespace"],
        [
          `${namespace} of a sharable`,
          one({ command: "sharable", of: "execution", namespace }),
          "NAMESPACE_RESERVED commands/0/namespace",
        ],
        [
          `${namespace} set`,
          one({ command: "set", values: { [namespace]: 1 } }),
          `NAMESPACE_RESERVED commands/0/values/${namespace}`,
        ],
        [
          `${namespace} registered`,
          script([], { routes: { r: { namespace } } }),
          "NAMESPACE_RESERVED routes/r/namespace",
        ],
        [
          `${namespace} of a function`,
          one({ command: "function", name: "f", namespace }, { functions: { f: { commands: [] } } }),
          "NAMESPACE_RESERVED commands/0/namespace",
        ],
      ],
    ),
    ["share.x set", one({ command: "set", values: { "share.x": 1, "its.x": 1 } })],
    ["a route named share", one({ command: "route", uri: "/", name: "share" }), "NAMESPACE_RESERVED commands/0/name"],
    ["with a namespace", one({ command: "route", uri: "/", name: "share", namespace: "x" })],
    ["a terminal one", one({ command: "route", uri: "/", name: "it", terminal: true })],
    ["an exchange named init", exchange({ name: "init" }), "NAMESPACE_RESERVED commands/0/name"],
    [
      "a field that becomes an attribute",
      one({ command: "route", uri: "/", validate: { it: { rule: "string" } } }),
      "NAMESPACE_RESERVED commands/0/validate/it",
    ],
    ["a field that does not", one({ command: "route", uri: "/", name: "a", validate: { it: { rule: "string" } } })],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it.each<[unknown, string]>([
    [
      one({ command: "route", name: "a" }, { routes: { b: { uri: "/" }, c: { uri: "/" } } }),
      'Unknown route "a". Registered are b, c. Give it a uri, or register it.',
    ],
    [one({ command: "path", name: "a" }), 'Unknown path "a". No path is registered.'],
    [
      inSwitch({ equals: 1, in: [1], do: [] }),
      "A case has exactly one of equals, in, matches, condition; here it has equals, in.",
    ],
    [inSwitch({ do: [] }), "A case has exactly one of equals, in, matches, condition; here it has none."],
    [
      one({ command: "set", values: { share: 1 } }),
      '"share" is reserved: it cannot be set. Use share with a name, such as share.total.',
    ],
  ])("%j is told in words: %s", (input, message) => {
    expect(messages(input)).toEqual([message]);
  });
});

const fields = {
  good: { rule: "string", min: 1, max: 1 },
  text: { rule: "string", min: 2, max: 1 },
  number: { rule: "number", min: 0.2, max: 0.1 },
  open: { rule: "number", min: 5 },
  deep: {
    rule: "nested",
    fields: { zip: { rule: "regex", pattern: "(?=a)" }, ok: { rule: "regex", pattern: "\\d+" } },
  },
  large: { rule: "regex", pattern: "(?:a{0,30}){0,33}" },
};

const waits = (event: string, ...more: object[]) => [
  { command: "exchange", url: "https://a.example.com", namespace: "basic.score.total", async: true },
  ...more,
  { command: "wait", event },
];

describe("events", () => {
  const untold = "EVENT_UNTOLD? commands/1/event";
  it.each<[string, object[], ...string[]]>([
    ["the whole namespace", waits("basic.score.total")],
    ["its beginning", waits("basic"), untold],
    ["more of its beginning", waits("basic.score"), untold],
    ["its end", waits("total"), untold],
    ["more of its end", waits("score.total"), untold],
    ["its middle", waits("score")],
    ["letters of it", waits("bas")],
    ["something else", waits("paid")],
    [
      "what another one tells",
      waits("basic", { command: "exchange", url: "https://a.example.com", name: "basic", async: true }),
    ],
  ])("%s", (_name, commands, ...faults) => {
    expect(found(script(commands))).toEqual(faults);
  });
});

const named = (value: unknown) => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`) as object;

describe("keys that would be dropped", () => {
  it.each<[string, object]>([
    ["validate", { validate: named({ rule: "string" }) }],
    ["routes", { routes: named({ uri: "/" }) }],
    ["functions", { functions: named({ commands: [] }) }],
    ["paths", { paths: named([]) }],
    ["commands/0/values", { commands: [{ command: "set", values: named(1) }] }],
    ["commands/0/headers", { commands: [{ command: "exchange", url: "https://a.example.com", headers: named("x") }] }],
    ["routes/a/validate", { routes: { a: { validate: named({ rule: "string" }) } } }],
  ])("at %s", (place, more) => {
    expect(found(script([], more))).toEqual([`KEY_INVALID ${place}/__proto__`]);
  });
});

describe("fields", () => {
  it.each<[string, unknown]>([
    ["validate", script([], { validate: fields })],
    ["routes/r/validate", script([], { routes: { r: { validate: fields } } })],
    ["functions/f/validate", script([], { functions: { f: { validate: fields, commands: [] } } })],
    ["commands/0/validate", one({ ...ask, validate: fields })],
    ["commands/0/validate", exchange({ validate: fields })],
    ["commands/0/do/0/validate", one({ command: "if", condition: "true", do: [{ ...ask, validate: fields }] })],
    ["paths/p/0/validate", script([], { paths: { p: [{ ...ask, validate: fields }] } })],
  ])("what no payload could meet, at %s", (place, input) => {
    expect(found(input)).toEqual([
      `RANGE_INVALID ${place}/text/min`,
      `RANGE_INVALID ${place}/number/min`,
      `PATTERN_INVALID ${place}/deep/fields/zip/pattern`,
      `PATTERN_INVALID ${place}/large/pattern`,
    ]);
  });
});
