import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtins } from "./builtins.ts";
import { compile, faultOf, isTrue } from "./evaluate.ts";

const input = {
  data: { age: 18, name: "Ada", tags: ["b", "a", "b"], none: [], one: [7] },
  items: [
    { id: 1, price: 2.5, of: "x" },
    { id: 2, price: 4, of: "y" },
    { id: 3, price: 1, of: "x" },
  ],
};

describe("evaluates", () => {
  it.each<[text: string, result: unknown]>([
    ["data.age > 17", true],
    ["data.missing", undefined],
    ["null", null],
    ["$sum(items.price)", 7.5],
    ["items[price > 2].id", [1, 2]],
    ["items.price[]", [2.5, 4, 1]],
    ["data.one[]", [7]],
    ["data.none[]", []],
    ["items{of: $sum(price)}", { x: 3.5, y: 4 }],
    ["items^(>price).id", [2, 1, 3]],
    [
      "items#$i.{'at': $i, 'id': id}",
      [
        { at: 0, id: 1 },
        { at: 1, id: 2 },
        { at: 2, id: 3 },
      ],
    ],
    ["data.tags.{'t': $, 'of': %.name}[0]", { t: "b", of: "Ada" }],
    ["$sort(data.tags)", ["a", "b", "b"]],
    ["$sort(items, function($a, $b){$a.price > $b.price}).id", [3, 1, 2]],
    ["$distinct(data.tags)", ["b", "a"]],
    ["$distinct([1, '1', 1, {'a': 1, 'b': 2}, {'b': 2, 'a': 1}, [1], [1]])", [1, "1", { a: 1, b: 2 }, [1]]],
    ["$spread({'a': 1, 'b': 2})", [{ a: 1 }, { b: 2 }]],
    ["$spread(items.{'id': id})", [{ id: 1 }, { id: 2 }, { id: 3 }]],
    ["$base64decode($base64encode('abc'))", "abc"],
    ["$map([1, 2], $string)", ["1", "2"]],
    ["$map(['a', 'b'], $pad(?, 3, '-'))", ["a--", "b--"]],
    ["($add := function($a, $b){$a + $b}; $inc := $add(1, ?); $inc(2))", 3],
    ["$map([[1], [2]], function($v){$map($v, $string)})", [["1"], ["2"]]],
    ["' x ' ~> $trim ~> $uppercase", "X"],
    ["($t := $uppercase ~> $length; $t('abc'))", 3],
    ["($f := function($n){$n <= 1 ? 1 : $n * $f($n - 1)}; $f(10))", 3_628_800],
    ["$ ~> |data|{'age': age + 1}, ['tags', 'none', 'one']| ~> $lookup('data')", { age: 19, name: "Ada" }],
    [String.raw`$replace("2026-01-02", /(\d+)-(\d+)-(\d+)/, "$3.$2.$1")`, "02.01.2026"],
    ["$split('a1b22c', /[0-9]+/)", ["a", "b", "c"]],
    ["$contains('ABC', /b/i)", true],
    ["$match('ab12', /[a-z]+(?<n>[0-9]+)/)", { match: "ab12", index: 0, groups: ["12"] }],
    [String.raw`$match("äöü €5", /€(\d)/).index`, 4],
    ["$fromMillis(0, '[Y0001]-[M01]-[D01]')", "1970-01-01"],
    ["$toMillis('1970-01-02')", 86_400_000],
    ["$toMillis('02.01.1970', '[D01].[M01].[Y0001]')", 86_400_000],
    ["$toMillis('19700102', '[Y0001][M01][D01]')", 86_400_000],
    ["$toMillis('January 2, 1970', '[MNn] [D], [Y]')", 86_400_000],
    ["$toMillis('1970-01-01T01:00:00+01:00', '[Y]-[M]-[D]T[H]:[m]:[s][Z01:01]')", 0],
    ["$type($now()) & $type($millis())", "stringnumber"],
    ["$formatNumber(1234.5, '#,##0.00')", "1,234.50"],
    ["[1..3].($ * 2)", [2, 4, 6]],
    ["{'a': missing, 'b': [1, [2]]}", { b: [1, [2]] }],
  ])("%s", async (text, result) => {
    await expect(compile(text).evaluate(input)).resolves.toStrictEqual(result);
  });

  it("takes an input that is larger than a result may be", async () => {
    const given = { rows: Array.from({ length: 300_000 }, (_, id) => id), text: "x".repeat(3_000_000), id: 7 };
    await expect(compile("{'id': id}").evaluate(given)).resolves.toStrictEqual({ id: 7 });
  });

  it("takes bindings as variables", async () => {
    await expect(compile("$secret & data.name").evaluate(input, { secret: "s-" })).resolves.toBe("s-Ada");
  });

  it("makes large literals, whose items jsonata begins all at once", async () => {
    const object = Object.fromEntries(Array.from({ length: 150 }, (_, id) => [`k${id}`, id]));
    const text = JSON.stringify(Object.fromEntries(Object.keys(object).map((key) => [key, "$string(data.age).x"])));
    await expect(
      compile(text.replaceAll('"$string(data.age).x"', "$number($string(data.age)) + 1")).evaluate(input),
    ).resolves.toMatchObject({ k0: 19, k149: 19 });
    const array = Array.from({ length: 1000 }, (_, id) => id);
    await expect(compile(JSON.stringify(array)).evaluate({})).resolves.toStrictEqual(array);
  });
});

describe("keeps evaluations apart", () => {
  it("counts for each evaluation of one compiled expression alone", async () => {
    const loop = compile("($f := function($n){$n = 0 ? id : $f($n - 1)}; $f(times))");
    const runs = [4000, 1_000_000, 4000, 4000].map((times, id) => loop.evaluate({ times, id }));
    const ends = await Promise.allSettled(runs);
    expect(
      ends.map((end) => (end.status === "fulfilled" ? end.value : (end.reason as { code: string }).code)),
    ).toStrictEqual([0, "EXPRESSION_STEPS", 2, 3]);
  });

  it("gives no variable of one to another", async () => {
    await compile("$x := 1").evaluate({});
    await expect(compile("$x := 1").evaluate({})).resolves.toBe(1);
    await expect(compile("$x").evaluate({})).resolves.toBeUndefined();
    const twice = compile("($exists($x) ? 'kept' : ($x := 1))");
    await twice.evaluate({});
    await expect(twice.evaluate({})).resolves.toBe(1);
  });

  it("ends everything with the first error", async () => {
    let reads = 0;
    const given = {
      get late() {
        reads += 1;
        return reads;
      },
    };
    await expect(compile("[$error('x'), late]").evaluate(given)).rejects.toThrow("x");
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    expect(reads).toBe(0);
  });

  it("bounds every built-in of jsonata but $eval", () => {
    expect(builtins.size).toBe(64);
    expect(builtins.has("eval")).toBe(false);
    expect(Reflect.set(builtins.get("sum")!, "implementation", null)).toBe(false);
  });
});

describe("the input", () => {
  it.each([
    "data.one[]",
    "data.none{'a': 1}",
    "$.{'a': 1}",
    "lists.{'a': 1}",
    "lists[]",
    "lists.$ ~> $map(function($v){$v{'k': 1}})",
    "data.age()",
    "$ ~> |data|{'age': 1}|",
    "$merge([$, {'x': 1}])",
    "$sort(data.tags)",
    "$reverse(data.tags)",
    "data ~> |$|{'a': $$}|",
    "*",
    "**",
    "data.tags#$i.$",
    "data.tags@$t.$t",
  ])("is not changed by %s", async (text) => {
    const given = { ...structuredClone(input), lists: [[], [[]], [1]] };
    const before = structuredClone(given);
    await compile(text)
      .evaluate(given)
      .catch(() => undefined);
    expect(Object.keys(given.data.one)).toStrictEqual(["0"]);
    expect(given).toStrictEqual(before);
  });

  it("is not reached through the result", async () => {
    const given = structuredClone(input);
    const result = (await compile("data").evaluate(given)) as typeof input.data;
    result.tags.push("c");
    expect(given).toStrictEqual(input);
  });

  it("stays as it was, whatever runs on it", async () => {
    const step = fc.constantFrom(
      "a",
      "b",
      "*",
      "**",
      "$",
      "a[]",
      "b[0]",
      "{'k': a}",
      "$reverse($)",
      "[$]",
      "$keys($)",
      "($ ~> |$|{'z': $$}|)",
      "$sort(a)",
      "a()",
      "$merge(a)",
      "$append(a, b)",
      "a{'g': b}",
      "%",
      "a#$i",
      "$^(b)",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.jsonValue({ maxDepth: 4 }),
        async (steps, value) => {
          const given = { a: value, b: [value, []] };
          const before = structuredClone(given);
          const text = steps.join(".");
          if (faultOf(text) !== undefined) return;
          await compile(text)
            .evaluate(given)
            .catch(() => undefined);
          expect(given).toStrictEqual(before);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the result", () => {
  it("is plain JSON", async () => {
    const result = await compile("{'list': items[of = 'x'], 'made': $merge([{'a': 1}])}").evaluate(input);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    const { list, made } = result as { list: unknown[]; made: object };
    expect(Reflect.ownKeys(list)).toStrictEqual(["0", "1", "length"]);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  });

  it("shares no parts with itself", async () => {
    const { a, b } = (await compile("($x := {'n': 1}; {'a': $x, 'b': $x})").evaluate({})) as { a: object; b: object };
    expect(a).toStrictEqual(b);
    expect(a).not.toBe(b);
  });
});

describe("errors are for the author", () => {
  it.each([
    ["$number('x')", "EXPRESSION_FAILED", /Unable to cast value to a number: "x" \(at character 8\)/],
    ["$error('Out of stock')", "EXPRESSION_FAILED", /Out of stock/],
    ["$assert(false, 'No stock')", "EXPRESSION_FAILED", /No stock/],
    ["'a' + 1", "EXPRESSION_FAILED", /left side of the "\+" operator/],
    ["$base64encode('€')", "EXPRESSION_FAILED", /U\+00FF/],
    ["$sort([1, 'a'])", "EXPRESSION_FAILED", /\$sort needs/],
  ])("%s", async (text, code, message) => {
    await expect(compile(text).evaluate({})).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("quotes at most 100 characters of data", async () => {
    for (const text of [
      "$number(a)",
      "$error(a)",
      "$assert(false, a)",
      "-[a]",
      "{[a]: 1}",
      "1 < a",
      "$toMillis(a)",
      "[a, 1]^($)",
    ]) {
      const error = await compile(text)
        .evaluate({ a: "secret".repeat(16) })
        .catch((cause: unknown) => cause);
      expect((error as Error).message.split("secret").length).toBeLessThan(18);
      const long = await compile(text)
        .evaluate({ a: "y".repeat(5000) })
        .catch((cause: unknown) => cause);
      expect((long as Error).message.replace(/[^y]/g, "").length).toBeLessThanOrEqual(104);
    }
  });
});

describe("isTrue casts as jsonata does", () => {
  it.each<[unknown, boolean]>([
    [undefined, false],
    [null, false],
    [false, false],
    [0, false],
    ["", false],
    [[], false],
    [{}, false],
    [[0], false],
    [[0, ""], false],
    [[[]], false],
    [true, true],
    [-1, true],
    ["false", true],
    [{ a: 0 }, true],
    [[0, 1], true],
    [[[1]], true],
    [Number.NaN, false],
  ])("%j: %s", async (value, expected) => {
    expect(isTrue(value)).toBe(expected);
    const boolean = await compile("$boolean($$.v)").evaluate({ v: value });
    expect(boolean ?? false).toBe(expected);
  });
});
