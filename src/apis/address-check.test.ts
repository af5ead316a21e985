import { describe, expect, it } from "vitest";

import { faultOfAddress, refusalOf } from "./address-check.ts";
import { variablesIn, withVariables } from "./environment.ts";

describe("addresses of interceptors", () => {
  it.each<[string, object?]>([
    ["https://a.example.com"],
    ["http://a.example.com:8080/x?y=z"],
    ["https://a.example.com/{{query.id}}/x?y={{headers.a}}"],
    ["https://a.example.com?x={{query.id}}"],
    ["HTTPS://a.example.com/keys", { https: true }],
    ["{{app.fields.backend}}/x", { ofCaller: true }],
    ["{{ token.backend }}", { ofCaller: true }],
  ])("%s is one", (text, more = {}) => {
    expect(faultOfAddress(text, { field: "url", ...more })).toBeUndefined();
  });

  it.each<[string, string, object?]>([
    ["", "Use an address"],
    ["a.example.com/x", "Use an address"],
    ["//a.example.com", "Use an address"],
    ["ftp://a.example.com", "Use an address"],
    ["https:///x", "Use an address"],
    ["https://{{query.host}}/x", "Use an address"],
    ["https://a.example.com{{query.x}}", "behind the host"],
    ["https://a.{{query.x}}.com/", "behind the host"],
    ["https://u:p@a.example.com/", "Send them in a header"],
    ["https://a.example.com/#{{query.x}}", "fragment"],
    ["https://a.example.com/{{x", "not closed"],
    ["https://a.example.com/{{x +}}", "Not an expression"],
    ["https://a.example.com:99999/", "host of the address"],
    ["{{query.url}}", "nothing else says"],
    ["{{app.fields.backend}}", "nothing else says"],
    ["{{query.url}}", "nothing else says", { ofCaller: true }],
    ["{{app.a & query.url}}", "nothing else says", { ofCaller: true }],
    ["{{headers.app}}", "nothing else says", { ofCaller: true }],
    ["http://a.example.com", "Only https", { https: true }],
  ])("%s is none", (text, part, more = {}) => {
    expect(faultOfAddress(text, { field: "url", ...more })).toContain(part);
  });

  it.each([
    ["https://a.example.com/{{x}}", "called"],
    ["http://127.0.0.1/{{x}}", "loopback"],
    ["http://service.internal:80", "private network"],
  ])("%s", (text, part) => {
    expect(refusalOf(text) ?? "called").toContain(part);
  });
});

describe("variables", () => {
  it.each([
    ["{{env.A}}/x", ["A"], "1/x"],
    ["{{ env.A }}{{env.A}}{{env.B}}", ["A", "A", "B"], "11$&"],
    ["{{env.C}}", ["C"], "{{env.C}}"],
    ["{{env.constructor}}", ["constructor"], "{{env.constructor}}"],
    ["{{env.A & 'x'}}", [], "{{env.A & 'x'}}"],
    ["env.A", [], "env.A"],
    ["{{env.D}}", ["D"], "{{env.A}}"],
  ])("%s", (text, names, filled) => {
    expect(variablesIn(text)).toEqual(names);
    expect(withVariables(text, { A: "1", B: "$&", D: "{{env.A}}" })).toBe(filled);
  });
});
