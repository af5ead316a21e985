import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { admin, exampleFlow, flowOf, loner, setTimes, someone } from "../support/given.ts";

const list = (caller: Caller, query = ""): Promise<Answer> => caller.call("getFlows", { query });
const idsOf = (answer: Answer): string[] => (answer.body.data as { id: string }[]).map((flow) => flow.id);
const ascending = (a: string, b: string): number => (a < b ? -1 : 1);

async function flowsOf(caller: Caller, changes: readonly Record<string, unknown>[]): Promise<string[]> {
  const { body } = await caller.call("addFlow", { body: changes.map((changed) => ({ ...exampleFlow(), ...changed })) });
  return (body.data as { id: string }[]).map((flow) => flow.id);
}

const manyOf = (caller: Caller, count: number) =>
  flowsOf(
    caller,
    Array.from({ length: count }, () => ({})),
  );

describe("the list of flows", () => {
  it("is empty for somebody who has none", async () => {
    const { status, body } = await list(await someone());
    expect(status).toBe(200);
    expect(body).toEqual({
      data: [],
      meta: { total: 0, page: 1, perPage: 10, totalPages: 0 },
      links: { next: null, prev: null },
    });
  });

  it("shows the first ten, whole, and tells how many there are", async () => {
    const caller = await someone();
    const ids = await manyOf(caller, 21);
    const { status, body } = await list(caller);
    expect(status).toBe(200);
    expect(body.meta).toEqual({ total: 21, page: 1, perPage: 10, totalPages: 3 });
    expect(body.data).toHaveLength(10);
    const [first] = body.data;
    expect(ids).toContain(first.id);
    expect(first).toEqual((await caller.call("getFlowById", { params: { id: first.id } })).body.data);
  });

  it("shows and counts only what the caller or the caller's tenant owns", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    const colleague = await someone({ tenant: caller.tenant! });
    const ids = [await flowOf(caller), await flowOf(colleague)];
    await manyOf(stranger, 3);
    await flowOf(await loner());
    const mine = await list(caller);
    expect(mine.body.meta.total).toBe(2);
    expect(idsOf(mine).toSorted(ascending)).toEqual(ids.toSorted(ascending));
    expect((await list(colleague)).body).toEqual(mine.body);
    expect((await list(stranger)).body.meta.total).toBe(3);
  });

  it("shows somebody without a tenant only their own", async () => {
    const caller = await loner();
    const id = await flowOf(caller);
    await flowOf(await loner());
    expect(idsOf(await list(caller))).toEqual([id]);
  });

  it("shows a flow once, however many of its owners the caller is", async () => {
    const caller = await someone();
    const owners = [
      { id: caller.sub, type: "user" },
      { id: caller.sub, type: "admin" },
      { id: caller.tenant, type: "tenant" },
      { id: caller.tenant, type: "user" },
      { id: caller.tenant, type: "user" },
    ];
    const id = await flowOf(caller, { owners });
    for (const query of ["", `filter[user]=${caller.sub}`, `filter[user]=${caller.tenant}`]) {
      const answer = await list(caller, query);
      expect(idsOf(answer)).toEqual([id]);
      expect(answer.body.meta.total).toBe(1);
    }
  });

  it("shows an admin the flows of everybody", async () => {
    const names = [await someone(), await loner()].map((owner) => ({ owner, name: `flow of ${owner.sub}` }));
    const caller = await admin();
    for (const { owner, name } of names) {
      const id = await flowOf(owner, { name });
      expect(idsOf(await list(caller, `search=${encodeURIComponent(name)}`))).toEqual([id]);
    }
  });

  it.each([
    "page=2",
    "foo=bar",
    "filter=x",
    "filter[color]=red",
    "filter[toString]=x",
    "filter[__proto__]=x",
    "__proto__=x",
  ])("ignores %s, as the original does", async (query) => {
    const caller = await someone();
    await manyOf(caller, 12);
    const answer = await list(caller, query);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual((await list(caller)).body);
  });
});

describe("paging", () => {
  it.each([
    ["", 5, { page: 1, perPage: 10, totalPages: 1 }],
    ["page[size]=1", 1, { page: 1, perPage: 1, totalPages: 5 }],
    ["page[size]=2&page[number]=3", 1, { page: 3, perPage: 2, totalPages: 3 }],
    ["page%5Bsize%5D=2&page%5Bnumber%5D=2", 2, { page: 2, perPage: 2, totalPages: 3 }],
    ["page[size]=5", 5, { page: 1, perPage: 5, totalPages: 1 }],
    ["page[size]=1000", 5, { page: 1, perPage: 1000, totalPages: 1 }],
    ["page[number]=2", 0, { page: 2, perPage: 10, totalPages: 1 }],
    ["page[size]=1000&page[number]=999999999", 0, { page: 999_999_999, perPage: 1000, totalPages: 1 }],
  ])("by %j of five flows shows %i", async (query, shown, meta) => {
    const caller = await someone();
    await manyOf(caller, 5);
    const { status, body } = await list(caller, query);
    expect(status).toBe(200);
    expect(body.data).toHaveLength(shown);
    expect(body.meta).toEqual({ total: 5, ...meta });
  });

  const notNumbers = ["0", "-1", "abc", "3abc", "2.9", "1e1", "", "NaN", "Infinity", "0x10", "%20"];
  const faults = ["page[size]", "page[number]"].flatMap((name) =>
    [...notNumbers, `2&${name}=3`, `2&${name}=2`].map((value) => [name, value] as const),
  );
  it.each([...faults, ["page[size]", "1001"] as const, ["page[number]", "99999999999999999999"] as const])(
    "refuses %s=%s",
    async (name, value) => {
      const { status, body } = await list(await someone(), `${name}=${value}`);
      expect(status).toBe(400);
      expect(body.errors).toHaveLength(1);
      expect(body.errors[0]).toMatchObject({
        message: `Invalid ${name} parameter`,
        code: 400,
        error: "INVALID_PARAMETER",
        parameter: name,
      });
    },
  );

  it("names every parameter that is wrong", async () => {
    const { body } = await list(await someone(), "page[size]=0&page[number]=x&filter[status]=x&sort=x");
    expect((body.errors as { parameter: string }[]).map((error) => error.parameter).toSorted(ascending)).toEqual([
      "filter[status]",
      "page[number]",
      "page[size]",
      "sort",
    ]);
  });
});

describe("a page of very large flows", () => {
  it("is refused if it would be more than 20 MiB, and shown in smaller ones", async () => {
    const caller = await someone();
    for (let n = 0; n < 22; n += 1) await flowOf(caller, { description: "d".repeat(1_000_000) });
    const { status, body } = await list(caller, "page[size]=22");
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ message: "Invalid page[size] parameter", parameter: "page[size]" }]);
    const usual = await list(caller, "page[number]=3");
    expect(usual.body.data).toHaveLength(2);
    expect(usual.body.meta).toEqual({ total: 22, page: 3, perPage: 10, totalPages: 3 });
    expect((await list(caller)).body.data).toHaveLength(10);
  });
});

/** Four flows, called by their descriptions. */
async function fourFlows(): Promise<Caller> {
  const caller = await someone();
  const [a, b, c, d] = await flowsOf(caller, [
    { description: "a", name: "beta" },
    { description: "b", name: "Alpha" },
    { description: "c", name: "alpha" },
    { description: "d", name: undefined },
  ]);
  await setTimes(a!, 3000, 10_000);
  await setTimes(b!, 1000, 30_000);
  await setTimes(c!, 2000, 20_000);
  await setTimes(d!, 4000, 25_000);
  return caller;
}
const order = ({ body }: Answer): string =>
  (body.data as { description: string }[]).map((flow) => flow.description).join("");

describe("sorting", () => {
  it.each([
    ["createdAt", "bcad"],
    ["-createdAt", "dacb"],
    ["updatedAt", "acdb"],
    ["-updatedAt", "bdca"],
    ["name", "dbca"],
    ["-name", "acbd"],
    ["", "bcad"],
  ])("by %j gives %s", async (sort, expected) => {
    expect(order(await list(await fourFlows(), `sort=${sort}`))).toBe(expected);
  });

  it("is by the time of creation if nothing else is asked for", async () => {
    expect(order(await list(await fourFlows()))).toBe("bcad");
  });

  it("of names goes by their bytes, missing ones like empty ones", async () => {
    const caller = await someone();
    const names = [undefined, "", undefined, "10", "9", "B", "a", "z", "Ä", "ä", "中", "～", "😀"];
    const stored = [...names.slice(0, 3), ...names.slice(3).toReversed()];
    await flowsOf(
      caller,
      stored.map((name) => ({ name })),
    );
    const namesBy = async (sort: string) =>
      ((await list(caller, `page[size]=20&sort=${sort}`)).body.data as { name?: string }[]).map((flow) => flow.name);
    expect(await namesBy("name")).toEqual(names);
    expect(await namesBy("-name")).toEqual(names.toReversed());
  });

  it("of names goes by their first 200 characters, and then by the order of storing", async () => {
    const caller = await someone();
    const [alike, half] = ["😀".repeat(200), "😀".repeat(199)];
    const names = [`${alike}b`, `${alike}a`, alike, `${half}z`];
    await flowsOf(
      caller,
      names.map((name) => ({ name })),
    );
    const namesBy = async (sort: string) =>
      ((await list(caller, `sort=${sort}`)).body.data as { name: string }[]).map((flow) => flow.name);
    const sorted = [names[3], ...names.slice(0, 3)];
    expect(await namesBy("name")).toEqual(sorted);
    expect(await namesBy("-name")).toEqual(sorted.toReversed());
  });

  it.each(["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"])(
    "by %s puts equal ones in the order of storing, so that paging shows each once",
    async (sort) => {
      const caller = await someone();
      const ids = (await manyOf(caller, 20)).toSorted(ascending).toReversed();
      for (const id of ids) await setTimes(id, 1000, 1000);
      const shown: string[] = [];
      for (const page of [1, 2, 3]) {
        shown.push(...idsOf(await list(caller, `sort=${sort}&page[size]=7&page[number]=${page}`)));
      }
      expect(shown).toEqual(sort.startsWith("-") ? ids.toReversed() : ids);
    },
  );

  it.each(["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"])(
    "by %s puts those that were stored at once in the order in which they were sent",
    async (sort) => {
      const caller = await someone();
      const ids = await manyOf(caller, 20);
      const shown = idsOf(await list(caller, `sort=${sort}&page[size]=20`));
      expect(shown).toEqual(sort.startsWith("-") ? ids.toReversed() : ids);
    },
  );

  it.each([
    "toString",
    "-toString",
    "__proto__",
    "--name",
    "updatedAt-name",
    "name-",
    "-",
    "Name",
    "status",
    "id",
    "name,createdAt",
    "name;DROP TABLE flows",
    "name&sort=name",
    "name&sort=-createdAt",
  ])("refuses sort=%s", async (sort) => {
    const { status, body } = await list(await someone(), `sort=${sort}`);
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({
      message: "Invalid sort parameter",
      code: 400,
      error: "INVALID_PARAMETER",
      parameter: "sort",
    });
  });
});
