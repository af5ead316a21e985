import { describe, expect, it } from "vitest";
import { compile, type ExpressionErrorCode, faultOf } from "./evaluate.ts";

const wide = { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, key: "k" })) };
const long = { text: "a".repeat(1_000_000) };
const empties = { rows: Array.from({ length: 40_000 }, () => []) };
const arrays = Object.fromEntries(Array.from({ length: 20_000 }, (_, id) => [`k${id}`, [id]]));
const deep = nested(20_000);
const chain = nested(250);
const lambda = { f: { _jsonata_lambda: true, arguments: [{ value: "x" }], body: { type: "variable", value: "" } } };

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}

const doubled = (times: number) =>
  `(${Array.from({ length: times }, () => `$x := {"a": $x, "b": $x}`)
    .join(";")
    .replace("$x", "$x := {}; $x")}; $x)`;

const attacks: [name: string, code: ExpressionErrorCode, text: string, input?: unknown][] = [
  ["endless tail recursion", "EXPRESSION_STEPS", "($f := function($n){$f($n + 1)}; $f(0))"],
  ["mutual tail recursion", "EXPRESSION_STEPS", "($f := function(){$g()}; $g := function(){$f()}; $f())"],
  ["recursion", "EXPRESSION_DEPTH", "($f := function($n){1 + $f($n)}; $f(0))"],
  ["recursion in arguments", "EXPRESSION_DEPTH", "($f := function($n){$string([$f($n)])}; $f(0))"],
  ["recursion through chaining", "EXPRESSION_DEPTH", "($f := function($x){$x ~> $f}; 1 ~> $f)"],
  [
    "recursive composition",
    "EXPRESSION_STEPS",
    "($g := function($f, $n){$n = 0 ? $f : $g($f ~> $f, $n - 1)}; 1 ~> ($g($abs, 30)))",
  ],
  ["partial application", "EXPRESSION_DEPTH", `($f := function($a){$a}; ${"$f := $f(?);".repeat(200)} $f(1))`],
  ["nested functions", "EXPRESSION_DEPTH", `${"function(){".repeat(200)}1${"}".repeat(200)}${"()".repeat(200)}`],
  ["endless work beside an error", "EXPRESSION_FAILED", `($f := function(){$f()}; [$error("x"), $f()])`],
  ["range", "EXPRESSION_TOO_LARGE", "[1..100000000]"],
  ["range below jsonata's own limit", "EXPRESSION_TOO_LARGE", "[1..9000000]"],
  ["range times range", "EXPRESSION_STEPS", "[1..40000].([1..40000])"],
  ["path that multiplies", "EXPRESSION_TOO_LARGE", "($x := [1..1000]; $x.$x)"],
  ["map of map", "EXPRESSION_STEPS", "$map([1..1000], function(){$map([1..1000], function($v){$v})})"],
  ["map over many", "EXPRESSION_STEPS", "$map([1..50000], function($v){$v * 2 + 1})"],
  ["reduce that appends", "EXPRESSION_STEPS", "$reduce([1..40000], function($a, $i){$append($a, $i)})"],
  ["appending doubles", "EXPRESSION_TOO_LARGE", "$reduce([1..40], function($a, $i){$append($a, $a)}, [1])"],
  ["nested pairs", "EXPRESSION_TOO_LARGE", "$reduce([1..40], function($a, $i){[[$a], [$a]]}, [1])"],
  [
    "boolean of nested pairs",
    "EXPRESSION_TOO_LARGE",
    "$boolean($reduce([1..40], function($a, $i){[[$a], [$a]]}, [0]))",
  ],
  ["text doubling", "EXPRESSION_TOO_LARGE", `$reduce([1..40], function($a, $i){$a & $a}, "ab")`],
  ["text doubling by join", "EXPRESSION_TOO_LARGE", `$reduce([1..40], function($a, $i){$join([$a, $a])}, "ab")`],
  ["graph that doubles", "EXPRESSION_TOO_LARGE", doubled(40)],
  ["graph as text", "EXPRESSION_TOO_LARGE", `$string(${doubled(40)})`],
  ["graph, indented", "EXPRESSION_TOO_LARGE", `$string(${doubled(40)}, true)`],
  ["deep value, indented", "EXPRESSION_TOO_LARGE", "$string([1..2000].$$, true)", chain],
  ["graph joined to a text", "EXPRESSION_TOO_LARGE", `"" & ${doubled(40)}`],
  ["graph copied", "EXPRESSION_TOO_LARGE", `$clone(${doubled(40)})`],
  ["graphs compared", "EXPRESSION_TOO_LARGE", `${doubled(40)} = ${doubled(40)}`],
  ["graphs made distinct", "EXPRESSION_TOO_LARGE", `$distinct([${doubled(40)}, ${doubled(40)}])`],
  ["graph transformed", "EXPRESSION_TOO_LARGE", `${doubled(40)} ~> |$|{"c": 1}|`],
  ["graph in an error", "EXPRESSION_TOO_LARGE", `-${doubled(40)}`],
  ["graph as a key", "EXPRESSION_TOO_LARGE", `{${doubled(40)}: 1}`],
  ["graph to delete", "EXPRESSION_TOO_LARGE", `{} ~> |$|{}, ${doubled(40)}|`],
  ["graph as an update", "EXPRESSION_TOO_LARGE", `{} ~> |$|[${doubled(40)}]|`],
  ["graph searched", "EXPRESSION_TOO_LARGE", `${doubled(40)}.**`],
  ["graph sorted", "EXPRESSION_TOO_LARGE", `[1,2]^($string(${doubled(40)}))`],
  [
    "transform that grows",
    "EXPRESSION_STEPS",
    `$reduce([1..40], function($x, $i){($y := $x ~> |$|{"a": $x, "b": $x}|; $y)}, {})`,
  ],
  ["padding", "EXPRESSION_TOO_LARGE", `$pad("a", 1000000000)`],
  ["padding to the left", "EXPRESSION_TOO_LARGE", `$pad("a", -1000000000, "abc")`],
  ["padding, partially applied", "EXPRESSION_TOO_LARGE", `$map(["a"], $pad(?, 1000000000))`],
  ["replacing a letter by much", "EXPRESSION_TOO_LARGE", `$replace($pad("", 100000, "a"), "a", $pad("", 100000, "b"))`],
  ["replacing matches by much", "EXPRESSION_TOO_LARGE", `$replace($pad("", 5000, "a"), /a/, $pad("", 100000, "b"))`],
  ["replacing with itself", "EXPRESSION_TOO_LARGE", `$replace($pad("", 50000, "a"), /a+/, $pad("", 100000, "$0"))`],
  ["joining with much", "EXPRESSION_TOO_LARGE", `$join([1..1000].$string(), $pad("", 100000, "b"))`],
  ["splitting into letters", "EXPRESSION_TOO_LARGE", `$split($$.text, "")`, long],
  ["splitting again and again", "EXPRESSION_STEPS", `$map([1..10000], function(){$length($$.text)})`, long],
  ["upper case again and again", "EXPRESSION_STEPS", `$map([1..10000], function(){$uppercase($$.text)})`, long],
  ["distinct", "EXPRESSION_STEPS", `$map([1..1000], function(){$distinct($$.rows)})`, wide],
  ["sort", "EXPRESSION_STEPS", "$sort($$.rows, function($a, $b){$a.id < $b.id})", wide],
  ["sort that never agrees", "EXPRESSION_STEPS", "$sort([1..40000], function($a, $b){$random() > 0.5})"],
  ["order-by", "EXPRESSION_STEPS", "rows^(>id)", wide],
  ["plain sort again and again", "EXPRESSION_STEPS", "$map([1..1000], function(){$sort([1..20000])})"],
  ["grouping", "EXPRESSION_STEPS", "rows{key: id}", wide],
  ["grouping an array", "EXPRESSION_STEPS", `$map([[$$.rows]], function($r){$r{key: id}})`, wide],
  ["spread", "EXPRESSION_STEPS", "$map([1..1000], function(){$spread($$.rows)})", wide],
  ["zip", "EXPRESSION_STEPS", "$map([1..1000], function(){$zip($$.rows, $$.rows)})", wide],
  ["merge", "EXPRESSION_STEPS", "$map([1..1000], function(){$merge($$.rows)})", wide],
  ["reverse", "EXPRESSION_STEPS", "$map([1..20000], function(){$reverse($$.rows)})", wide],
  ["descendants again and again", "EXPRESSION_STEPS", "$map([1..1000], function(){$count($$.**)})", empties],
  ["names in empty arrays", "EXPRESSION_STEPS", "$map([1..20000], function(){[$$.rows].x})", empties],
  ["wildcard over arrays", "EXPRESSION_STEPS", "*", arrays],
  ["descendants of descendants", "EXPRESSION_STEPS", "**.**.**", chain],
  ["deep input, searched", "EXPRESSION_TOO_LARGE", "**", deep],
  ["deep input, as text", "EXPRESSION_TOO_LARGE", "$string($$)", deep],
  ["deep input, grouped", "EXPRESSION_TOO_LARGE", `{"a": 1}`, deep],
  ["deep input, given back", "EXPRESSION_TOO_LARGE", "$$", deep],
  ["power", "EXPRESSION_FAILED", "$power(10, 1000)"],
  ["division by zero", "EXPRESSION_FAILED", "1/0"],
  ["large picture of a number", "EXPRESSION_TOO_LARGE", `$formatNumber(1, $pad("", 100000, "0"))`],
  ["large sign of a number", "EXPRESSION_TOO_LARGE", `$formatNumber(1, "0.0", {"minus-sign": $pad("", 100000, "0")})`],
  ["large picture of an integer", "EXPRESSION_TOO_LARGE", `$formatInteger(1, $pad("", 100000, "0"))`],
  ["large Roman numeral", "EXPRESSION_TOO_LARGE", `$formatInteger(1000000000, "I")`],
  ["base", "EXPRESSION_FAILED", "$formatBase(10, 1000)"],
  ["year of many digits", "EXPRESSION_FAILED", `$fromMillis(0, "[Y,1000000000]")`],
  ["year of many digits, in hex", "EXPRESSION_FAILED", `$now("[Y,0xFFFFFFF]")`],
  ["time that backtracks", "EXPRESSION_FAILED", `$toMillis("${"1".repeat(90)}x", "${"[Y]".repeat(30)}")`],
  ["time that backtracks over digits", "EXPRESSION_FAILED", `$toMillis("${"1".repeat(90)}x", "${"[Y]1".repeat(20)}")`],
  ["time in words", "EXPRESSION_FAILED", `$toMillis("${"-".repeat(90)}x", "${"[Yw]-".repeat(20)}")`],
  [
    "bad regular expression on long text",
    "EXPRESSION_STEPS",
    `$map([1..100], function(){$match($$.text, /(a*)*b/)})`,
    long,
  ],
  ["regular expression that looks far ahead", "EXPRESSION_STEPS", "$count($split($$.text, /a.*c|a/))", long],
  ["large regular expression on long text", "EXPRESSION_STEPS", "$match($$.text, /(a|b|ab){1,100}c/)", long],
  ["data that is a function", "EXPRESSION_FAILED", "f(1)", lambda],
  ["data that is partially applied", "EXPRESSION_FAILED", "(f(?))(1)", lambda],
  ["data that is mapped with", "EXPRESSION_FAILED", "$map([1], f)", lambda],
  ["transform of a built-in", "EXPRESSION_FAILED", `{} ~> |$sum|{"implementation": 1}|`],
  ["transform of a function", "EXPRESSION_FAILED", `($f := function(){1}; {} ~> |$f|{}, ["_jsonata_lambda"]|)`],
  ["transform of the input", "EXPRESSION_FAILED", `{} ~> |$$|{"a": 1}|`],
  ["transform without a copy", "EXPRESSION_FAILED", `($clone := function($x){$x}; $$ ~> |$|{"a": 1}|)`],
  [
    "transform of an older copy",
    "EXPRESSION_FAILED",
    `($c := $clone($$); $d := $clone; $clone := function(){$c}; $$ ~> |$|{"f": $sum}| ~> |f|{"a": 1}|)`,
    {},
  ],
  ["a promise that never ends", "EXPRESSION_FAILED", `(function($f){{"then": $f}})(function($a, $b){1})`],
  ["a function as result", "EXPRESSION_FAILED", "$sum"],
  ["functions in the result", "EXPRESSION_FAILED", `[{"a": function(){1}}]`],
  ["what is no function", "EXPRESSION_FAILED", "a()", { a: { b: 1 } }],
  ["reserved keys", "EXPRESSION_FAILED", `{"_jsonata_lambda": true}`],
];

it.each(attacks)("%s ends with %s", async (_name, code, text, input) => {
  await expect(compile(text).evaluate(input ?? {})).rejects.toMatchObject({ name: "ExpressionError", code });
});

it.each(["f", "(f(?))(1)", "($h := f(?); $h(5))", "f ~> $string"])("data is no function to %s", async (text) => {
  await expect(compile(text).evaluate(lambda)).rejects.toThrow("begins with _jsonata_");
});

describe("what is refused before it runs", () => {
  it.each([
    ["$eval", "$eval('1')", "$eval is not available"],
    ["$eval under another name", "($e := $eval; $e('1'))", "$eval is not available"],
    ["$eval in a lambda", "function(){$map(['1'], $eval)}", "$eval is not available"],
    ["look-ahead", "$match(a, /(?=b)c/)", "Look-ahead"],
    ["look-behind", "$match(a, /(?<=b)c/)", "Look-ahead"],
    ["back-reference", String.raw`$match(a, /(b)\1/)`, "back-references"],
    ["repetition of repetition", "$match(a, /((a{100}){100}){100}/)", "too large"],
    ["bad regular expression", "$match(a, /(/)", "Not an expression"],
    ["brackets", `${"(".repeat(4900)}1${")".repeat(4900)}`, "nested too deeply"],
    ["length", `"${"a".repeat(10_000)}"`, "longer than 10000 characters"],
    ["$then in a path", "a@$then.b", "cannot be bound"],
    ["syntax", "a +", "Not an expression at character 3"],
    ["empty", "", "Not an expression"],
  ])("%s", (_name, text, message) => {
    expect(faultOf(text)).toContain(message);
    expect(() => compile(text)).toThrow(expect.objectContaining({ code: "EXPRESSION_INVALID" }));
  });
});

describe("what reaches outside", () => {
  it.each([
    ["$lookup($$, '__proto__')"],
    ["$lookup($$, 'constructor')"],
    ["constructor"],
    ["__proto__.polluted"],
    ["a.toString"],
    ["$sum.implementation"],
    ["(function(){1}).environment"],
    ["$constructor"],
    ["$__proto__"],
    ["$hasOwnProperty"],
  ])("%s is nothing", async (text) => {
    await expect(compile(text).evaluate({ a: { b: 1 } })).resolves.toBeUndefined();
  });

  it("keys named __proto__ stay keys", async () => {
    const result = (await compile(`{"__proto__": {"polluted": true}}`).evaluate({})) as object;
    expect(Object.keys(result)).toStrictEqual(["__proto__"]);
    expect((result as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
