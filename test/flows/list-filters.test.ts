import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { exampleFlow, flowOf, newId, someone } from "../support/given.ts";
import { idsOf, list, pageOf, sorts } from "../support/pages.ts";
import { queryOf, store, tenant, user } from "../support/rows.ts";

const ascending = (a: string, b: string): number => (a < b ? -1 : 1);
const refusalOf = (parameter: string) => ({
  status: 400,
  body: { errors: [{ message: `Invalid ${parameter} parameter`, error: "INVALID_PARAMETER", parameter }] },
});

/** The names of the flows that a query finds, in every order the same; the total must agree. */
async function namesBy(caller: Caller, query: Record<string, string>): Promise<string[]> {
  const found: string[][] = [];
  for (const sort of sorts) {
    const { body } = await pageOf(caller, { ...query, sort, fields: "name" });
    const names = (body.data as { name: string }[]).map((flow) => flow.name).toSorted(ascending);
    expect(body.meta.total).toBe(names.length);
    found.push(names);
  }
  expect(new Set(found.map((names) => names.join())).size).toBe(1);
  return found[0]!;
}

describe("filter[status] of several", () => {
  it.each([
    ["inactive,active", "active inactive"],
    ["starting,stopping", "starting stopping"],
    ["1,0", "active inactive"],
    ["1,starting", "active starting"],
    ["active,1,active", "active"],
    [" active , inactive ", "active inactive"],
    ["stopping,starting,active,inactive", "active inactive starting stopping"],
  ])("%j shows %s", async (asked, shown) => {
    const caller = await someone();
    const statuses = ["inactive", "starting", "active", "stopping"] as const;
    await store(statuses.map((status) => ({ owners: [user(caller.sub)], name: status, status })));
    expect((await namesBy(caller, { "filter[status]": asked })).join(" ")).toBe(shown);
  });

  it.each(["active,", ",", "active,,inactive", "active;inactive", "active,2", "ACTIVE,inactive", "active inactive"])(
    "refuses %j",
    async (value) => {
      const answer = await list(await someone(), queryOf({ "filter[status]": value }));
      expect(answer).toMatchObject(refusalOf("filter[status]"));
    },
  );
});

const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

describe.each(["created", "updated"] as const)("filter[%sFrom] and filter[%sTo]", (what) => {
  const times = { a: at("10:00:00"), b: at("10:00:00.001"), c: at("10:00:01"), d: at("12:00:00") };

  async function timed(): Promise<Caller> {
    const caller = await someone();
    const other = Date.UTC(2020, 0, 1);
    const flows = Object.entries(times).map(([name, time]) => ({
      name,
      owners: [tenant(caller.tenant!)],
      createdAt: what === "created" ? time : other,
      updatedAt: what === "created" ? time + 1e9 : time,
    }));
    await store(flows);
    return caller;
  }

  it.each([
    ["10:00:00Z", undefined, "abcd"],
    [undefined, "10:00:00Z", ""],
    [undefined, "10:00:00.001Z", "a"],
    ["10:00:00.001Z", undefined, "bcd"],
    ["10:00:00.001Z", "10:00:01Z", "b"],
    ["10:00:01Z", "10:00:01Z", ""],
    ["12:00:00Z", "10:00:00Z", ""],
    ["12:00:00.001Z", undefined, ""],
    [undefined, "12:00:00.001Z", "abcd"],
    ["11:00:00+01:00", "10:00:00.500Z", "ab"],
    ["02:00:00-08:00", "18:00:00+06:00", "abc"],
    ["15:30:00.001+05:30", undefined, "bcd"],
    ["10:00:00.0Z", "10:00:00.001000Z", "a"],
  ])("from %s to %s shows %j", async (from, to, shown) => {
    const asked = {
      ...(from === undefined ? {} : { [`filter[${what}From]`]: `2026-03-01T${from}` }),
      ...(to === undefined ? {} : { [`filter[${what}To]`]: `2026-03-01T${to}` }),
    };
    expect((await namesBy(await timed(), asked)).join("")).toBe(shown);
  });

  it("counts parts of a millisecond", async () => {
    const caller = await timed();
    expect(await namesBy(caller, { [`filter[${what}From]`]: "2026-03-01T10:00:00.0005Z" })).toEqual(["b", "c", "d"]);
    expect(await namesBy(caller, { [`filter[${what}To]`]: "2026-03-01T10:00:00.0005Z" })).toEqual(["a"]);
  });

  it("reaches from the first year to the last", async () => {
    const caller = await timed();
    const asked = { [`filter[${what}From]`]: "0000-01-01T00:00:00Z", [`filter[${what}To]`]: "9999-12-31T23:59:59Z" };
    expect(await namesBy(caller, asked)).toHaveLength(4);
  });

  it.each([
    "",
    "now",
    "1772359200000",
    "2026-03-01",
    "2026-03-01T10:00:00",
    "2026-03-01 10:00:00Z",
    "2026-02-29T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-03-01T25:00:00Z",
    "2026-03-01T10:00:00+0100",
    "2026-03-01T10:00:00+25:00",
    "Sun, 01 Mar 2026 10:00:00 GMT",
  ])("refuses %j", async (value) => {
    const caller = await someone();
    for (const name of [`filter[${what}From]`, `filter[${what}To]`]) {
      expect(await list(caller, queryOf({ [name]: value }))).toMatchObject(refusalOf(name));
    }
  });

  it("refuses a + that was sent as a space", async () => {
    const answer = await list(await someone(), `filter[${what}From]=2026-03-01T10:00:00+01:00`);
    expect(answer).toMatchObject(refusalOf(`filter[${what}From]`));
  });
});

const nodesOf = (...nodes: object[]) => ({
  graph: {
    nodes: nodes.map((node, n) => ({ id: `step_${n}`, ...node })),
    edges: nodes.slice(1).map((_, n) => ({ source: `step_${n}`, target: `step_${n + 1}` })),
  },
});

describe.each(["componentId", "credentials_id"] as const)("filter[%s]", (key) => {
  it("finds the flow whichever of its nodes uses it", async () => {
    const caller = await someone();
    const [one, other, unused] = [newId(), newId(), newId()];
    await flowOf(caller, { name: "first", ...nodesOf({ [key]: one }, { [key]: other }, {}) });
    await flowOf(caller, { name: "last", ...nodesOf({}, { [key]: null }, { [key]: one }) });
    await flowOf(caller, { name: "twice", ...nodesOf({ [key]: one }, { [key]: one }) });
    await flowOf(caller, { name: "other", ...nodesOf({ [key]: other }) });
    await flowOf(caller, { name: "none", description: one });
    await flowOf(await someone(), nodesOf({ [key]: one }));
    const filter = `filter[${key}]`;
    expect(await namesBy(caller, { [filter]: one })).toEqual(["first", "last", "twice"]);
    expect(await namesBy(caller, { [filter]: other })).toEqual(["first", "other"]);
    for (const value of [
      "",
      unused,
      one.slice(1),
      one.slice(0, 23),
      `${one}0`,
      one.slice(4, 16),
      "a",
      " ",
      `${one} `,
    ]) {
      expect(await namesBy(caller, { [filter]: value })).toEqual([]);
    }
    // What another key holds is nothing to it.
    const others = key === "componentId" ? "credentials_id" : "componentId";
    expect(await namesBy(caller, { [`filter[${others}]`]: one })).toEqual([]);
    expect(await namesBy(caller, { search: other })).toEqual([]);
  });

  it("finds an id that was sent in capitals by the same text", async () => {
    const caller = await someone();
    const id = newId().toUpperCase();
    await flowOf(caller, { name: "A", ...nodesOf({ [key]: id }) });
    expect(await namesBy(caller, { [`filter[${key}]`]: id })).toEqual(["A"]);
  });

  it("finds an id of a strictly checked flow in capitals and without", async () => {
    const caller = await someone();
    const id = newId();
    const body = { ...exampleFlow(), ...nodesOf({ componentId: newId(), function: "f", [key]: id.toUpperCase() }) };
    const strict = await caller.call("addFlow", { body, env: { FLOW_VALIDATION: "strict" } });
    expect(strict.status).toBe(201);
    for (const asked of [id, id.toUpperCase()]) {
      expect(await namesBy(caller, { [`filter[${key}]`]: asked })).toHaveLength(1);
    }
  });

  it("forgets what an edit took away and knows what it brought", async () => {
    const caller = await someone();
    const [one, other] = [newId(), newId()];
    const id = await flowOf(caller, { name: "it", ...nodesOf({ [key]: one }) });
    const edited = await caller.call("updateFlow", { params: { id }, body: nodesOf({ [key]: other }) });
    expect(edited.status).toBe(200);
    expect(await namesBy(caller, { [`filter[${key}]`]: one })).toEqual([]);
    expect(await namesBy(caller, { [`filter[${key}]`]: other })).toEqual(["it"]);
    await caller.call("deleteFlow", { params: { id } });
    expect(await namesBy(caller, { [`filter[${key}]`]: other })).toEqual([]);
  });

  it("refuses more than 200 characters", async () => {
    const answer = await list(await someone(), queryOf({ [`filter[${key}]`]: "x".repeat(201) }));
    expect(answer).toMatchObject(refusalOf(`filter[${key}]`));
  });
});

describe("filter[componentId] by name", () => {
  it.each(["webhook", "größer", "a b", "ab", "x", '"', "a,b", "%", "a\u001fb", "😀", "w".repeat(63)])(
    "finds %j and nothing like it",
    async (componentId) => {
      const caller = await someone();
      await flowOf(caller, { name: "it", ...nodesOf({ componentId }) });
      await flowOf(caller, { name: componentId, ...nodesOf({ componentId: `${componentId.slice(0, 61)}-x` }) });
      await flowOf(caller, {
        name: "turned",
        ...nodesOf({ componentId: Array.from(`${componentId}!`).toReversed().join("") }),
      });
      expect(await namesBy(caller, { "filter[componentId]": componentId })).toEqual(["it"]);
    },
  );
});

it("filter[componentId] tells capitals from small letters", async () => {
  const caller = await someone();
  await flowOf(caller, nodesOf({ componentId: "webhook" }));
  expect(await namesBy(caller, { "filter[componentId]": "WebHook" })).toEqual([]);
});

describe("a filter by nothing", () => {
  it.each(["type", "componentId", "credentials_id", "user"])("filter[%s]= shows as many as it counts", async (name) => {
    const caller = await someone();
    await flowOf(caller, { type: "", ...nodesOf({ componentId: "" }) });
    await flowOf(caller);
    for (const sort of sorts) {
      const answer = await pageOf(caller, { [`filter[${name}]`]: "", sort });
      expect(answer.body.meta.total).toBe(idsOf(answer).length);
    }
  });
});
