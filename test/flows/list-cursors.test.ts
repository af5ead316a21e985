import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, loner, newId, someone } from "../support/given.ts";
import { cursorIn, follow, idsOf, list, pageOf, queryIn, sorts, walk, type Sort } from "../support/pages.ts";
import { queryOf, store, tenant, user, type Given, type StoredFlow } from "../support/rows.ts";

const BEGAN = Date.UTC(2026, 0, 1);

type Traits = Partial<Omit<Given, "owners">>;
const storeFor = (caller: Caller, all: readonly Traits[]) =>
  store(all.map((traits) => ({ ...traits, owners: [user(caller.sub), tenant(caller.tenant!)] })));

/** Flows with many equal names and times. */
const tied = (caller: Caller, count: number) =>
  storeFor(
    caller,
    Array.from({ length: count }, (_, n) => ({
      name: ["beta", "alpha", "", "alpha"][n % 4]!,
      createdAt: BEGAN + Math.floor(n / 5),
      updatedAt: BEGAN + 1000 + (n % 3),
      type: n % 2 === 0 ? "ordinary" : "long_running",
      status: (["inactive", "active", "inactive", "stopping", "starting"] as const)[n % 5]!,
    })),
  );

const keyOf = (flow: StoredFlow, sort: Sort): string | number => {
  if (sort.endsWith("createdAt")) return 0;
  return sort.endsWith("name") ? (flow.document.name ?? "").slice(0, 200) : flow.updatedAt;
};

/** The ids in the order that is asked for. The flows come in the order in which they were stored. */
function inOrder(flows: readonly StoredFlow[], sort: Sort): string[] {
  const places = new Map(flows.map((flow, place) => [flow, place]));
  const ascending = flows.toSorted((one, other) => {
    const [a, b] = [keyOf(one, sort), keyOf(other, sort)];
    if (a !== b) return a < b ? -1 : 1;
    return places.get(one)! - places.get(other)!;
  });
  return (sort.startsWith("-") ? ascending.toReversed() : ascending).map((flow) => flow.id);
}

describe("following the links", () => {
  const filters: [string, (flow: StoredFlow) => boolean][] = [
    ["", () => true],
    ["filter[type]=ordinary", ({ document }) => document.type === "ordinary"],
    ["filter[status]=inactive", ({ status }) => status === "inactive"],
    ["filter[status]=active,starting", ({ status }) => status === "active" || status === "starting"],
    ["search=alpha", ({ document }) => document.name === "alpha"],
    ["search=al", ({ document }) => document.name === "alpha"],
    [`filter[updatedFrom]=${new Date(BEGAN + 1001).toISOString()}`, ({ updatedAt }) => updatedAt > BEGAN + 1000],
    [`filter[createdTo]=${new Date(BEGAN + 3).toISOString()}`, ({ createdAt }) => createdAt < BEGAN + 3],
  ];

  it.each(sorts)("by %s shows every flow once, forth and back, whatever the filter", async (sort) => {
    const caller = await someone();
    const flows = await tied(caller, 37);
    await tied(await someone(), 5);
    for (const [filter, matches] of filters) {
      const expected = inOrder(flows.filter(matches), sort);
      const first = await pageOf(caller, `sort=${sort}&page[size]=6&fields=name&${filter}`);
      const forth = await walk(caller, first, "next");
      expect(forth.flatMap(idsOf)).toEqual(expected);
      const back = await walk(caller, forth.at(-1)!, "prev");
      expect(back.toReversed().map(idsOf)).toEqual(forth.map(idsOf));
      const totals = [...forth, ...back].map(({ body }) => body.meta.total as number);
      expect(new Set(totals)).toEqual(new Set([expected.length]));
    }
  });

  it("begins and ends with null, and tells the page only where a number led", async () => {
    const caller = await someone();
    await tied(caller, 5);
    const meta = { total: 5, perPage: 2, totalPages: 3 };
    const first = await pageOf(caller, "page[size]=2");
    const [, second, third] = await walk(caller, first, "next");
    expect(first.body).toMatchObject({ meta: { ...meta, page: 1 }, links: { prev: null } });
    expect(second!.body.meta).toEqual(meta);
    expect(second!.body.links).toEqual({ next: expect.any(String), prev: expect.any(String) });
    expect(third!.body.meta).toEqual(meta);
    expect(third!.body.links).toEqual({ next: null, prev: expect.any(String) });
    const [, , again] = await walk(caller, third!, "prev");
    expect(again!.body).toEqual({ ...first.body, meta, links: { ...first.body.links, prev: null } });
  });

  it("goes on from a page that was asked for by its number", async () => {
    const caller = await someone();
    const ids = (await tied(caller, 9)).map((flow) => flow.id);
    const middle = await pageOf(caller, "page[size]=2&page[number]=3");
    expect(idsOf(middle)).toEqual(ids.slice(4, 6));
    expect(idsOf(await follow(caller, middle, "next"))).toEqual(ids.slice(6, 8));
    expect(idsOf(await follow(caller, middle, "prev"))).toEqual(ids.slice(2, 4));
    expect((await pageOf(caller, "page[size]=3&page[number]=3")).body.links.next).toBeNull();
  });

  it.each([0, 1, 4])("has no links on the only page, of %i flows", async (count) => {
    const caller = await someone();
    await tied(caller, count);
    expect((await pageOf(caller, "page[size]=4")).body.links).toEqual({ next: null, prev: null });
  });

  it("keeps size, fields, sort and filters", async () => {
    const caller = await someone();
    await tied(caller, 9);
    const asked = {
      "page[size]": "2",
      fields: "name,status",
      "filter[status]": "0,1",
      "filter[createdTo]": "2027-01-01T00:00:00+02:00",
      sort: "-name",
      search: "a & b=é+%",
    };
    await storeFor(
      caller,
      Array.from({ length: 5 }, () => ({ name: "A & B=É+%", createdAt: BEGAN })),
    );
    const page = await pageOf(caller, asked);
    const { "page[after]": cursor, ...kept } = Object.fromEntries(new URLSearchParams(queryIn(page.body.links.next)));
    expect(kept).toEqual(asked);
    expect(cursor).toMatch(/^[\w-]+\.[\w-]{22}$/);
    const next = await follow(caller, page, "next");
    expect(next.body.data).toHaveLength(2);
    for (const flow of next.body.data) expect(Object.keys(flow).toSorted()).toEqual(["id", "name", "status"]);
  });

  it("shows every flow once for any list, order and size of pages", async () => {
    const trait = fc.record({
      name: fc.constantFrom("", "a", "A", "ä", "z", "😀", "x".repeat(200), `${"x".repeat(200)}1`, "x".repeat(199)),
      createdAt: fc.integer({ min: BEGAN, max: BEGAN + 3 }),
      updatedAt: fc.integer({ min: BEGAN, max: BEGAN + 4 }),
      status: fc.constantFrom("inactive" as const, "active" as const, "starting" as const, "stopping" as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(trait, { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(...sorts),
        async (traits, size, sort) => {
          const caller = await someone();
          const flows = await storeFor(
            caller,
            traits.toSorted((one, other) => one.createdAt - other.createdAt),
          );
          const forth = await walk(
            caller,
            await pageOf(caller, { sort, "page[size]": size, fields: "status" }),
            "next",
          );
          expect(forth.flatMap(idsOf)).toEqual(inOrder(flows, sort));
          expect(forth).toHaveLength(Math.max(1, Math.ceil(flows.length / size)));
          const back = await walk(caller, forth.at(-1)!, "prev");
          expect(back.toReversed().map(idsOf)).toEqual(forth.map(idsOf));
        },
      ),
      { numRuns: 40 },
    );
  });
});

const refusalOf = (parameter: string) => ({
  status: 400,
  body: {
    errors: [{ message: `Invalid ${parameter} parameter`, code: 400, error: "INVALID_PARAMETER", parameter }],
  },
});

/** Somebody with fifteen flows, and the query and the cursors of the second page of two. */
async function amidst(asked: Record<string, string> = {}) {
  const caller = await someone();
  await tied(caller, 15);
  const page = await follow(caller, await pageOf(caller, { "page[size]": 2, ...asked }), "next");
  const { "page[after]": after = "", ...query } = Object.fromEntries(
    new URLSearchParams(queryIn(page.body.links.next)),
  );
  return { caller, query, after, before: cursorIn(page.body.links.prev, "page[before]") };
}

describe("a cursor", () => {
  it("is good for any size and any fields, forth and back", async () => {
    const { caller, after, before } = await amidst();
    const ids = idsOf(await pageOf(caller, "page[size]=15"));
    expect(idsOf(await pageOf(caller, { "page[after]": after }))).toEqual(ids.slice(4, 14));
    expect(idsOf(await pageOf(caller, { "page[after]": before, fields: "graph" }))).toEqual(ids.slice(3, 13));
    expect(idsOf(await pageOf(caller, { "page[before]": after, "page[size]": 2 }))).toEqual(ids.slice(1, 3));
    expect(idsOf(await pageOf(caller, { "page[before]": before, fields: "id" }))).toEqual(ids.slice(0, 2));
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["the other direction", { sort: "name" }, { sort: "-name" }],
    ["another sort", {}, { sort: "updatedAt" }],
    ["another status", { "filter[status]": "inactive" }, { "filter[status]": "active" }],
    ["no status", { "filter[status]": "inactive" }, { "filter[status]": "inactive,active,starting,stopping" }],
    ["a filter more", {}, { "filter[type]": "ordinary" }],
    ["another template", {}, { "filter[fromTemplate]": newId() }],
    ["another component", {}, { "filter[componentId]": "webhook" }],
    ["another secret", {}, { "filter[credentials_id]": newId() }],
    ["another owner", {}, { "filter[user]": newId() }],
    ["another time", {}, { "filter[createdFrom]": "2026-01-01T00:00:00Z" }],
    ["another search", { search: "al" }, { search: "alp" }],
    ["a search in place of a filter", { search: "" }, { "filter[type]": "" }],
  ])("is refused for %s", async (_, one, other) => {
    const { caller, after, before } = await amidst(one);
    const present = await list(caller, queryOf({ ...one, "page[after]": after }));
    expect(present.status).toBe(200);
    for (const [name, cursor] of Object.entries({ "page[after]": after, "page[before]": before })) {
      expect(await list(caller, queryOf({ ...one, ...other, [name]: cursor }))).toMatchObject(refusalOf(name));
    }
  });

  it("is refused for another caller, even one who sees the same", async () => {
    const { caller, after } = await amidst();
    const sub = caller.sub;
    const others = [
      await someone({ tenant: caller.tenant! }),
      await someone({ sub }),
      await someone({ sub: caller.tenant!, tenant: sub }),
      await someone(),
      await loner(),
      await admin(),
    ];
    for (const other of others) {
      expect(await list(other, queryOf({ "page[after]": after }))).toMatchObject(refusalOf("page[after]"));
    }
    expect(idsOf(await pageOf(await someone({ sub, tenant: caller.tenant! }), { "page[after]": after }))).toHaveLength(
      10,
    );
  });

  it("is refused if another secret signed it", async () => {
    const { caller, after } = await amidst();
    const changed = { CURSOR_SECRET: "a third secret of the tests, 32 characters" };
    const answer = await caller.call("getFlows", { query: { "page[after]": after }, env: changed });
    expect(answer).toMatchObject(refusalOf("page[after]"));
  });

  it("is refused if a single character differs or is missing", async () => {
    const { caller, query, after } = await amidst();
    const changed = Array.from(after).flatMap((character, at) => {
      const others = [character === "A" ? "B" : "A", character === "." ? "A" : ".", ""];
      return others.map((other) => `${after.slice(0, at)}${other}${after.slice(at + 1)}`);
    });
    for (const cursor of changed) {
      const answer = await list(caller, queryOf({ ...query, "page[after]": cursor }));
      expect(answer).toMatchObject(refusalOf("page[after]"));
    }
  });

  it.each([".", ".x", "A", " ", "=", "\n", "\0", ".é"])("is refused with %j behind it", async (more) => {
    const { caller, query, after } = await amidst();
    const answer = await list(caller, queryOf({ ...query, "page[after]": after + more }));
    expect(answer).toMatchObject(refusalOf("page[after]"));
  });

  it.each([
    "",
    ".",
    "x",
    "a.b",
    "null",
    "WzEsMV0",
    "WzEsMV0.",
    ".aaaaaaaaaaaaaaaaaaaaaa",
    "ä.😀",
    "\0",
    "x".repeat(2001),
  ])("is refused if it is %j", async (cursor) => {
    const caller = await someone();
    for (const name of ["page[after]", "page[before]"]) {
      expect(await list(caller, queryOf({ [name]: cursor }))).toMatchObject(refusalOf(name));
    }
  });

  it("stands alone", async () => {
    const { caller, after, before } = await amidst();
    const cases: [string, string][] = [
      [queryOf({ "page[number]": 2, "page[after]": after }), "page[after]"],
      [queryOf({ "page[number]": 1, "page[before]": before }), "page[before]"],
      [queryOf({ "page[after]": after, "page[before]": before }), "page[before]"],
      [`page[after]=${after}&page[after]=${after}`, "page[after]"],
      [`page[after][]=${after}`, "page[after]"],
    ];
    for (const [query, parameter] of cases) expect(await list(caller, query)).toMatchObject(refusalOf(parameter));
  });
});
