import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { Flow } from "../../src/flows/model.ts";
import type { Caller } from "../support/api.ts";
import { flowOf, newId, someone } from "../support/given.ts";
import { list, pageOf, sorts } from "../support/pages.ts";
import { queryOf, store, tenant, user } from "../support/rows.ts";

const keys = Object.keys(Flow.shape) as (keyof Flow)[];
type Told = Record<string, unknown>;
const dataOf = async (caller: Caller, query: Record<string, string>): Promise<Told[]> =>
  (await pageOf(caller, query)).body.data as Told[];

/** Only these keys of what a flow has. */
const onlyOf = (whole: Told, asked: readonly string[]): Told =>
  Object.fromEntries(Object.entries(whole).filter(([key]) => key === "id" || asked.includes(key)));

const long = "Ä😀x".repeat(120);

/** Flows that differ in all that can be told of one. */
async function various(): Promise<Caller> {
  const caller = await someone();
  const owners = [user(caller.sub), tenant(caller.tenant!)];
  await store([
    { owners, name: "plain", type: "ordinary", cron: "*/3 * * * *", flowSettings: { deep: [1, null] } },
    { owners, name: long, tenant: caller.tenant!, description: "d".repeat(1000) },
    ...[199, 200, 201].map((length) => ({ owners, name: "n".repeat(length) })),
    ...[199, 200, 201].map((length) => ({ owners, name: "😀".repeat(length) })),
    { owners, name: undefined, description: undefined, fromTemplate: newId() },
    { owners, name: 'quoted " \\ \u001f \u2028', type: "größer" },
    { owners: [...owners, { id: "someone else", type: "robot" }], name: "running", status: "active" },
  ]);
  const id = await flowOf(caller, { name: "stalled" }, { status: "stopping", tries: 3 });
  const lastError = JSON.stringify({ code: "STOP_TIMEOUT", reason: "Nobody answers.", at: new Date(0).toISOString() });
  await env.DB.prepare("UPDATE flows SET last_error = ?, started_by = ?, started_at = 1000 WHERE id = ?")
    .bind(lastError, caller.sub, id)
    .run();
  return caller;
}

describe("fields", () => {
  it("tell of each flow what the whole flow tells, each alone and all together", async () => {
    const caller = await various();
    const whole = await dataOf(caller, { "page[size]": "50" });
    expect(whole).toHaveLength(12);
    const alone = keys.map((key) => [key]);
    for (const asked of [...alone, keys, ["name", "status"], ["graph", "name"], ["id"]]) {
      for (const sort of ["createdAt", "-name"]) {
        const told = await dataOf(caller, { "page[size]": "50", fields: asked.join(","), sort });
        const expected = sort === "createdAt" ? whole : await dataOf(caller, { "page[size]": "50", sort });
        expect(told).toEqual(expected.map((flow) => onlyOf(flow, asked)));
      }
    }
  });

  it("always tell the id, and what is asked twice once", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { name: "it", type: "ordinary" });
    expect(await dataOf(caller, { fields: "name" })).toEqual([{ name: "it", id }]);
    expect(await dataOf(caller, { fields: "id" })).toEqual([{ id }]);
    expect(await dataOf(caller, { fields: "name,name,id" })).toEqual([{ name: "it", id }]);
    expect(await dataOf(caller, { fields: " type , name " })).toEqual([{ name: "it", type: "ordinary", id }]);
    expect(await dataOf(caller, { fields: "cron" })).toEqual([{ id }]);
  });

  it.each(["null", "", undefined])("leave out a name that is missing: %j", async (name) => {
    const caller = await someone();
    const id = await flowOf(caller, { name: name === "null" ? null : name, description: "d" });
    const [whole] = await dataOf(caller, {});
    expect(await dataOf(caller, { fields: "description,name" })).toEqual([onlyOf(whole!, ["name", "description"])]);
    const [told] = await dataOf(caller, { fields: "name" });
    expect(told).toMatchObject({ id });
    expect(told!["name"] ?? "").toBe(whole!["name"] ?? "");
  });

  it.each([
    ["name", ""],
    ["name", null],
    ["type", ""],
    ["type", null],
    ["fromTemplate", null],
  ])("tell %s %j as the whole flow does", async (key, value) => {
    const caller = await someone();
    await flowOf(caller, { [key]: value });
    const [whole] = await dataOf(caller, {});
    expect(whole).toHaveProperty(key, value);
    expect(await dataOf(caller, { fields: key })).toEqual([onlyOf(whole!, [key])]);
  });

  it.each([
    "",
    "color",
    "name,color",
    "name,",
    ",",
    "Name",
    "owners.id",
    "graph/nodes",
    "searchText",
    "pos",
    "__proto__",
  ])("refuse %j", async (fields) => {
    const answer = await list(await someone(), queryOf({ fields }));
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([
      { message: "Invalid fields parameter", error: "INVALID_PARAMETER", parameter: "fields" },
    ]);
    expect(answer.body.errors[0].detail).toContain("name, description, kind, graph");
  });

  it("find and count the same flows in the same order", async () => {
    const caller = await various();
    for (const sort of sorts) {
      for (const filter of [
        "",
        "search=😀",
        "filter[status]=1",
        "filter[type]=ordinary",
        `filter[user]=${caller.sub}`,
      ]) {
        const whole = await pageOf(caller, `sort=${sort}&page[size]=5&${filter}`);
        const told = await pageOf(caller, `sort=${sort}&page[size]=5&fields=id&${filter}`);
        expect(told.body.meta).toEqual(whole.body.meta);
        expect(told.body.data).toEqual((whole.body.data as Told[]).map(({ id }) => ({ id })));
      }
    }
  });

  it("let a page be as large as it likes, since documents are not read", async () => {
    const caller = await someone();
    const description = "d".repeat(900_000);
    for (let n = 0; n < 25; n += 1) await store([{ owners: [user(caller.sub)], description }]);
    expect((await list(caller, "page[size]=100")).status).toBe(400);
    expect((await list(caller, "page[size]=100&fields=name,description")).status).toBe(400);
    expect(await dataOf(caller, { "page[size]": "100", fields: "name,status,fromTemplate" })).toHaveLength(25);
  });
});

describe("a long name", () => {
  it("is told whole, and sorted by its first 200 characters", async () => {
    const caller = await someone();
    const names = [
      `${"é".repeat(200)}b`,
      `${"é".repeat(200)}a`,
      "é".repeat(200),
      `${"é".repeat(199)}z`,
      "é".repeat(199),
    ];
    await store(names.map((name) => ({ name, owners: [user(caller.sub)] })));
    const order = [4, 3, 0, 1, 2].map((place) => names[place]);
    for (const fields of ["name", "name,graph"]) {
      const told = await dataOf(caller, { sort: "name", fields });
      expect(told.map(({ name }) => name)).toEqual(order);
    }
  });
});
