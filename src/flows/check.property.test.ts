import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkFlow } from "./check.ts";

/** Anything, and what is hard to show or to compare. */
const hostile: unknown = JSON.parse('{"toString":1,"valueOf":1,"__proto__":1,"constructor":null,"length":-1}');
const wrong = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, "", [], {}, hostile, [hostile], 1, true),
  fc.jsonValue(),
);
const rather = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 24, arbitrary: right }, { weight: 1, arbitrary: wrong });
const oneOf = (...values: unknown[]) => rather(fc.constantFrom(...values));

const ids = ["n1", "n2", "n3"];
const reference = oneOf("5ca5c44c187c040010a9bb8b", "5CA5C44C187C040010A9BB8B", "abcdefghijkl");
const nodeNamed = (id: string) =>
  rather(fc.record({ id: oneOf(id), componentId: reference, function: oneOf("f", 1), fields: fc.jsonValue() }));
const edge = rather(
  fc.record({
    id: oneOf(undefined, null, "e1", 7),
    source: oneOf(...ids),
    target: oneOf(...ids),
    config: oneOf(undefined, null, {}, { condition: "x" }, { mapper: { $a: {} } }),
  }),
);
const graph = rather(
  fc.record({
    nodes: rather(fc.tuple(...ids.map(nodeNamed))),
    edges: rather(fc.array(edge, { minLength: 1, maxLength: 3 })),
  }),
);
const flow = rather(
  fc.record({
    name: oneOf(undefined, null, "x", 5, "\u0000", "\ud800"),
    graph,
    owners: rather(fc.array(rather(fc.record({ id: oneOf("u1", 5), type: oneOf("user") })), { maxLength: 2 })),
    status: oneOf(undefined, null, "", "inactive", "active"),
    cron: oneOf(undefined, null, "", "* * * * *", "@daily"),
    fromTemplate: fc.oneof(fc.constant(undefined), reference),
    flowSettings: fc.jsonValue(),
  }),
);

const mode = fc.constantFrom("strict" as const, "lenient" as const);

describe("whatever is sent", () => {
  it("each fault is told once and with its place, and what has none passes", () => {
    const told = fc.property(fc.oneof(flow, fc.jsonValue()), mode, (input, checkedIn) => {
      const checked = checkFlow(input, checkedIn);
      const findings = checked.ok ? [] : checked.findings;
      expect(findings.length === 0).toBe(checked.ok);
      expect(findings.filter(({ pointer }) => pointer !== "" && !pointer.startsWith("/"))).toEqual([]);
      expect(findings.filter(({ code }) => code !== 400)).toEqual([]);
      const places = findings.map(({ error, pointer }) => `${error} ${pointer}`);
      expect(places).toEqual([...new Set(places)]);
    });
    fc.assert(told, { numRuns: 3000 });
  });

  it("a flow that has passed and been stored passes again unchanged", () => {
    const again = fc.property(flow, mode, (input, checkedIn) => {
      const checked = checkFlow(input, checkedIn);
      fc.pre(checked.ok);
      const stored = JSON.stringify(checked.ok ? checked.document : {});
      const repeated = checkFlow(JSON.parse(stored), checkedIn);
      expect(JSON.stringify(repeated.ok ? repeated.document : repeated)).toBe(stored);
    });
    fc.assert(again, { numRuns: 300 });
  });

  it("what passes the strict check passes the lenient one", () => {
    const lenient = fc.property(flow, (input) => {
      fc.pre(checkFlow(input, "strict").ok);
      expect(checkFlow(input, "lenient").ok).toBe(true);
    });
    fc.assert(lenient, { numRuns: 300 });
  });
});
