import { expect, it } from "vitest";

import { xmlFinding, type XmlLimits } from "./threat.ts";

const none: XmlLimits = {
  maxDepth: -1,
  maxElements: -1,
  maxChildren: -1,
  maxAttributes: -1,
  maxNamespaces: -1,
  maxElementName: -1,
  maxAttributeName: -1,
  maxPrefixName: -1,
  maxTargetName: -1,
  maxValueLength: -1,
};
const finding = (text: string, limits: Partial<XmlLimits> = {}) => xmlFinding(text, { ...none, ...limits })?.message;

it.each<[keyof XmlLimits, number, string, string]>([
  ["maxDepth", 2, "<a><b/><b/></a>", "<a><b><c/></b></a>"],
  ["maxElements", 3, "<a><b/><b/></a>", "<a><b><c/></b><d/></a>"],
  ["maxChildren", 2, "<a><b><c/><c/></b><b/></a>", "<a><b/>text<b/><b/></a>"],
  ["maxAttributes", 1, '<a x="1" xmlns="u"><b y="1"/></a>', '<a><b x="1" y="2"/></a>'],
  ["maxNamespaces", 1, '<a xmlns="u" x="1"><b xmlns:p="v"/></a>', '<a xmlns="u" xmlns:p="v"/>'],
  ["maxElementName", 2, '<long:ab xmlns:long="u"/>', "<a><abc/></a>"],
  ["maxAttributeName", 2, '<abc p:ab="1"/>', '<a abc="1"/>'],
  ["maxPrefixName", 2, '<pp:abc qq:d="1" xmlns:pp="u"/>', "<ppp:a/>"],
  ["maxPrefixName", 2, "<a/>", '<a xmlns:ppp="u"/>'],
  ["maxPrefixName", 2, "<a/>", '<a ppp:x="u"/>'],
  ["maxTargetName", 2, "<a><?ab cdef?></a>", "<a><?abc d?></a>"],
  ["maxValueLength", 3, "<a>abc<b>abc</b>abc</a>", "<a>abcd</a>"],
  ["maxValueLength", 3, '<a x="abc"/>', '<a x="abcd"/>'],
  ["maxValueLength", 3, "<a><!--abc--></a>", "<!--abcd--><a/>"],
  ["maxValueLength", 3, "<a><![CDATA[abc]]></a>", "<a>ab<!-- --><![CDATA[cd]]></a>"],
  ["maxValueLength", 3, "<a>&amp;&lt;&#97;</a>", "<a>&amp;&lt;&#97;&gt;</a>"],
])("%s %i", (limit, most, within, above) => {
  expect(finding(within, { [limit]: most })).toBeUndefined();
  expect(finding(above, { [limit]: most })).toBe(`It is above ${limit}, which is ${most}. Line 1.`);
  expect(finding(above)).toBeUndefined();
});

it.each([
  ["a document type", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "A document type is not taken. Line 1."],
  ["an outside document type", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "A document type is not taken. Line 1."],
  ["an entity that nobody declared", "<a>\n&x;</a>", "It is not well formed. Line 2."],
  ["tags that do not close", "<a><b></a>", "It is not well formed. Line 1."],
  ["two roots", "<a/><b/>", "It is not well formed. Line 1."],
  ["an attribute twice", '<a x="1" x="2"/>', "It is not well formed. Line 1."],
  ["JSON", '{"a":1}', "It is not well formed. Line 1."],
  ["nothing", "  ", "It is not well formed. Line 1."],
  ["another encoding", '<?xml version="1.0" encoding="UTF-7"?><a/>', "Its encoding is not UTF-8. Line 1."],
])("%s is refused", (_, text, message) => {
  expect(finding(text)).toBe(message);
});

it("a declaration and layout are fine", () => {
  expect(finding('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a --><a>\n <b/>\n</a>\n')).toBeUndefined();
});
