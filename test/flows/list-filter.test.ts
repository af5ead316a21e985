import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { admin, flowOf, newId, someone } from "../support/given.ts";

const list = (caller: Caller, query = ""): Promise<Answer> => caller.call("getFlows", { query });
const ascending = (a: string, b: string): number => (a < b ? -1 : 1);
const idsOf = (answer: Answer): string[] => (answer.body.data as { id: string }[]).map((flow) => flow.id);
const sorted = (...ids: string[]): string[] => ids.toSorted(ascending);

const refusalOf = (parameter: string) => ({
  status: 400,
  body: {
    errors: [{ message: `Invalid ${parameter} parameter`, code: 400, error: "INVALID_PARAMETER", parameter }],
  },
});

describe("filter[status]", () => {
  const statuses = ["inactive", "starting", "active", "stopping"] as const;

  it.each([
    ["inactive", "inactive"],
    ["starting", "starting"],
    ["active", "active"],
    ["stopping", "stopping"],
    ["0", "inactive"],
    ["1", "active"],
  ])("of %s shows what is %s", async (asked, shown) => {
    const caller = await someone();
    for (const status of statuses) await flowOf(caller, { name: status }, { status });
    const { body } = await list(caller, `filter[status]=${asked}`);
    expect(body.data).toHaveLength(1);
    expect(body.data[0]).toMatchObject({ status: shown, name: shown });
    expect(body.meta.total).toBe(1);
  });

  it.each<[string, (typeof statuses)[number][]]>([
    ["active,inactive", ["inactive", "active"]],
    ["inactive,active", ["inactive", "active"]],
    ["starting, stopping", ["starting", "stopping"]],
    ["1,0", ["inactive", "active"]],
    ["active,1,active", ["active"]],
    ["0,starting,stopping", ["inactive", "starting", "stopping"]],
    ["inactive,starting,active,stopping", [...statuses]],
  ])("of %j shows what is one of these", async (asked, shown) => {
    const caller = await someone();
    for (const status of statuses.toReversed()) await flowOf(caller, {}, { status });
    const { status, body } = await list(caller, `filter[status]=${encodeURIComponent(asked)}`);
    expect(status).toBe(200);
    expect((body.data as { status: string }[]).map((flow) => flow.status)).toEqual(shown.toReversed());
    expect(body.meta.total).toBe(shown.length);
  });

  it.each([
    "",
    "2",
    "Active",
    "running",
    "failed",
    "toString",
    "null",
    ",",
    "active,",
    ",active",
    "active,,inactive",
    "active,running",
    "active;inactive",
    "active&filter[status]=active",
  ])("refuses %j", async (value) => {
    const answer = await list(await someone(), `filter[status]=${value}`);
    expect(answer).toMatchObject(refusalOf("filter[status]"));
  });
});

describe("filter[type]", () => {
  it.each(["", "ordinary", "long_running", "long-running", "flow", "toString", "__proto__", "a b&c=d", "größer", "%"])(
    "takes %j and shows exactly these",
    async (type) => {
      const caller = await someone();
      const id = await flowOf(caller, { type });
      await flowOf(caller, { type: `${type}x` });
      await flowOf(caller, { type: `x${type}`.toUpperCase() });
      await flowOf(caller);
      const answer = await list(caller, `filter[type]=${encodeURIComponent(type)}`);
      expect(answer.status).toBe(200);
      expect(idsOf(answer)).toEqual([id]);
      expect(answer.body.meta.total).toBe(1);
    },
  );

  it("shows nothing for a type that no flow has", async () => {
    const caller = await someone();
    await flowOf(caller, { type: "ordinary" });
    expect((await list(caller, "filter[type]=ORDINARY")).body.meta.total).toBe(0);
  });
});

describe("filter[fromTemplate]", () => {
  it.each([
    ["hex", (id: string) => id],
    ["capital hex", (id: string) => id.toUpperCase()],
  ])("by %s shows what was made from the template", async (_, written) => {
    const caller = await someone();
    const fromTemplate = newId();
    const id = await flowOf(caller, { fromTemplate });
    await flowOf(caller, { fromTemplate: newId() });
    await flowOf(caller);
    expect(idsOf(await list(caller, `filter[fromTemplate]=${written(fromTemplate)}`))).toEqual([id]);
  });

  it("takes 12 characters for the same template as their hex", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { fromTemplate: "abcdefghijkl" });
    for (const written of ["abcdefghijkl", "6162636465666768696a6b6c"]) {
      expect(idsOf(await list(caller, `filter[fromTemplate]=${written}`))).toEqual([id]);
    }
  });

  it("shows only one's own of those made from a template", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    const fromTemplate = newId();
    const id = await flowOf(caller, { fromTemplate });
    await flowOf(stranger, { fromTemplate });
    expect(idsOf(await list(caller, `filter[fromTemplate]=${fromTemplate}`))).toEqual([id]);
  });

  it.each(["", "abc", "6b0259e4ef2fe4ca09ca001", "%C3%BCberraschung", "null"])("refuses %j", async (value) => {
    const answer = await list(await someone(), `filter[fromTemplate]=${value}`);
    expect(answer).toMatchObject(refusalOf("filter[fromTemplate]"));
  });
});

describe("filter[user]", () => {
  it("never shows the flows of others", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    await flowOf(caller);
    await flowOf(stranger);
    for (const owner of [stranger.sub, stranger.tenant, newId(), "", "*", "%"]) {
      const { status, body } = await list(caller, `filter[user]=${owner}`);
      expect(status).toBe(200);
      expect(body.data).toEqual([]);
      expect(body.meta).toMatchObject({ total: 0, totalPages: 0 });
    }
  });

  it("narrows the flows of one's tenant to those of a colleague", async () => {
    const caller = await someone();
    const colleague = await someone({ tenant: caller.tenant! });
    const [mine, theirs] = [await flowOf(caller), await flowOf(colleague)];
    await flowOf(await admin(), { owners: [{ id: colleague.sub, type: "user" }] });
    expect(idsOf(await list(caller, `filter[user]=${caller.sub}`))).toEqual([mine]);
    expect(idsOf(await list(caller, `filter[user]=${colleague.sub}`))).toEqual([theirs]);
    expect(sorted(...idsOf(await list(caller, `filter[user]=${caller.tenant}`)))).toEqual(sorted(mine, theirs));
  });

  it("shows a shared flow, and no more, to somebody of another tenant who owns it too", async () => {
    const [caller, other] = [await someone(), await someone()];
    await flowOf(other);
    const owners = [caller, other].map(({ sub }) => ({ id: sub, type: "user" }));
    const shared = await flowOf(await admin(), { owners });
    expect(idsOf(await list(caller, `filter[user]=${other.sub}`))).toEqual([shared]);
  });

  it("is free for an admin", async () => {
    const owner = await someone();
    const ids = [await flowOf(owner), await flowOf(owner)];
    await flowOf(await someone());
    for (const id of [owner.sub, owner.tenant]) {
      const answer = await list(await admin(), `filter[user]=${id}`);
      expect(sorted(...idsOf(answer))).toEqual(sorted(...ids));
      expect(answer.body.meta.total).toBe(2);
    }
  });
});

describe("several filters", () => {
  it("hold all at once", async () => {
    const caller = await someone();
    const fromTemplate = newId();
    const id = await flowOf(caller, { type: "ordinary", fromTemplate, name: "Invoices" }, { status: "active" });
    await flowOf(caller, { type: "ordinary", fromTemplate, name: "Invoices" });
    await flowOf(caller, { type: "flow", fromTemplate, name: "Invoices" }, { status: "active" });
    await flowOf(caller, { type: "ordinary", name: "Invoices" }, { status: "active" });
    await flowOf(caller, { type: "ordinary", fromTemplate, name: "Orders" }, { status: "active" });
    const query = `filter[status]=1&filter[type]=ordinary&filter[fromTemplate]=${fromTemplate}&filter[user]=${caller.sub}&search=invoice`;
    expect(idsOf(await list(caller, query))).toEqual([id]);
  });
});

describe("a parameter that carries more than a plain value", () => {
  const forms = [
    ["filter[user][$ne]=x", "filter[user]"],
    ["filter[user][$regex]=.", "filter[user]"],
    ["filter[user][$exists]=true", "filter[user]"],
    ["filter[user][]=x", "filter[user]"],
    ["filter[user][0]=x", "filter[user]"],
    ["filter%5Buser%5D%5B%24ne%5D=x", "filter[user]"],
    ["filter[status][$ne]=x", "filter[status]"],
    ["filter[type][$ne]=x", "filter[type]"],
    ["filter[fromTemplate][$ne]=x", "filter[fromTemplate]"],
    ["search[x]=y", "search"],
    ["search[$regex]=.", "search"],
    ["sort[name]=1", "sort"],
    ["page[size][$gt]=1", "page[size]"],
    ["page[number][]=1", "page[number]"],
    ["sort=name&sort=-name", "sort"],
    ["search=a&search=b", "search"],
    ["filter[user]=a&filter[user]=b", "filter[user]"],
    ["filter[type]=a&filter[type]=b", "filter[type]"],
    ["filter[status]=1&filter[status]=0", "filter[status]"],
    ["filter[fromTemplate]=abcdefghijkl&filter[fromTemplate]=abcdefghijkl", "filter[fromTemplate]"],
    ["filter[user]=a&filter[user][$ne]=b", "filter[user]"],
    ["search=&search[$ne]=b", "search"],
  ] as const;

  it.each(forms)("is refused and named: %s", async (query, parameter) => {
    expect(await list(await someone(), query)).toMatchObject(refusalOf(parameter));
  });

  it.each(forms)("never opens the flows of others: %s", async (query) => {
    const [caller, stranger] = [await someone(), await someone()];
    const own = await flowOf(caller);
    const foreign = await flowOf(stranger);
    const { body } = await list(caller, query);
    const shown = ((body.data ?? []) as { id: string }[]).map((flow) => flow.id);
    expect(shown).not.toContain(foreign);
    expect(shown.filter((id) => id !== own)).toEqual([]);
    expect(body.meta?.total ?? 0).toBeLessThanOrEqual(1);
  });
});
