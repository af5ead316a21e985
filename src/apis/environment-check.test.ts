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
const limit = { id: "limit", type: "rateLimit", config: { calls: 1, interval: "day" } };
const callout = (id: string, variable: string, url = "https://crm.example.com") => {
  return { id, type: "serviceCallout", config: { variable, url } };
};
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
const messages = (input: unknown) => {
  const checked = checkApi(input);
  return (checked.ok ? checked.warnings : checked.faults).map(({ message }) => message);
};

const orderTo = (url: string) => withFlows({}, { all: { destination: { url } } });
const header = (value: string) => ({ id: "h", type: "header", config: { set: { "x-a": value } } });

describe("destinations, timeouts and variables", () => {
  const to = (destination: object, more: object = {}) => withFlow({ destination }, more);
  const filesTo = (url: string) =>
    api({ flows: { all: { destination: backend }, resources: { files: { all: { destination: { url } } } } } });
  const place = "flows/all/destination";
  const ofOrder = "flows/resources/order/all/destination/url";

  it.each<[string, unknown, ...string[]]>([
    ["one parameter", orderTo("https://a.example.com/o/{number}/{number}")],
    ["more parameters than values", orderTo("https://a.example.com/{a}/{b}"), `DESTINATION_INVALID ${ofOrder}`],
    ["a wildcard where there is none", orderTo("https://a.example.com/*"), `DESTINATION_INVALID ${ofOrder}`],
    ["a wildcard where there is one", filesTo("https://a.example.com/f/*")],
    ["parameters for the whole API", to({ url: "https://a.example.com/{id}" }), `DESTINATION_INVALID ${place}/url`],
    ["no address", to({ url: "backend" }), `DESTINATION_INVALID ${place}/url`],
    ["a password", to({ url: "https://u:p@a.example.com" }), `DESTINATION_INVALID ${place}/url`],
    ["a private address", to({ url: "http://10.0.0.1" }), `ADDRESS_PRIVATE? ${place}/url`],
    ["a name of this machine", to({ url: "http://localhost:8080/x" }), `ADDRESS_PRIVATE? ${place}/url`],
    [
      "a private address in a variable",
      withFlow(
        { destination: { url: "{{env.B}}" }, request: [callout("a", "v", "{{env.B}}/x")] },
        environments({ B: "http://[::1]:8080" }, { B: "http://localhost" }),
      ),
      `ADDRESS_PRIVATE? ${place}/url`,
      "ADDRESS_PRIVATE? flows/all/request/0/config/url",
    ],
    ["no variables", to({ url: "{{env.B}}/x" }), `VARIABLE_UNKNOWN ${place}/url`],
    ["a variable", to({ url: "{{ env.B }}/x" }, environments({ B: "https://a.example.com" }))],
    [
      "what the variable holds",
      to({ url: "{{env.B}}/x" }, environments({ B: "a.example.com" })),
      `DESTINATION_INVALID ${place}/url`,
    ],
    [
      "a variable with a parameter that nobody fills",
      to({ url: "{{env.B}}" }, environments({ B: "https://a.example.com/{x}" })),
      `DESTINATION_INVALID ${place}/url`,
    ],
    [
      "a variable that another environment lacks",
      to({ url: "{{env.B}}" }, environments({ B: "https://a.example.com" }, { C: "x" })),
      `VARIABLE_UNKNOWN? ${place}/url`,
    ],
    [
      "one that the live one lacks",
      to({ url: "{{env.B}}" }, environments({}, { B: "https://a.example.com" })),
      `VARIABLE_UNKNOWN ${place}/url`,
    ],
    ["what is wrong in all, told once", to({ url: "x" }, environments({}, {})), `DESTINATION_INVALID ${place}/url`],
    ["no environment", api({ environments: { live: {} } }), "ENVIRONMENT_REQUIRED environment"],
    [
      "unknown environment",
      api({ environments: { live: {} }, environment: "test" }),
      "ENVIRONMENT_UNKNOWN environment",
    ],
    ["an environment of none", api({ environment: "test" }), "ENVIRONMENT_UNKNOWN environment"],
    [
      "a certificate without url",
      api({ flows: { all: { destination: { certificate: "CERTIFICATE_A" } } } }),
      `CERTIFICATE_WITHOUT_URL ${place}/certificate`,
    ],
    [
      "a certificate for http",
      to({ url: "http://a.example.com", certificate: "CERTIFICATE_A" }),
      `CERTIFICATE_WITHOUT_TLS ${place}/certificate`,
    ],
    ["a timeout of 0", to({ ...backend, timeout: 0 }), `TIMEOUT_INVALID ${place}/timeout`],
    ["a timeout that is a text", to({ ...backend, timeout: "10 s" }), `TIMEOUT_INVALID ${place}/timeout`],
    ["a fraction", to({ ...backend, timeout: 0.5 })],
    ["unknown variable of a timeout", to({ ...backend, timeout: "{{env.T}}" }), `TIMEOUT_INVALID ${place}/timeout`],
    ["a variable of a timeout", to({ ...backend, timeout: "{{env.T}}" }, environments({ T: "10" }))],
    [
      "a variable that is no timeout elsewhere",
      to({ ...backend, timeout: "T" }, environments({ T: "10" }, { T: "long" })),
      `TIMEOUT_INVALID? ${place}/timeout`,
    ],
    [
      "an unknown variable in a config",
      withFlow({ request: [header("{{env.A}}")] }),
      "VARIABLE_UNKNOWN flows/all/request/0/config/set/x-a",
    ],
    ["a known one", withFlow({ request: [header("{{env.A}}-{{query.b}}")] }, environments({ A: "x" }))],
    ["what looks like one", withFlow({ request: [header("env.A")] })],
    [
      "the address of a callout",
      withFlow({ request: [callout("a", "v", "{{env.C}}/x")] }, environments({ C: "ftp://crm.example.com" })),
      "ADDRESS_INVALID flows/all/request/0/config/url",
    ],
    [
      "keys without TLS",
      withFlow({
        request: [{ id: "j", type: "jwt", config: { algorithms: ["RS256"], jwksUrl: "http://id.example.com" } }],
      }),
      "ADDRESS_INVALID flows/all/request/0/config/jwksUrl",
    ],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it("names the scope of a timeout, and the environment of a warning", () => {
    const flows = {
      all: { destination: backend },
      resources: { order: { operations: { get: { destination: { timeout: "T" } } } } },
    };
    expect(messages(api({ flows, ...environments({ T: "10" }, { T: "secret" }) }))).toEqual([
      expect.stringMatching(/^In the environment test: The timeout of GET \/orders\/\{id\}: (?!.*secret)/),
    ]);
  });
});

describe("what will not do what is wanted", () => {
  const byApp = { ...limit, config: { calls: 1, interval: "day", by: "app" } };
  const who = { id: "who", type: "clientId" };

  it.each<[string, unknown, ...string[]]>([
    ["no destination", api({ flows: {} }), "DESTINATION_MISSING? flows"],
    ["a mock in its place", api({ flows: { all: { request: [{ id: "m", type: "mock" }] } } })],
    [
      "a mock that is off",
      api({ flows: { all: { request: [{ id: "m", type: "mock", enabled: false }] } } }),
      "DESTINATION_MISSING? flows",
    ],
    ["counts apps that nobody tells", withFlow({ request: [byApp] }), "APP_NOT_KNOWN? flows/all/request/0/config/by"],
    ["counts apps too early", withFlow({ request: [byApp, who] }), "APP_NOT_KNOWN? flows/all/request/0/config/by"],
    ["counts apps in time", withFlow({ request: [who, byApp] })],
    [
      "is told by what is off",
      withFlow({ request: [{ ...who, enabled: false }, byApp] }),
      "APP_NOT_KNOWN? flows/all/request/1/config/by",
    ],
    ["plans without apps", api({ plans: ["plan_gold"] }), "APP_NOT_KNOWN? plans"],
    ["plans with apps", withFlow({ request: [who] }, { plans: ["plan_gold"] })],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it("names the operations without destination", () => {
    expect(
      messages(api({ flows: { resources: { files: { all: { destination: { url: "https://a.example.com/*" } } } } } })),
    ).toEqual(["No destination, and no mock, is there for GET /orders/{id}, PUT /orders/{id}."]);
  });
});
