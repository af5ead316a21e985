import { describe, expect, it } from "vitest";

import { compile } from "../expressions/evaluate.ts";
import { expressionsIn, readsOf } from "./reads.ts";

describe("names that an expression reads", () => {
  it.each<[string, ...string[]]>([
    ["1 + 2"],
    ["a", "a"],
    ["a.b.c", "a"],
    ["$.a.b", "a"],
    ["$$.a.b", "a"],
    ["$"],
    ["`a b`.c", "a b"],
    ['"a".b', "a"],
    ['"a"'],
    ["$value = a", "a"],
    ["a + b * -c", "a", "b", "c"],
    ["a and b or c in d", "a", "b", "c", "d"],
    ["a & b", "a", "b"],
    ["[a..b]", "a", "b"],
    ["[a, b]", "a", "b"],
    ['{"x": a, b: c}', "a", "b", "c"],
    ["a ? b : c", "a?", "b", "c"],
    ["a ?: b", "a?", "b"],
    ["a ?? b", "a?", "b"],
    ["$exists(a) and a.b > 1", "a?"],
    ["$not($exists(a.b))", "a?"],
    ["($x := a; $x + b)", "a", "b"],
    ["$sum(a.b)", "a"],
    ["a ~> $sum", "a"],
    ["$f(a, ?)", "a"],
    // A filter, a later step, a sort and a grouping see what the path has come to.
    ["a[b = 1]", "a"],
    ["a.b[c][d]", "a"],
    ["a.(b + c)", "a"],
    ["a.{'x': b}", "a"],
    ["a{b: c}", "a"],
    ["a^(b)", "a"],
    ["(a)[b]", "a"],
    ["$f(a)[b]", "a"],
    ["$.a[b].$.c", "a"],
    ["a.$.b", "a"],
    // But $$ is the input everywhere.
    ["a[b = $$.c]", "a", "c"],
    ["a.($$.b)", "a", "b"],
    ["a ~> |b|{'c': d, 'e': $$.f}|", "a", "f"],
    ["a ~> |b|{}, [c]|", "a"],
    ["$map(a, function($v) { $v.b * c })", "a", "c"],
    ["a.$map(b, function($v) { c })", "a"],
    ["(function($x) { b })(1)", "b"],
    ["a@$x.b[$x.c = d]", "a"],
    ["a#$i[$i = b].c", "a"],
    ["a.b.%.c", "a"],
    ["*.a"],
    ["**.a"],
    ["/a/"],
  ])("%s", (expression, ...names) => {
    const reads = readsOf(expression).map(({ name, isAsked }) => `${name}${isAsked ? "?" : ""}`);
    expect(reads.toSorted()).toEqual(names);
  });

  it("what a function made in a path reads is not the input, but elsewhere it is", async () => {
    const input = { l: [{ r: 1 }], r: 2 };
    expect(await compile("$map(l, function($v) { r })").evaluate(input)).toBe(2);
    expect(await compile("l.($f := function($v) { r }; $f($$))").evaluate(input)).toBe(1);
    expect(readsOf("l.($f := function($v) { r }; $f($$))")).toEqual([{ name: "l", isAsked: false }]);
  });

  it("a long expression", () => {
    expect(readsOf(Array.from({ length: 2400 }, () => "a").join(" + "))).toEqual([{ name: "a", isAsked: false }]);
  });
});

it("expressions in the texts of a template", () => {
  const template = { a: ["x {{b}} {{c}}", 1, null, { d: "{{e}}" }], f: "none" };
  expect(expressionsIn(template, ["commands", 0])).toEqual([
    { text: "b", path: ["commands", 0, "a", 0] },
    { text: "c", path: ["commands", 0, "a", 0] },
    { text: "e", path: ["commands", 0, "a", 3, "d"] },
  ]);
});
