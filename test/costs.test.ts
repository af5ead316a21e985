import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import { takeReport } from "../src/lifecycle/report.ts";
import type { Answer, Call, Caller } from "./support/api.ts";
import { rebind } from "./support/faults.ts";
import { admin, exampleFlow, rowOf, settle, someone } from "./support/given.ts";
import { COMMON, componentId, RARE, settleLandscape, templateId, tenantId, userId } from "./support/landscape.ts";
import { idsOf, queryIn, sorts } from "./support/pages.ts";
import { queryOf } from "./support/rows.ts";
import { report } from "./support/queues.ts";

const PAGE = 80;
/** By name or change the flows of a type or template are picked out from others, or found and sorted. */
const PICKED = 150;
const counters = { SERVER_TIMING: "true" };
const form = /^d1;desc="rows_read=(\d+) rows_written=(\d+) trips=(\d+)"$/;

interface Cost {
  readonly read: number;
  readonly written: number;
  readonly trips: number;
}

function costOf({ headers }: Answer): Cost {
  const [, read, written, trips] = form.exec(headers.get("server-timing") ?? "") ?? [];
  expect(trips).toBeDefined();
  return { read: Number(read), written: Number(written), trips: Number(trips) };
}

/** A call that must succeed, and what it cost. */
async function paid(caller: Caller, operationId: string, request: Call = {}) {
  const answer = await caller.call(operationId, { ...request, env: counters });
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return { ...answer, cost: costOf(answer) };
}
const listed = (caller: Caller, parameters: Parameters<typeof queryOf>[0] | string) =>
  paid(caller, "getFlows", { query: typeof parameters === "string" ? parameters : queryOf(parameters) });

const member = (tenant: number) => someone({ sub: userId(tenant, 3), tenant: tenantId(tenant) });
const tenants = [
  ["a small tenant", 7],
  ["the big tenant", 0],
] as const;

beforeAll(settleLandscape);

describe.each(tenants)("for a member of %s", (_, tenant) => {
  const filters = [
    ["filter[status]", undefined],
    ...["inactive", "active", "starting", "stopping"].map((status) => ["filter[status]", status] as const),
    ...["ordinary", "long_running", "unknown"].map((type) => ["filter[type]", type] as const),
    ...[templateId(tenant, 0), templateId(tenant, 5)].map((id) => ["filter[fromTemplate]", id] as const),
  ] as const;
  const cells = sorts.flatMap((sort) =>
    filters.map(([name, value]) => {
      const ordered = name === "filter[status]" || sort.endsWith("createdAt");
      return [sort, name, value, ordered ? PAGE : PICKED] as const;
    }),
  );

  it.each(cells)("by %s with %s=%s a page costs about its own length", async (sort, name, value, most) => {
    const caller = await member(tenant);
    const asked = { sort, [name]: value };
    const first = await listed(caller, asked);
    expect(first.cost).toMatchObject({ written: 0, trips: 1 });
    expect(first.cost.read).toBeLessThanOrEqual(most);
    const { total } = first.body.meta as { total: number };
    // Behind page 150 of the big tenant: 1,500 flows.
    const number = Math.max(1, Math.min(150, Math.floor(total / 11)));
    const deep = await listed(caller, { ...asked, "page[number]": number, fields: "id" });
    const links = [deep.body.links.next, deep.body.links.prev].filter((link) => link !== null);
    for (const link of links) {
      const beside = await listed(caller, queryIn(link));
      expect(beside.cost).toMatchObject({ written: 0, trips: 1 });
      expect(beside.cost.read).toBeLessThanOrEqual(most);
    }
  });

  it("a flow costs the same wherever it is", async () => {
    const caller = await member(tenant);
    const page = await listed(caller, { sort: "-name", "page[size]": 5 });
    for (const id of idsOf(page)) {
      const { cost } = await paid(caller, "getFlowById", { params: { id } });
      expect(cost).toMatchObject({ written: 0, trips: 1 });
      expect(cost.read).toBeLessThanOrEqual(4);
    }
  });

  it.each(sorts)("a rare term by %s costs what it finds", async (sort) => {
    const caller = await member(tenant);
    const { cost, body } = await listed(caller, { sort, search: RARE });
    expect(body.meta.total).toBe(tenant === 0 ? 2 : 0);
    expect(cost.trips).toBe(1);
    expect(cost.read).toBeLessThanOrEqual(1000 + 200 * body.meta.total);
  });
});

it.each(sorts.flatMap((sort) => ["", "inactive"].map((status) => [sort, status || undefined] as const)))(
  "a far page by its number, by %s with status %s, goes through all flows before it",
  async (sort, status) => {
    const asked = { sort, "filter[status]": status, "page[number]": 150 };
    const { cost } = await listed(await member(0), asked);
    expect(cost.trips).toBe(1);
    expect(cost.read).toBeLessThanOrEqual(2.5 * 1490);
  },
);

describe("searching", () => {
  it.each(sorts.flatMap((sort) => [COMMON, COMMON.slice(0, 2), "zzz", "zz"].map((term) => [sort, term] as const)))(
    "a small tenant by %s for %s goes through its flows at most",
    async (sort, term) => {
      const caller = await member(7);
      const all = (await listed(caller, "")).body.meta.total as number;
      const { cost } = await listed(caller, { sort, search: term });
      expect(cost.trips).toBe(1);
      expect(cost.read).toBeLessThanOrEqual(2.5 * all);
    },
  );

  it.each(sorts)("everything by %s for a rare term costs what it finds", async (sort) => {
    const { cost, body } = await listed(await admin(), { sort, search: RARE });
    expect(body.meta.total).toBe(12);
    expect(cost.trips).toBe(1);
    expect(cost.read).toBeLessThanOrEqual(1000 + 200 * 12);
  });
});

describe("for an admin", () => {
  it.each(sorts)("a page by %s costs about its own length", async (sort) => {
    const caller = await admin();
    const first = await listed(caller, { sort });
    const deep = await listed(caller, { sort, "page[number]": 150, fields: "id" });
    const behind = await listed(caller, queryIn(deep.body.links.next));
    for (const { cost } of [first, behind]) {
      expect(cost.read).toBeLessThanOrEqual(PAGE);
      expect(cost.trips).toBe(1);
    }
  });
});

const newFlow = () => ({
  ...exampleFlow(),
  type: "ordinary",
  fromTemplate: templateId(0, 3),
  graph: {
    nodes: [1, 2].map((step) => ({ id: `step_${step}`, componentId: componentId(step) })),
    edges: [{ source: "step_1", target: "step_2" }],
  },
});

describe("writing", () => {
  it.each(tenants)("in %s costs the same however many flows there are", async (_, tenant) => {
    const caller = await member(tenant);
    const added = await paid(caller, "addFlow", { body: newFlow() });
    expect(added.cost.read).toBeLessThanOrEqual(10);
    expect(added.cost.written).toBeLessThanOrEqual(16);
    expect(added.cost.trips).toBe(1);

    const { id } = added.body.data as { id: string };
    await settle(id);
    const body = { name: "Another", type: "long_running" };
    const edited = await paid(caller, "updateFlow", { params: { id }, body });
    expect(edited.cost.read).toBeLessThanOrEqual(20);
    expect(edited.cost.trips).toBe(2);

    await settle(id);
    await rebind(id, counters);
    const objects = env.FLOW_OBJECT;
    const move = async (status: string, does: () => Promise<Cost | undefined>, most = 8) => {
      const cost = await does();
      expect((await rowOf(id))?.status).toBe(status);
      await settle(id);
      expect(cost?.read).toBeLessThanOrEqual(20);
      expect(cost?.written).toBeLessThanOrEqual(most);
      expect(cost?.trips).toBe(2);
    };
    const asked = (operationId: string) => async () => (await paid(caller, operationId, { params: { id } })).cost;
    const told =
      (name: "started" | "stopped", more: { startId?: string } = {}) =>
      async () =>
        (await takeReport(objects, name, report(`flow.${name}`, id, more))).usage;
    await move("starting", asked("startFlow"));
    const { start_id: startId } = (await rowOf(id)) as { start_id: string };
    await move("active", told("started", { startId }));
    await move("stopping", asked("stopFlow"));
    // One that does not say which start it is about is remembered, so that it counts once: a row and its place by time.
    await move("inactive", told("stopped"), 10);
  });
});
