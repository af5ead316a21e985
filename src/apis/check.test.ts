import { describe, expect, it } from "vitest";

import { checkApi } from "./check.ts";
import { orders } from "./example.ts";

const resources = [
  {
    id: "order",
    path: "/orders/{id}",
    operations: [
      { id: "get", method: "GET" },
      { id: "put", method: "PUT" },
    ],
  },
  { id: "files", path: "/files/*", operations: [{ id: "get", method: "GET" }] },
];
const backend = { url: "https://backend.example.com" };
const api = (more: object = {}) => ({
  basePath: "/orders/v1",
  resources,
  flows: { all: { destination: backend } },
  ...more,
});
const withFlow = (all: object, more: object = {}) => api({ flows: { all: { destination: backend, ...all } }, ...more });
const withFlows = (all: object, order: object, more: object = {}) =>
  api({ flows: { all: { destination: backend, ...all }, resources: { order } }, ...more });
const log = { id: "log", type: "log" };
const limit = { id: "limit", type: "rateLimit", config: { calls: 1, interval: "day" } };
const environments = (variables: object, test?: object) => ({
  environment: "live",
  environments: { live: { variables }, ...(test && { test: { variables: test } }) },
});

/** Codes and places of all that is found, warnings with a question mark. */
function found(input: unknown): string[] {
  const checked = checkApi(input);
  const faults = checked.ok ? checked.warnings : checked.faults;
  return faults.map(({ code, path, warning }) => `${code}${warning === true ? "?" : ""} ${path.join("/")}`);
}

it("an API with everything has no findings, and says what it left unsaid", () => {
  expect(found(orders)).toEqual([]);
  expect(checkApi(orders)).toMatchObject({
    ok: true,
    api: { settings: { valueInheritance: "copied", traceSampling: 0.01, trustedProxies: [] } },
  });
  expect(checkApi({ basePath: "/", resources: [] })).toEqual({
    ok: true,
    warnings: [],
    api: {
      basePath: "/",
      resources: [],
      flows: { resources: {} },
      environments: {},
      plans: [],
      settings: { valueInheritance: "copied", traceSampling: 0, trustedProxies: [] },
    },
  });
});

it("configs stay as they were written", () => {
  const checked = checkApi(withFlow({ request: [limit] }));
  expect(checked.ok && checked.api.flows.all?.request).toEqual([{ ...limit, enabled: true }]);
});

it("what it gives can be checked again, and is the same", () => {
  const checked = checkApi(orders);
  expect(checked.ok && checkApi(checked.api)).toEqual(checked);
});

const many = (count: number, of: (index: number) => unknown) => Array.from({ length: count }, (_, index) => of(index));
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
const mocked = (body: unknown) => withFlow({ request: [{ id: "mock", type: "mock", config: { body } }] });

describe("shape and size", () => {
  it.each<[string, unknown, ...string[]]>([
    ["no object", [], "WRONG_TYPE "],
    ["nothing", {}, "REQUIRED basePath", "REQUIRED resources"],
    ["unknown key", api({ path: "/" }), "KEY_UNKNOWN path"],
    ["unknown key of a resource", api({ resources: [{ ...resources[0], url: "/" }] }), "KEY_UNKNOWN resources/0/url"],
    ["no operations", api({ resources: [{ id: "a", path: "/a" }] }), "REQUIRED resources/0/operations"],
    ["an id for all", api({ resources: [{ ...resources[0], id: "All" }] }), "ID_RESERVED resources/0/id"],
    ["no id", api({ resources: [{ ...resources[0], id: "a/b" }] }), "WRONG_FORM resources/0/id"],
    ["no type", withFlow({ request: [{ id: "a" }] }), "VALUE_UNKNOWN flows/all/request/0/type"],
    ["unknown type", withFlow({ request: [{ id: "a", type: "rate" }] }), "VALUE_UNKNOWN flows/all/request/0/type"],
    ["a prototype", JSON.parse('{"flows":{"resources":{"__proto__":{}}}}'), "KEY_INVALID flows/resources/__proto__"],
    [
      "a bad condition",
      withFlow({ request: [{ ...log, when: "a +" }] }),
      "EXPRESSION_INVALID flows/all/request/0/when",
    ],
    ["a host name", api({ hostnames: ["api.example.com", "API.example.com"] }), "WRONG_FORM hostnames/1"],
    ["an address for it", api({ hostnames: ["10.0.0.1"] }), "WRONG_FORM hostnames/0"],
    ["a plan", api({ plans: ["gold"] }), "WRONG_FORM plans/0"],
    ["sampling", api({ settings: { traceSampling: 1.1 } }), "TOO_LARGE settings/traceSampling"],
    ["inheritance", api({ settings: { valueInheritance: "none" } }), "VALUE_UNKNOWN settings/valueInheritance"],
    ["a proxy", api({ settings: { trustedProxies: ["proxy"] } }), "RANGE_INVALID settings/trustedProxies/0"],
    [
      "a binding",
      withFlow({ destination: { ...backend, certificate: "DB" } }),
      "WRONG_FORM flows/all/destination/certificate",
    ],
    ["a variable's name", api(environments({ "A-B": "x" })), "KEY_INVALID environments/live/variables/A-B"],
    ["a variable's value", api(environments({ A: 1 })), "WRONG_TYPE environments/live/variables/A"],
    ["50 entries", withFlow({ response: many(50, (index) => ({ ...log, id: `l${index}` })) })],
    [
      "51 entries",
      withFlow({ response: many(51, (index) => ({ ...log, id: `l${index}` })) }),
      "TOO_LARGE flows/all/response",
    ],
    [
      "11 operations",
      api({
        resources: [
          { id: "a", path: "/a", operations: many(11, (index) => ({ id: `o${index}`, method: `M${index}` })) },
        ],
      }),
      "TOO_LARGE resources/0/operations",
    ],
    [
      "2000 resources",
      api({ resources: many(2000, (index) => ({ id: `r${index}`, path: `/r${index}`, operations: [] })) }),
    ],
    [
      "2001 resources",
      api({ resources: many(2001, (index) => ({ id: `r${index}`, path: `/r${index}`, operations: [] })) }),
      "TOO_LARGE resources",
    ],
    [
      "200 variables",
      api(environments(Object.fromEntries(many(200, (index) => [`V${index}`, "x"]) as [string, string][]))),
    ],
    [
      "201 variables",
      api(environments(Object.fromEntries(many(201, (index) => [`V${index}`, "x"]) as [string, string][]))),
      "TOO_LARGE environments/live/variables",
    ],
    ["a config of 64 KiB", mocked("a".repeat(65_536 - '{"body":""}'.length))],
    ["a larger one", mocked("a".repeat(65_537 - '{"body":""}'.length)), "CONFIG_TOO_LARGE flows/all/request/0/config"],
    ["one of wide characters", mocked("é".repeat(40_000)), "CONFIG_TOO_LARGE flows/all/request/0/config"],
    ["a config of 20 levels", mocked(nested(19))],
    ["a deeper one", mocked(nested(20)), "CONFIG_TOO_DEEP flows/all/request/0/config"],
    ["one without end", mocked(nested(2000)), `NESTED_TOO_DEEP flows/all/request/0/config/body${"/a".repeat(34)}`],
    ["many expressions", mocked(many(2001, (index) => `{{a${index}}}`)), "EXPRESSIONS_TOO_MANY "],
    ["the same one many times", mocked(many(900, () => "{{query.a}}"))],
    [
      "a variable in many places",
      withFlow(
        {
          request: many(3, (at) => {
            const body = many(900, (index) => `{{env.A}}/${index}/${at}`);
            return { id: `m${at}`, type: "mock", config: { body } };
          }),
        },
        environments({ A: "x" }),
      ),
    ],
  ])("%s", (_name, input, ...faults) => {
    const withoutDestinations = found(input).filter((one) => !one.startsWith("DESTINATION_MISSING"));
    expect(withoutDestinations).toEqual(faults);
  });
});

const route = (path: string, ...methods: string[]) => ({
  id: "other",
  path,
  operations: methods.map((method, index) => ({ id: `o${index}`, method })),
});

describe("resources", () => {
  it.each<[string, unknown, ...string[]]>([
    ["base path without slash", api({ basePath: "orders" }), "BASE_PATH_INVALID basePath"],
    ["base path with a parameter", api({ basePath: "/{a}" }), "BASE_PATH_INVALID basePath"],
    ["host name twice", api({ hostnames: ["a.example.com", "a.example.com"] }), "ID_REPEATED hostnames/1"],
    ["plan twice", api({ plans: ["plan_a", "plan_a"] }), "ID_REPEATED plans/1", "APP_NOT_KNOWN? plans"],
    ["the same id", api({ resources: [...resources, { ...resources[0], path: "/x" }] }), "ID_REPEATED resources/2/id"],
    [
      "the same id of operations",
      api({
        resources: [
          {
            ...resources[0],
            operations: [
              { id: "a", method: "GET" },
              { id: "a", method: "PUT" },
            ],
          },
        ],
      }),
      "ID_REPEATED resources/0/operations/1/id",
    ],
    ["the same shape", api({ resources: [...resources, route("/orders/{number}")] }), "ROUTE_INVALID resources/2/path"],
    ["no path", api({ resources: [route("orders")] }), "ROUTE_INVALID resources/0/path"],
    [
      "the same method",
      api({ resources: [route("/a", "GET", "get")] }),
      "METHOD_INVALID resources/0/operations/1/method",
    ],
    ["no method", api({ resources: [route("/a", "G T")] }), "METHOD_INVALID resources/0/operations/0/method"],
    [
      "flows of what is not there",
      api({
        flows: {
          all: { destination: backend },
          resources: { order: { operations: { post: {} } }, gone: { all: {}, operations: { get: {} } } },
        },
      }),
      "RESOURCE_UNKNOWN flows/resources/gone",
      "OPERATION_UNKNOWN flows/resources/order/operations/post",
    ],
    [
      "a resource called as what objects inherit",
      withFlows({}, {}, { flows: { all: { destination: backend }, resources: { constructor: {} } } }),
      "RESOURCE_UNKNOWN flows/resources/constructor",
    ],
  ])("%s", (_name, input, ...faults) => {
    // Warnings are told only of what can be stored.
    const checked = checkApi(input);
    expect(found(input)).toEqual(checked.ok ? faults : faults.filter((one) => !one.includes("?")));
  });
});
