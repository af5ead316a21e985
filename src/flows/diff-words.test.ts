import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { wordsFor } from "./diff-words.ts";
import { Change } from "./diff.ts";

const kinds = Change.shape.kind.options;
const many = (length: number, what: Change["what"], kind: Change["kind"], id = "step") =>
  Array.from({ length }, (_, index): Change => ({ what, kind, id: `${id}_${index + 1}` }));
const one = (id: string): Change[] => [{ what: "node", kind: "added", id }];
const orderOf = (what: Change["what"]): Change => ({ what, kind: "changed", fields: ["order"] });

describe("the changes in words", () => {
  it.each<[string, Change[]]>([
    ["No change.", []],
    ["Name changed.", [{ what: "name", kind: "changed", before: "x", after: "y" }]],
    [
      "Description added. Type changed.",
      (["description", "type"] as const).map((what, index) => ({ what, kind: index === 0 ? "added" : "changed" })),
    ],
    ["Tenant changed. Cron changed.", (["tenant", "cron"] as const).map((what) => ({ what, kind: "changed" }))],
    [
      "Template removed. Flow settings removed.",
      (["fromTemplate", "flowSettings"] as const).map((what) => ({ what, kind: "removed" })),
    ],
    [
      "Name changed. 2 nodes added (step_1, step_2). 1 edge removed (step_1 → step_2).",
      [
        { what: "name", kind: "changed" },
        ...many(2, "node", "added"),
        { what: "edge", kind: "removed", id: "step_1 → step_2" },
      ],
    ],
    [
      "1 owner added (o_1). 1 owner removed (p_1).",
      [...many(1, "owner", "removed", "p"), ...many(1, "owner", "added", "o")],
    ],
    ["5 nodes changed (step_1, step_2, step_3, step_4, step_5).", many(5, "node", "changed")],
    ["17 nodes changed (step_1, step_2, step_3, step_4, step_5 and 12 more).", many(17, "node", "changed")],
    ["Order of nodes changed. Order of edges changed.", [orderOf("edge"), orderOf("node")]],
    ["1 node changed (step_1). Order of nodes changed.", [...many(1, "node", "changed"), orderOf("node")]],
    [`1 node added (${"x".repeat(40)}).`, one("x".repeat(40))],
    [`1 node added (${"x".repeat(39)}…).`, one("x".repeat(41))],
    [`1 node added (${"😀".repeat(39)}…).`, one("😀".repeat(64))],
    ["1 node added (a b).", one("a\r\n\u202E\u0000b")],
  ])("%s", (words, changes) => {
    expect(wordsFor(changes)).toBe(words);
  });

  it("tell fewer ids if there is too much to tell", () => {
    const changes = kinds.flatMap((kind) => many(9, "node", kind, "n".repeat(60)));
    const id = `${"n".repeat(39)}…`;
    const three = `(${id}, ${id}, ${id} and 6 more)`;
    expect(wordsFor(changes)).toBe(`9 nodes added ${three}. 9 nodes removed ${three}. 9 nodes changed ${three}.`);
  });

  it("only count if there is no place for any id", () => {
    const entries = ["owner", "node", "edge"] as const;
    const changes = entries.flatMap((what) => kinds.flatMap((kind) => many(100, what, kind, "😀".repeat(64))));
    expect(wordsFor(changes)).toMatch(/^100 owners added\. 100 owners removed\. .* 100 edges changed\.$/);
  });

  it("are one line of at most 500 characters, whatever changed", () => {
    const entry = fc.constantFrom(...Change.shape.what.options.slice(-3));
    const change = fc.oneof<fc.Arbitrary<Change>[]>(
      fc.record({ what: entry, kind: fc.constantFrom(...kinds), id: fc.string({ unit: "binary", maxLength: 70 }) }),
      entry.map(orderOf),
    );
    const keys = Change.shape.what.options.slice(0, -3).map((what): Change => ({ what, kind: "changed" }));
    const short = fc.property(
      fc.subarray(keys),
      fc.array(change, { maxLength: 60, size: "max" }),
      (ofKeys, ofEntries) => {
        const words = wordsFor([...ofKeys, ...ofEntries]);
        expect(words.length).toBeLessThanOrEqual(500);
        expect(words).toMatch(/^\P{C}+\.$/u);
      },
    );
    fc.assert(short, { numRuns: 100 });
  });
});
