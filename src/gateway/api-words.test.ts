import { expect, it } from "vitest";

import { Api } from "../apis/model.ts";
import { wordsForApi } from "./api-words.ts";

const get = [{ id: "get", method: "GET" }];
const given = { basePath: "/a", resources: [{ id: "order", path: "/orders/{id}", operations: get }] };
const of = (changed: object) => Api.parse({ ...given, ...changed }) as Api;
const flow = { request: [], response: [] };

it.each<[string, object, object, string]>([
  ["nothing", {}, {}, "No change."],
  ["what is left unsaid", {}, { flows: { resources: {} }, plans: [] }, "No change."],
  ["the base path", {}, { basePath: "/b" }, "Base path changed to /b."],
  ["host names", {}, { hostnames: ["a.example"] }, "Host names changed."],
  ["settings", {}, { settings: { traceSampling: 1 } }, "Settings changed."],
  [
    "the environment",
    {},
    { environments: { test: {} }, environment: "test" },
    "Live environment changed. 1 environment added (test).",
  ],
  ["plans", { plans: ["plan_a"] }, { plans: ["plan_b"] }, "1 plan added (plan_b). 1 plan removed (plan_a)."],
  ["a flow", {}, { flows: { all: flow, resources: {} } }, "1 flow added (the whole API)."],
  [
    "a flow's destination",
    { flows: { resources: { order: { operations: { get: flow } } } } },
    { flows: { resources: { order: { operations: { get: { ...flow, destination: { timeout: 1 } } } } } } },
    "1 flow changed (GET /orders/{id}).",
  ],
  [
    "many resources",
    {},
    { resources: Array.from({ length: 7 }, (_, at) => ({ id: `r${at}`, path: `/r${at}`, operations: get })) },
    "7 resources added (r0, r1, r2, r3, r4 and 2 more). 1 resource removed (order).",
  ],
])("tells of %s", (_, before, after, words) => {
  expect(wordsForApi(of(before), of(after))).toBe(words);
});

it("tells fewer names where they are long, and never more than 500 characters", () => {
  const resources = Array.from({ length: 9 }, (_, at) => ({
    id: `${at}${"x".repeat(99)}`,
    path: `/${at}`,
    operations: get,
  }));
  const plans = Array.from({ length: 9 }, (_, at) => `plan_${at}${"x".repeat(60)}`);
  const words = wordsForApi(of({}), of({ resources, plans }));
  expect(words.length).toBeLessThanOrEqual(500);
  expect(words).toMatch(/^9 resources added \(0x+….* and \d more\)\. 1 resource removed \(order\)\. 9 plans added/);
});
