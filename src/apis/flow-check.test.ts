import { describe, expect, it } from "vitest";

import { checkApi } from "./check.ts";

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
const base = { enabled: true, config: {} };
const limit = { id: "limit", type: "rateLimit", config: { calls: 1, interval: "day" } };
const callout = (id: string, variable: string, url = "https://crm.example.com") => {
  return { id, type: "serviceCallout", config: { variable, url } };
};

/** Codes and places of all that is found, warnings with a question mark. */
function found(input: unknown): string[] {
  const checked = checkApi(input);
  const faults = checked.ok ? checked.warnings : checked.faults;
  return faults.map(({ code, path, warning }) => `${code}${warning === true ? "?" : ""} ${path.join("/")}`);
}
const messages = (input: unknown) => {
  const checked = checkApi(input);
  return (checked.ok ? checked.warnings : checked.faults).map(({ message }) => message);
};

describe("entries", () => {
  it.each<[string, unknown, ...string[]]>([
    ["request alone", withFlow({ response: [limit] }), "STAGE_NOT_ALLOWED flows/all/response/0/type"],
    [
      "the same at an operation",
      withFlows({}, { operations: { get: { response: [limit] } } }),
      "STAGE_NOT_ALLOWED flows/resources/order/operations/get/response/0/type",
    ],
    [
      "a config",
      withFlow({ request: [{ ...limit, config: {} }] }),
      ...["calls", "interval"].map(
        (key) => `${key === "calls" ? "REQUIRED" : "VALUE_UNKNOWN"} flows/all/request/0/config/${key}`,
      ),
    ],
    ["the same id on both lists", withFlow({ request: [log], response: [log] }), "ID_REPEATED flows/all/response/0/id"],
    [
      "the same variable",
      withFlow({ request: [callout("a", "v"), callout("b", "v"), callout("c", "w")] }),
      "VARIABLE_REPEATED flows/all/request/1/config/variable",
    ],
    [
      "the same variable on the other list",
      withFlow({
        request: [callout("a", "v")],
        response: [{ id: "b", type: "condition", config: { expression: "true", variable: "v" } }],
      }),
      "VARIABLE_REPEATED flows/all/response/0/config/variable",
    ],
    ["an inherited one", withFlows({ response: [log] }, { all: { response: [{ ...log, base }] } })],
    [
      "one of the parent's without base",
      withFlows({ response: [log] }, { all: { response: [log] } }),
      "BASE_REQUIRED flows/resources/order/all/response/0/base",
    ],
    [
      "one of the API's without base, at an operation",
      withFlows({ response: [log] }, { operations: { get: { response: [log] } } }),
      "BASE_REQUIRED flows/resources/order/operations/get/response/0/base",
    ],
    ["one that was kept when the parent's went", withFlows({}, { all: { response: [{ ...log, base }] } })],
    [
      "the id of a sibling's own",
      withFlows({}, { operations: { get: { response: [log] }, put: { response: [log] } } }),
      "ID_TAKEN flows/resources/order/operations/put/response/0/id",
    ],
    [
      "the id of what a sibling inherited",
      withFlows({}, { operations: { get: { response: [{ ...log, base }] }, put: { response: [log] } } }),
      "ID_TAKEN flows/resources/order/operations/get/response/0/id",
    ],
    [
      "a base where nothing is above, and none where something is",
      withFlows({ response: [{ ...log, base }] }, { operations: { get: { response: [log] } } }),
      "BASE_NOT_ALLOWED flows/all/response/0/base",
      "BASE_REQUIRED flows/resources/order/operations/get/response/0/base",
    ],
    [
      "one that the resource's own flow dropped",
      withFlows({ response: [log] }, { all: {}, operations: { get: { response: [{ ...log, base }] } } }),
    ],
    [
      "one that the resource's own flow does not have, without base",
      withFlows({ response: [log] }, { all: {}, operations: { get: { response: [log] } } }),
      "ID_TAKEN flows/resources/order/operations/get/response/0/id",
    ],
    [
      "an inherited one of another type",
      withFlows(
        { response: [log] },
        { all: { response: [{ id: "log", type: "jsonXml", config: { to: "xml" }, base }] } },
      ),
      "TYPE_CHANGED flows/resources/order/all/response/0/type",
    ],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it("names the stage and the allowed ones", () => {
    expect(messages(withFlow({ response: [limit] }))).toEqual([
      "rateLimit cannot stand on the response. It stands on the request.",
    ]);
  });
});
