import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { exampleFlow, flowOf, someone } from "../support/given.ts";

const list = (caller: Caller, query: string): Promise<Answer> => caller.call("getFlows", { query });
const search = (caller: Caller, term: string): Promise<Answer> => list(caller, `search=${encodeURIComponent(term)}`);

interface Titled {
  readonly name?: string | null;
  readonly description?: string | null;
}

/** Whether a search for the term finds the flow, beside one that it never finds. */
async function finds(flow: Titled, term: string): Promise<boolean> {
  const caller = await someone();
  const id = await flowOf(caller, { name: undefined, description: undefined, ...flow });
  await flowOf(caller, { name: "+", description: "+" });
  const { status, body } = await search(caller, term);
  expect(status).toBe(200);
  expect(body.meta.total).toBe(body.data.length);
  const found = (body.data as { id: string }[]).map((entry) => entry.id);
  expect(found.filter((other) => other !== id)).toEqual([]);
  return found.includes(id);
}

describe("search", () => {
  it.each([
    ["the whole name", { name: "Invoice" }, "Invoice"],
    ["the beginning", { name: "Invoice to SAP" }, "Inv"],
    ["the middle", { name: "Invoice to SAP" }, "ice to"],
    ["the end", { name: "Invoice to SAP" }, "SAP"],
    ["a single character", { name: "Invoice" }, "v"],
    ["the description", { description: "Copies orders" }, "orders"],
    ["the description under a name without it", { name: "Invoice", description: "Copies orders" }, "orders"],
    ["the name over a description without it", { name: "Invoice", description: "Copies orders" }, "Invoice"],
    ["the name beside an empty description", { name: "Invoice", description: null }, "Invoice"],
    ["capitals by small letters", { name: "INVOICE" }, "invoice"],
    ["small letters by capitals", { name: "invoice" }, "INVOICE"],
    ["mixed by mixed", { name: "inVOice" }, "INvoICE"],
    ["umlauts", { name: "Übertragung" }, "übertragung"],
    ["a single umlaut", { name: "Prüfung" }, "Ü"],
    ["an umlaut written in two characters", { name: "Prüfung" }, "pru\u0308fung"],
    ["by an umlaut in one character what has two", { name: "Pru\u0308fung" }, "prüfung"],
    ["ß by ß", { name: "Straße" }, "straße"],
    ["ß by SS", { name: "Straße" }, "STRASSE"],
    ["SS by ß", { name: "STRASSE" }, "straße"],
    ["ẞ by ß", { name: "STRAẞE" }, "straße"],
    ["a Greek final sigma by a capital", { name: "Οδυσσεύς" }, "ΟΔΥΣΣΕΎΣ"],
    ["a Greek capital by a final sigma", { name: "ΟΔΥΣΣΕΎΣ" }, "Οδυσσεύς"],
    ["a Greek final sigma by one that is not final", { name: "Οδυσσεύς" }, "οδυσσεύσ"],
    ["Cyrillic", { name: "Счёт-фактура" }, "СЧЁТ-Ф"],
    ["Armenian", { name: "Հաշիվ" }, "ՀԱՇԻՎ"],
    ["Chinese", { name: "发票同步" }, "票同"],
    ["Japanese", { description: "請求書を転送する" }, "転送"],
    ["Korean", { name: "송장 전송" }, "전송"],
    ["Arabic", { name: "فاتورة جديدة" }, "جديدة"],
    ["an emoji", { name: "Launch 🚀 now" }, "🚀"],
    ["an emoji of several characters", { name: "For 👩‍👩‍👧 only" }, "👩‍👩‍👧"],
    ["wide Latin letters by plain ones", { name: "ＳＡＰ" }, "sap"],
    ["a quote", { name: `the "best" one's` }, `"best" one'`],
    ["a backslash", { name: "C:\\temp\\new" }, "\\temp\\n"],
    ["a line break", { description: "first\nsecond" }, "first\nsecond"],
    ["a number", { name: 4711 as unknown as string }, "471"],
  ] satisfies [string, Titled, string][])("finds %s", async (_, flow, term) => {
    expect(await finds(flow, term)).toBe(true);
  });

  it.each([
    ["what begins in the name and ends in the description", { name: "abc", description: "def" }, "cd"],
    ["name and description in one", { name: "abc", description: "def" }, "abc def"],
    ["name and description with a control character between", { name: "abc", description: "def" }, "abc\u001fdef"],
    ["a lone control character", { name: "abc", description: "def" }, "\u001f"],
    ["a NUL that is not there", { name: "abc", description: "def" }, "abc\u0000"],
    ["a name by one that is longer", { name: "Invoice" }, "Invoices"],
    ["words in another order", { name: "Invoice to SAP" }, "SAP Invoice"],
    ["an umlaut by its plain letter", { name: "Prüfung" }, "Prufung"],
    ["the type", { name: "abc", type: "ordinary" } as Titled, "ordinary"],
    ["the ids of nodes", { name: "abc" }, "step_1"],
    ["a missing name by null", {}, "null"],
    ["a missing name by undefined", {}, "undefined"],
  ] satisfies [string, Titled, string][])("does not find %s", async (_, flow, term) => {
    expect(await finds(flow, term)).toBe(false);
  });

  it.each([
    ["{1}", "x{1}y", "xy"],
    ["w{1}", "w{1}", "w"],
    [".*", "a.*b", "ab"],
    [".", "a.b", "ab"],
    ["^a", "x^ay", "abc"],
    ["a$", "xa$y", "cba"],
    ["a|b", "xa|by", "a or b"],
    ["(a", "x(ay", "a"],
    ["[a-z]", "x[a-z]y", "xay"],
    ["\\d", "x\\dy", "x1y"],
    ["a+", "xa+y", "xaay"],
    ["a?", "xa?y", "xay"],
    ["%", "100% sure", "100 sure"],
    ["%re", "100%re", "100 sure"],
    ["_", "step_one", "step one"],
    ["s_ep", "s_ep", "step"],
    ["*", "all * of it", "all of it"],
    ["'", "it's", "its"],
    ["' OR '1'='1", "' OR '1'='1", "1"],
    ["\\p{L}", "\\p{L}", "pL"],
  ])("takes %j for the characters that it shows", async (term, has, hasNot) => {
    expect(await finds({ name: has }, term)).toBe(true);
    expect(await finds({ description: has }, term)).toBe(true);
    expect(await finds({ name: hasNot, description: hasNot }, term)).toBe(false);
  });

  it.each([
    ["60 bytes", "Rechnungen aus dem Vertrieb werden jede Nacht nach SAP kopier"],
    ["200 bytes of umlauts", "äöüÄÖÜß".repeat(15)],
    ["1000 characters", "0123456789".repeat(100)],
  ])("takes a term of %s", async (_, term) => {
    expect(await finds({ description: `- ${term} -` }, term)).toBe(true);
    expect(await finds({ description: `- ${term.slice(1)} -` }, term)).toBe(false);
  });

  it("finds what stands at the end of a long description", async () => {
    expect(await finds({ description: `${"lorem ipsum ".repeat(5000)}dolor` }, "dolor")).toBe(true);
  });

  it.each(["  invoice", "invoice  ", "\t invoice \n", "\u00a0invoice\u3000"])(
    "takes no notice of white space around the term: %j",
    async (term) => {
      expect(await finds({ name: "Invoice" }, term)).toBe(true);
    },
  );

  it("takes notice of white space inside the term", async () => {
    expect(await finds({ name: "to SAP" }, "to  SAP")).toBe(false);
  });

  it.each(["", "%20", "%20%09%0A", "+"])("for nothing (%j) shows all", async (term) => {
    const caller = await someone();
    await flowOf(caller);
    await flowOf(caller, { name: undefined, description: undefined });
    expect((await list(caller, `search=${term}`)).body.meta.total).toBe(2);
  });

  it("shows only one's own of the flows that match", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    const id = await flowOf(caller, { name: "Common name" });
    await flowOf(stranger, { name: "Common name" });
    const { body } = await search(caller, "common name");
    expect(body.data).toHaveLength(1);
    expect(body.data[0].id).toBe(id);
    expect(body.meta.total).toBe(1);
  });

  it("counts and pages what matches", async () => {
    const caller = await someone();
    const flows = Array.from({ length: 7 }, (_, n) => ({ ...exampleFlow(), name: n % 2 === 0 ? "Even" : "Odd" }));
    await caller.call("addFlow", { body: flows });
    const { body } = await list(caller, "search=EVEN&page[size]=3&page[number]=2");
    expect(body.meta).toEqual({ total: 4, page: 2, perPage: 3, totalPages: 2 });
    expect((body.data as Titled[]).map((flow) => flow.name)).toEqual(["Even"]);
  });

  it("follows an edit", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { name: "Before", description: "kept" });
    await caller.call("updateFlow", { params: { id }, body: { name: "After" } });
    const totals = [];
    for (const term of ["before", "after", "kept"]) totals.push((await search(caller, term)).body.meta.total as number);
    expect(totals).toEqual([0, 1, 1]);
  });

  it.each([
    ["a NUL", "a\u0000b"],
    ["half of a surrogate pair", "a\ud83db"],
    ["a control character", "a\u001fb"],
    ["a character that turns the direction", "a\u202eb"],
  ])("and list stay in order beside a name that holds %s", async (_, name) => {
    const caller = await someone();
    const odd = await flowOf(caller, { name, description: "odd" });
    await flowOf(caller, { name: "Invoice" });
    expect((await list(caller, "sort=name")).body.meta.total).toBe(2);
    expect((await search(caller, "invoice")).body.meta.total).toBe(1);
    expect((await search(caller, "odd")).body.data[0].id).toBe(odd);
    expect((await caller.call("getFlowById", { params: { id: odd } })).body.data.name).toBe(name);
  });
});
