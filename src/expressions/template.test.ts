import { describe, expect, it } from "vitest";
import { faultsOfMapper, faultsOfTemplate, mapped, render } from "./template.ts";

const input = { data: { name: "Ada", age: 18, tags: ["a", "b"], quote: 'say "}}"', empty: null } };

describe("render", () => {
  it.each<[template: unknown, result: unknown]>([
    ["plain", "plain"],
    ["", ""],
    ["{{data.age}}", 18],
    ["{{ data.tags }}", ["a", "b"]],
    ["{{data.missing}}", undefined],
    ["{{data.empty}}", null],
    [" {{data.age}}", " 18"],
    ["Hi {{data.name}}, {{data.age}}!", "Hi Ada, 18!"],
    ["{{data.name}}{{data.age}}", "Ada18"],
    ["<{{data.missing}}|{{data.empty}}|{{data.tags}}|{{data.age > 17}}>", '<|null|["a","b"]|true>'],
    ["{{ '}}' }}", "}}"],
    [`{{ "{{" & '}}' }}`, "{{}}"],
    [String.raw`{{ "\"}}" }}`, '"}}'],
    ["{{ {'a': {'b': data.age}} }}", { a: { b: 18 } }],
    ["{{{'a': {'b': 1}}}}", { a: { b: 1 } }],
    ["{{ /* }} */ 1 }}", 1],
    [String.raw`{{ $replace(data.name, /[\}a"]/, '') }}`, "Ad"],
    [String.raw`{{ $contains("a}}b", /\}\}/) }}`, true],
    ["{{ data.age / 2 }}/{{ 6 / 3 }}", "9/2"],
    ["{{ data.`na}}me` }}", undefined],
    ["a }} b", "a }} b"],
    [
      ["{{data.missing}}", 1, null, "x{{data.age}}"],
      [null, 1, null, "x18"],
    ],
    [
      { a: "{{data.missing}}", b: { c: "{{data.name}}" }, "{{data.name}}": true },
      { b: { c: "Ada" }, "{{data.name}}": true },
    ],
    [42, 42],
    [null, null],
  ])("%j", async (template, result) => {
    await expect(render(template, input)).resolves.toStrictEqual(result);
  });

  it("takes bindings", async () => {
    await expect(render("{{$token}}", input, { token: "t" })).resolves.toBe("t");
  });

  it("keeps a key named __proto__", async () => {
    const result = (await render(JSON.parse(`{"__proto__": {"a": "{{1}}"}}`), input)) as object;
    expect(Object.keys(result)).toStrictEqual(["__proto__"]);
  });

  it.each<[name: string, code: string, template: unknown]>([
    ["what is not closed", "EXPRESSION_INVALID", "{{ data.name"],
    ["what is not closed after a quote", "EXPRESSION_INVALID", "{{ 'data.name }}"],
    ["an empty expression", "EXPRESSION_INVALID", "{{}}"],
    ["too many expressions", "EXPRESSION_TOO_LARGE", "{{1}}".repeat(1001)],
    ["too much text", "EXPRESSION_TOO_LARGE", Array.from({ length: 12 }, () => "{{$pad('', 100000, 'x')}}")],
    ["too many steps in all", "EXPRESSION_STEPS", Array.from({ length: 20 }, () => "{{[1..10000].($ + 1)}}")],
    ["an error in one", "EXPRESSION_FAILED", { a: "{{1}}", b: "{{$error('x')}}" }],
  ])("refuses %s", async (_name, code, template) => {
    await expect(render(template, input)).rejects.toMatchObject({ code });
  });

  it("refuses a template that is too deep", async () => {
    let template: unknown = "{{1}}";
    for (let level = 0; level < 400; level += 1) template = [template];
    await expect(render(template, input)).rejects.toMatchObject({ code: "EXPRESSION_TOO_LARGE" });
    expect(faultsOfTemplate(template)).toHaveLength(1);
  });
});

describe("mapped", () => {
  it.each<[mapper: unknown, result: unknown]>([
    ["data.name", "Ada"],
    ["data.missing", undefined],
    [
      { name: "data.name", adult: "data.age >= 18", gone: "data.missing" },
      { name: "Ada", adult: true },
    ],
    [
      { fixed: 1, flag: true, none: null, text: "'text'" },
      { fixed: 1, flag: true, none: null, text: "text" },
    ],
    [
      ["data.age", "data.missing", { deep: ["data.tags"] }],
      [18, null, { deep: [["a", "b"]] }],
    ],
    [7, 7],
  ])("%j", async (mapper, result) => {
    await expect(mapped(mapper, input)).resolves.toStrictEqual(result);
  });

  it("shares nothing between the results of two expressions", async () => {
    const [one, two] = (await mapped(["data", "data"], input)) as [{ tags: string[] }, { tags: string[] }];
    one.tags.push("c");
    expect(two.tags).toStrictEqual(["a", "b"]);
    expect(input.data.tags).toStrictEqual(["a", "b"]);
  });
});

describe("faults", () => {
  it("of a template have pointers", () => {
    const faults = faultsOfTemplate({
      ok: "{{data.name}}",
      "a/b": ["x", "{{a +}}"],
      "c~d": "{{ open",
      two: "{{a +}} {{b +}}",
      at: 1,
    });
    expect(faults.map(({ pointer }) => pointer)).toStrictEqual(["/a~1b/1", "/c~0d", "/two", "/two"]);
    expect(faults[1]!.message).toBe("A {{ is not closed by }}.");
    expect(faults[0]!.message).toMatch(/^Not an expression at character 3: /);
  });

  it("of a mapper have pointers", () => {
    expect(faultsOfMapper({ ok: "data.name", list: [1, "a +"] }).map(({ pointer }) => pointer)).toStrictEqual([
      "/list/1",
    ]);
    expect(faultsOfMapper("a +")).toMatchObject([{ pointer: "" }]);
    expect(faultsOfMapper({ a: "data.name", b: null })).toStrictEqual([]);
  });

  it("tell that there are too many", () => {
    expect(faultsOfTemplate("{{1}}".repeat(1001))).toMatchObject([{ pointer: "" }]);
  });
});
