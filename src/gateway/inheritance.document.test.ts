import * as fc from "fast-check";
import { expect, it } from "vitest";

import { checkApi } from "../apis/check.ts";
import {
  editScope,
  faultsOfEdit,
  type Flows,
  type Json,
  removeFlow,
  restore,
  type Scope,
  viewOf,
} from "./inheritance.ts";

const resources = ["p", "q"].map((id) => ({
  id,
  path: `/${id}`,
  operations: ["GET", "PUT"].map((method) => ({ id: method.toLowerCase(), method })),
}));
const scopes: readonly Scope[] = [
  {},
  ...resources.flatMap(({ id, operations }) => [
    { resource: id },
    ...operations.map((operation) => ({ resource: id, operation: operation.id })),
  ]),
];

const configs: Readonly<Record<string, Json>> = { log: {}, javascript: { script: "1" } };
const entry = fc.record({
  id: fc.constantFrom("a", "b", "c", "d"),
  type: fc.constantFrom("log", "javascript"),
  enabled: fc.boolean(),
  when: fc.constantFrom("true", "false"),
});
const step = fc.record({
  scope: fc.constantFrom(...scopes),
  what: fc.constantFrom("edit", "edit", "edit", "edit", "restore", "discard", "remove"),
  keeps: fc.nat({ max: 3 }),
  added: fc.array(entry, { maxLength: 3 }),
  list: fc.constantFrom("request" as const, "response" as const),
});

it("whatever is edited, the flows are a document that can be saved", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const flows = steps.reduce<Flows>(
        (sofar, { scope, what, keeps, added, list }) => {
          if (what === "remove") return removeFlow(sofar, scope);
          if (what !== "edit") return restore(sofar, scope, { discard: what === "discard" });
          const seen = viewOf(sofar, scope);
          const drafts = added.map(({ type, ...rest }) => ({ ...rest, type, config: configs[type]! }));
          const next = { request: seen.request, response: seen.response, [list]: seen[list].slice(0, keeps).concat() };
          const draft = { ...next, [list]: [...next[list], ...drafts] };
          return faultsOfEdit(sofar, scope, draft).length > 0 ? sofar : editScope(sofar, scope, draft);
        },
        { resources: {} },
      );
      const checked = checkApi({ basePath: "/a", resources, flows });
      expect(checked.ok ? [] : checked.faults).toEqual([]);
      expect(checked.ok && checked.api.flows).toEqual(flows);
    }),
    { numRuns: 500 },
  );
});
