import * as fc from "fast-check";
import { expect, it } from "vitest";

import { jsonToXml } from "./from-json.ts";
import type { Naming } from "./naming.ts";
import { xmlToJson } from "./to-json.ts";

const naming: Naming = { root: "root", item: "item", attributePrefix: "@", textKey: "#text" };
/** As it goes out: what it is made of has no prototype. */
const toJson = (text: string, more: Partial<Naming> = {}): unknown =>
  JSON.parse(JSON.stringify(xmlToJson(text, { ...naming, ...more })));
const toXml = (value: unknown, more: Partial<Naming> = {}): string =>
  jsonToXml(value, { ...naming, ...more }).replace('<?xml version="1.0" encoding="UTF-8"?>', "");

it.each<[string, string, unknown]>([
  ["a text", "<a>b</a>", { a: "b" }],
  ["nothing", "<a/>", { a: "" }],
  ["spaces of an element without children", "<a> </a>", { a: " " }],
  ["layout between children", "<a>\n <b>1</b>\n</a>", { a: { b: "1" } }],
  ["attributes and a text", '<a x="1">t</a>', { a: { "@x": "1", "#text": "t" } }],
  ["what is repeated", "<a><b>1</b><c/><b>2</b><b>3</b></a>", { a: { b: ["1", "2", "3"], c: "" } }],
  ["text around children", "<a>x<b/>y</a>", { a: { b: "", "#text": "xy" } }],
  ["prefixes", '<p:a xmlns:p="u" p:x="1"/>', { "p:a": { "@xmlns:p": "u", "@p:x": "1" } }],
  ["entities, CDATA and comments", "<a>&lt;&#65;<![CDATA[<b>]]><!-- c --></a>", { a: "<A<b>" }],
])("XML becomes JSON: %s", (_, xml, json) => {
  expect(toJson(xml)).toEqual(json);
});

it("an element may have the name of a prototype, and stays data", () => {
  const made = xmlToJson('<a><__proto__ x="1"/><constructor>c</constructor></a>', naming);
  expect(JSON.stringify(made)).toBe('{"a":{"__proto__":{"@x":"1"},"constructor":"c"}}');
  expect(({} as Record<string, unknown>)["@x"]).toBeUndefined();
});

it.each<[string, unknown, string]>([
  ["one key is the root", { a: { b: 1, c: true, d: null } }, "<a><b>1</b><c>true</c><d></d></a>"],
  ["several keys need one", { a: 1, b: 2 }, "<root><a>1</a><b>2</b></root>"],
  ["no key needs one", {}, "<root></root>"],
  ["a list needs one", [1, { a: 2 }], "<root><item>1</item><item><a>2</a></item></root>"],
  ["a list in the only key needs one", { a: [1, 2] }, "<root><a>1</a><a>2</a></root>"],
  ["an attribute alone needs one", { "@x": 1 }, '<root x="1"></root>'],
  ["a text alone needs one", { "#text": "t" }, "<root>t</root>"],
  ["a text", "t", "<root>t</root>"],
  ["lists of lists", { a: { b: [[1, 2], []] } }, "<a><b><item>1</item><item>2</item></b><b></b></a>"],
  ["signs", { a: { "@x": '"<&\n', "#text": "<&>\r" } }, '<a x="&quot;&lt;&amp;&#10;">&lt;&amp;&gt;&#13;</a>'],
])("JSON becomes XML: %s", (_, json, xml) => {
  expect(toXml(json)).toBe(xml);
});

it("the names are those of the settings", () => {
  const other = { root: "r", item: "i", attributePrefix: "_", textKey: "$" };
  expect(toXml([{ _x: 1, $: "t" }], other)).toBe('<r><i x="1">t</i></r>');
  expect(toJson('<r x="1">t</r>', other)).toEqual({ r: { _x: "1", $: "t" } });
});

const deep = (levels: number): unknown => (levels === 1 ? "t" : { a: deep(levels - 1) });
const nested = (levels: number): string => "<a>".repeat(levels) + "</a>".repeat(levels);

it.each<[string, unknown]>([
  ["a key that is no name", { "a b": 1 }],
  ["a key that would break out", { "a><b": 1 }],
  ["an attribute that would break out", { a: { '@x="1" y': 1 } }],
  ["an empty key", { a: { "": 1 } }],
  ["an attribute that is an object", { a: { "@x": {} } }],
  ["a text that is a list", { a: { "#text": [1] } }],
  ["a character that XML does not have", { a: "\u0000" }],
  ["half a character", { a: "\ud800" }],
  ["depth", { a: deep(101) }],
  ["size", { a: Array.from({ length: 100_000 }, () => 1) }],
])("JSON that cannot be XML: %s", (_, json) => {
  expect(() => toXml(json)).toThrow(expect.objectContaining({ name: "NoXml" }));
});

it("depth and size have ends on both ways", () => {
  expect(toXml(deep(101))).toContain("<a>t</a>");
  expect(toJson(nested(100))).toBeDefined();
  expect(() => toJson(nested(101))).toThrow(/deeper than 100/);
  expect(() => toJson(`<a>${"<b/>".repeat(100_000)}</a>`)).toThrow(/more than 100000/);
  expect(() => toJson('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')).toThrow(/document type/);
});

const escaped = (one: string) => one.replace(/[<&"\r\n\t]/g, (sign) => `&#${sign.charCodeAt(0)};`);

it("what came of XML, becomes XML that means the same", () => {
  const name = fc.constantFrom("a", "b", "p:c", "_d", "é", "__proto__");
  const text = fc.string({ unit: "grapheme", maxLength: 8 }).filter((one) => /^[\t\n\u0020-\ud7ff]*$/.test(one));
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        name,
        fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key, maxLength: 3 }),
        fc.array(fc.oneof({ depthSize: "small" }, text.map(escaped), tie("element")), { maxLength: 4 }),
      )
      .map(([tag, attributes, content]) => {
        const said = attributes.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("");
        return `<${tag}${said}>${content.join("")}</${tag}>`;
      }),
  }));
  fc.assert(
    fc.property(element, (xml) => {
      const once = xmlToJson(xml, naming);
      expect(JSON.stringify(xmlToJson(jsonToXml(once, naming), naming))).toBe(JSON.stringify(once));
    }),
    { numRuns: 300 },
  );
});
