import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { exampleFlow, flowOf, someone } from "../support/given.ts";
import { follow, idsOf, pageOf, sorts, walk, type Sort } from "../support/pages.ts";
import { store, tenant, user } from "../support/rows.ts";

const BEGAN = Date.UTC(2026, 0, 1);

/** Flows called a, b, c and so on, stored and changed in this order. */
async function lettered(count: number) {
  const caller = await someone();
  const owners = [user(caller.sub), tenant(caller.tenant!)];
  const flows = await store(
    Array.from({ length: count }, (_, n) => ({
      name: String.fromCodePoint(97 + n),
      owners,
      createdAt: BEGAN + n,
      updatedAt: BEGAN + 100 + n,
    })),
  );
  return { caller, ids: flows.map((flow) => flow.id) };
}

const remove = async (caller: Caller, id: string) =>
  expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
const rename = async (caller: Caller, id: string, name: string) =>
  expect((await caller.call("updateFlow", { params: { id }, body: { name } })).status).toBe(200);
const start = async (caller: Caller, id: string) =>
  expect((await caller.call("startFlow", { params: { id } })).status).toBe(200);

const ascending = sorts.filter((sort) => !sort.startsWith("-"));

describe("between two pages", () => {
  it.each(sorts)("by %s the flows around the cursor may be deleted", async (sort) => {
    const { caller, ids } = await lettered(12);
    const expected = sort.startsWith("-") ? ids.toReversed() : ids;
    const first = await pageOf(caller, `sort=${sort}&page[size]=4`);
    // The last of the page, on which the cursor stands, the one before it and the next.
    for (const gone of expected.slice(2, 5)) await remove(caller, gone);
    const second = await follow(caller, first, "next");
    expect(idsOf(second)).toEqual(expected.slice(5, 9));
    expect(second.body.meta.total).toBe(9);
    // Now the first of this page, on which the way back begins.
    await remove(caller, expected[5]!);
    const back = await follow(caller, second, "prev");
    expect(idsOf(back)).toEqual(expected.slice(0, 2));
    expect(back.body.links.prev).toBeNull();
    expect(idsOf(await follow(caller, back, "next"))).toEqual(expected.slice(6, 10));
  });

  it.each(sorts)("by %s a flow on which the cursor stands may move away", async (sort) => {
    const { caller, ids } = await lettered(9);
    const expected = sort.startsWith("-") ? ids.toReversed() : ids;
    const first = await pageOf(caller, `sort=${sort}&page[size]=3`);
    await rename(caller, expected[2]!, "zz");
    await start(caller, expected[2]!);
    const rest = await walk(caller, await follow(caller, first, "next"), "next");
    const moved = (["name", "updatedAt"] as Sort[]).includes(sort) ? [expected[2]!] : [];
    expect(rest.flatMap(idsOf)).toEqual([...expected.slice(3), ...moved]);
  });

  it.each(ascending)(
    "by %s flows that come before the cursor shift nothing, and those behind it are shown",
    async (sort) => {
      const { caller, ids } = await lettered(6);
      const first = await pageOf(caller, `sort=${sort}&page[size]=3`);
      const owners = [tenant(caller.tenant!)];
      const before = { name: "A", owners, createdAt: BEGAN - 1, updatedAt: BEGAN - 1 };
      const behind = { name: "z", owners, createdAt: BEGAN + 500, updatedAt: BEGAN + 500 };
      const [, late] = await store([before, behind]);
      const second = await follow(caller, first, "next");
      expect(idsOf(second)).toEqual(ids.slice(3));
      expect(idsOf(await follow(caller, second, "next"))).toEqual([late!.id]);
      expect(idsOf(await follow(caller, second, "prev"))).toEqual(ids.slice(0, 3));
    },
  );

  it("all that was behind the cursor may go: the page is empty", async () => {
    const { caller, ids } = await lettered(4);
    const first = await pageOf(caller, "page[size]=2");
    for (const id of ids.slice(2)) await remove(caller, id);
    const { body } = await follow(caller, first, "next");
    expect(body.data).toEqual([]);
    expect(body.meta).toEqual({ total: 2, perPage: 2, totalPages: 1 });
    expect(body.links.next).toBeNull();
  });

  it("a flow may leave what the filter shows, and the cursor holds", async () => {
    const { caller, ids } = await lettered(6);
    const first = await pageOf(caller, "filter[status]=inactive&sort=name&page[size]=2");
    await start(caller, ids[1]!);
    await start(caller, ids[3]!);
    const rest = await walk(caller, await follow(caller, first, "next"), "next");
    expect(rest.flatMap(idsOf)).toEqual([ids[2], ids[4], ids[5]]);
  });
});

type Change = { readonly kind: "add" | "remove" | "rename" | "start"; readonly at: number; readonly name: string };

/** Sorts by which a change moves a flow. */
const moves = {
  rename: ["name", "-name", "updatedAt", "-updatedAt"],
  start: ["updatedAt", "-updatedAt"],
} as const satisfies Record<string, readonly Sort[]>;

it("a flow that keeps its place is shown once, whatever happens to others and to itself", async () => {
  const change = fc.record({
    kind: fc.constantFrom("add", "remove", "rename", "start"),
    at: fc.nat(11),
    name: fc.constantFrom("0", "b", "e5", "g", "zz"),
  });
  const shape = fc.record({
    sort: fc.constantFrom(...sorts),
    size: fc.integer({ min: 1, max: 4 }),
    back: fc.boolean(),
    changes: fc.array(fc.array(change, { maxLength: 2 }), { maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ sort, size, back, changes }) => {
      const { caller, ids } = await lettered(12);
      const [restless, gone, busy] = [new Set<string>(), new Set<string>(), new Set<string>()];
      const apply = async ({ kind, at, name }: Change) => {
        const id = ids[at]!;
        if (kind === "add") await flowOf(caller, { ...exampleFlow(), name });
        if (kind === "add" || gone.has(id) || busy.has(id)) return;
        if (kind === "remove") await remove(caller, id);
        if (kind === "rename") await rename(caller, id, name);
        if (kind === "start") await start(caller, id);
        if (kind === "remove") gone.add(id);
        else if ((moves[kind] as readonly Sort[]).includes(sort)) restless.add(id);
        if (kind === "start") busy.add(id);
      };
      let page = await pageOf(caller, `sort=${sort}&page[size]=${size}&fields=id`);
      if (back) page = (await walk(caller, page, "next")).at(-1)!;
      const shown = [page];
      for (const link = back ? "prev" : "next"; page.body.links[link] !== null; shown.push(page)) {
        for (const one of changes.shift() ?? []) await apply(one);
        page = await follow(caller, page, link);
      }
      const seen = shown.map(idsOf).flatMap((one) => (back ? one.toReversed() : one));
      const calm = ids.filter((id) => !restless.has(id));
      const kept = new Set(calm.filter((id) => !gone.has(id)));
      const forth = sort.startsWith("-") === back;
      expect(seen.filter((id) => kept.has(id))).toEqual(forth ? [...kept] : [...kept].toReversed());
      // Those that were deleted may have been seen before.
      const often = calm.filter((id) => seen.filter((other) => other === id).length > 1);
      expect(often).toEqual([]);
    }),
    { numRuns: 15 },
  );
});
