import { expect, it } from "vitest";

import { refusalOfEndpoint, serviceOf } from "./place.ts";

it.each([
  ["https://component.example.com/process", false, undefined],
  ["https://component.example.com:8443/a?b=c", false, undefined],
  ["http://component.example.com/", false, "https"],
  ["http://component.example.com/", true, undefined],
  ["http://localhost:9000/", false, "https"],
  ["https://localhost/", false, "private"],
  ["https://127.0.0.1/", false, "loopback"],
  ["https://[::1]/", false, "loopback"],
  ["https://169.254.169.254/latest", false, "link-local"],
  ["https://2130706433/", false, "loopback"],
  ["http://127.0.0.1:9000/", true, undefined],
  ["https://user:pass@component.example.com/", false, "password"],
  ["https://user:pass@component.example.com/", true, "password"],
  ["ftp://component.example.com/", false, "https"],
  ["ftp://component.example.com/", true, "http"],
  ["javascript:alert(1)", true, "http"],
  ["/process", false, "no address"],
  ["", true, "no address"],
])("the endpoint %s, private ones allowed: %s, is refused for %s", (endpoint, allowed, reason) => {
  const refusal = refusalOfEndpoint(endpoint, { HTTP_ALLOW_PRIVATE: allowed ? "true" : "false" });
  expect(refusal ?? "").toMatch(reason ?? /^$/);
});

it("a service is what a binding leads to, and nothing else", () => {
  const service = { fetch: () => Promise.resolve(new Response()) };
  const env = { COMPONENT_A: service, COMPONENT_B: "text", COMPONENT_C: {}, COMPONENT_D: null } as unknown as Env;
  expect(serviceOf(env, "COMPONENT_A")).toBe(service);
  for (const name of ["COMPONENT_B", "COMPONENT_C", "COMPONENT_D", "COMPONENT_E", "toString", "__proto__", ""]) {
    expect(serviceOf(env, name)).toBeUndefined();
  }
});
