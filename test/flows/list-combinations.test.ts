import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import type { FlowStatus } from "../../src/flows/model.ts";
import { admin, loner, newId, someone } from "../support/given.ts";
import { follow, idsOf, pageOf, sorts, type Sort } from "../support/pages.ts";
import { store, tenant, user, type Given, type StoredFlow } from "../support/rows.ts";

const BEGAN = Date.UTC(2026, 0, 1);
const SPAN = 20;

const [anna, bert, carl, dora] = [newId(), newId(), newId(), newId()];
const [one, two] = [newId(), newId()];
const components = ["webhook", newId(), newId().toUpperCase()];
const [secrets, templates] = [Array.from({ length: 3 }, newId), Array.from({ length: 2 }, newId)];
const words = ["Invoice", "invoices to SAP", "Straße", "ÜBER", "發票同步", 'say "in"', "sap"];
const statuses = ["inactive", "starting", "active", "stopping"] as const;

const owned = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom([user(anna), tenant(one)], [user(bert), tenant(two)]) },
  fc.constantFrom(
    [user(bert), tenant(one)],
    [user(anna)],
    [user(carl)],
    // Of somebody of tenant two and shared with one, by an admin; the other way round; and with a single user of it.
    [user(bert), tenant(two), tenant(one)],
    [user(anna), tenant(one), tenant(two)],
    [user(bert), tenant(two), user(anna)],
    [user(carl), user(anna), user(bert)],
    [{ id: anna, type: "admin" }, user(anna), user(one)],
    [tenant(newId()), tenant(one), user(anna), user(carl)],
    [user(dora), tenant(dora)],
    [tenant(newId())],
    [],
  ),
);
const node = fc.record({
  componentId: fc.constantFrom(undefined, ...components),
  credentials_id: fc.constantFrom(undefined, ...secrets),
});
const flow = fc.record({
  owners: owned,
  name: fc.constantFrom(undefined, "", ...words, `${"n".repeat(200)}1`, `${"n".repeat(200)}0`),
  description: fc.constantFrom(undefined, ...words),
  type: fc.constantFrom(undefined, "ordinary", "ordinary", "long_running"),
  fromTemplate: fc.constantFrom(undefined, undefined, ...templates),
  status: fc.constantFrom<FlowStatus[]>("inactive", "inactive", "active", ...statuses),
  createdAt: fc.integer({ min: BEGAN, max: BEGAN + SPAN }),
  updatedAt: fc.integer({ min: BEGAN, max: BEGAN + SPAN }),
  nodes: fc.array(node, { minLength: 1, maxLength: 3 }),
});

const moment = fc.integer({ min: BEGAN - 1, max: BEGAN + SPAN + 1 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const asked = fc.record({
  statuses: rarely(fc.uniqueArray(fc.constantFrom(...statuses), { minLength: 1 })),
  type: rarely(fc.constantFrom("ordinary", "long_running", "other")),
  fromTemplate: rarely(fc.constantFrom(...templates)),
  componentId: rarely(fc.constantFrom(...components, "web")),
  credentials_id: rarely(fc.constantFrom(...secrets)),
  user: rarely(fc.constantFrom(anna, bert, carl, dora, one, two, "nobody")),
  createdFrom: rarely(moment),
  createdTo: rarely(moment),
  updatedFrom: rarely(moment),
  updatedTo: rarely(moment),
  search: rarely(fc.constantFrom("in", "invoice", "SAP", "strasse", "ü", "票同", '"', "發票同", "zzz", "nn")),
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? { [key in keyof T]: T[key] } : never;

const within = (at: number, from: number | undefined, to: number | undefined) =>
  at >= (from ?? 0) && at < (to ?? Infinity);
const isOr = (value: unknown, wanted: unknown) => wanted === undefined || value === wanted;
const folded = (text: string | null | undefined) => (text ?? "").toLowerCase().toUpperCase();

/** The filters once more, in plain words. */
function matches({ document, status, createdAt, updatedAt }: StoredFlow, query: Asked): boolean {
  const uses = (key: "componentId" | "credentials_id") =>
    query[key] === undefined || document.graph.nodes.some((step) => step[key] === query[key]);
  const says = (term: string) => folded(document.name).includes(term) || folded(document.description).includes(term);
  return (
    (query.statuses?.includes(status) ?? true) &&
    isOr(document.type, query.type) &&
    isOr(document.fromTemplate, query.fromTemplate) &&
    uses("componentId") &&
    uses("credentials_id") &&
    (query.user === undefined || document.owners.some(({ id }) => id === query.user)) &&
    within(createdAt, query.createdFrom, query.createdTo) &&
    within(updatedAt, query.updatedFrom, query.updatedTo) &&
    says(folded(query.search))
  );
}

const keysOf: Record<string, (stored: StoredFlow) => number | string> = {
  createdAt: ({ createdAt }) => createdAt,
  updatedAt: ({ updatedAt }) => updatedAt,
  name: ({ document }) => (document.name ?? "").slice(0, 200),
};

/** Puts the flows, which come in the order in which they were stored, into the order that is asked for. */
function sortedBy(flows: readonly StoredFlow[], sort: Sort): StoredFlow[] {
  const keyOf = keysOf[sort.replace("-", "")]!;
  const byCreation = flows.toSorted((a, b) => a.createdAt - b.createdAt);
  const ascending = byCreation.toSorted((a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    if (x === y) return 0;
    return x < y ? -1 : 1;
  });
  return sort.startsWith("-") ? ascending.toReversed() : ascending;
}

const time = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());

function parametersOf(query: Asked) {
  return {
    "filter[status]": query.statuses?.join(","),
    "filter[type]": query.type,
    "filter[fromTemplate]": query.fromTemplate?.toUpperCase(),
    "filter[componentId]": query.componentId,
    "filter[credentials_id]": query.credentials_id,
    "filter[user]": query.user,
    "filter[createdFrom]": time(query.createdFrom),
    "filter[createdTo]": time(query.createdTo),
    "filter[updatedFrom]": time(query.updatedFrom),
    "filter[updatedTo]": time(query.updatedTo),
    search: query.search,
  };
}

async function callers() {
  return [
    await someone({ sub: anna, tenant: one }),
    await someone({ sub: bert, tenant: two }),
    await someone({ sub: carl, tenant: one }),
    await someone({ sub: dora, tenant: dora }),
    await someone({ sub: two, tenant: one }),
    await loner(),
    await admin(),
  ];
}

const isWithin = (reach: readonly string[] | undefined, { document }: StoredFlow): boolean =>
  reach === undefined || document.owners.some(({ id }) => reach.includes(id));

describe("a list of random flows", () => {
  let flows: readonly StoredFlow[] = [];
  beforeAll(async () => {
    // An admin sees the flows of every test.
    await env.DB.prepare("DELETE FROM flows").run();
    const given = fc.sample(flow, { numRuns: 100, seed: 7 }).map(({ nodes, ...traits }): Given => {
      const steps = nodes.map((step, n) => ({ id: `step_${n}`, function: undefined, ...step }));
      return { ...traits, graph: { nodes: steps, edges: [] } };
    });
    flows = await store(
      given.map((traits) => JSON.parse(JSON.stringify({ name: null, description: null, ...traits })) as Given),
    );
  });

  it("is what a plain filter of all flows shows, by any query, page, order and caller", async () => {
    const everybody = await callers();
    const shape = fc.record({
      query: asked,
      sort: fc.constantFrom(...sorts),
      size: fc.integer({ min: 1, max: 25 }),
      number: fc.integer({ min: 1, max: 3 }),
      caller: fc.constantFrom(...everybody),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ query, sort, size, number, caller }) => {
        const reach = caller.permissions.includes("all") ? undefined : [caller.sub, caller.tenant ?? caller.sub];
        const expected = sortedBy(
          flows.filter((stored) => isWithin(reach, stored) && matches(stored, query)),
          sort,
        ).map(({ id }) => id);
        const meta = { total: expected.length, perPage: size, totalPages: Math.ceil(expected.length / size) };
        const parameters = { ...parametersOf(query), sort, "page[size]": size, "page[number]": number };
        const page = await pageOf(caller, { ...parameters, fields: "name" });
        const shown = expected.slice((number - 1) * size, number * size);
        expect(idsOf(page)).toEqual(shown);
        expect(page.body.meta).toEqual({ ...meta, page: number });
        if (shown.length === 0) return;
        expect([page.body.links.next !== null, page.body.links.prev !== null]).toEqual([
          expected.length > number * size,
          number > 1,
        ]);
        for (const [link, at] of [["next", number * size] as const, ["prev", (number - 2) * size] as const]) {
          if (page.body.links[link] === null) continue;
          const beside = await follow(caller, page, link);
          expect(idsOf(beside)).toEqual(expected.slice(at, at + size));
          expect(beside.body.meta).toEqual(meta);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("has all flows of a caller, for each of one filter alone", async () => {
    const filters: Partial<Asked>[] = [
      {},
      ...statuses.map((status) => ({ statuses: [status] })),
      ...(["ordinary", "long_running"] as const).map((type) => ({ type })),
      ...templates.map((fromTemplate) => ({ fromTemplate })),
      { search: "in" },
      { search: "invoice" },
    ];
    for (const caller of await callers()) {
      const reach = caller.permissions.includes("all") ? undefined : [caller.sub, caller.tenant ?? caller.sub];
      for (const filter of filters) {
        const sort = sorts[filters.indexOf(filter) % sorts.length]!;
        const visible = flows.filter((stored) => isWithin(reach, stored) && matches(stored, filter as Asked));
        const page = await pageOf(caller, { ...parametersOf(filter as Asked), sort, "page[size]": 200, fields: "id" });
        expect(idsOf(page)).toEqual(sortedBy(visible, sort).map(({ id }) => id));
        expect(page.body.meta.total).toBe(visible.length);
      }
    }
  });
});
